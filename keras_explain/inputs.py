"""What people know of an input: a table's columns, a text's words, how a picture looks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .store import InputFacts
from .subwords import MARKS, mark_of, reading_of, starts_by_mark, starts_by_number, words_in


class InputNames(ABC):
    """What is known of an input beside its numbers."""

    def pictures(self, name: str, values: NDArray[Any]) -> NDArray[np.uint8] | None:
        """How the probes look, uint8 `(probes, height, width, 1 or 3)`; None as their numbers say.

        Args:
            name: The input's name.
            values: The probes' values, `(probes, ...)`.

        Raises:
            ValueError: If they cannot be made.
        """
        return None

    @abstractmethod
    def facts(self, name: str, values: NDArray[Any]) -> tuple[str, InputFacts]:
        """The input's kind, and its facts as they are kept.

        Args:
            name: The input's name.
            values: The probes' values, `(probes, ...)`.

        Raises:
            ValueError: If they do not fit the values.
        """


@dataclass(frozen=True)
class Features(InputNames):
    """The columns of a table, or the channels of a series: the last axis of the input.

    Attributes:
        names: Their names, in order.
        units: By name, what a column is measured in.
        categories: By name, what the numbers of a categorical column stand for: a list of words
            for 0, 1, ..., or a mapping from number to word.
    """

    names: Sequence[str]
    units: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, Sequence[str] | Mapping[Any, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [str(name) for name in self.names]
        for option, known in (("units", self.units), ("categories", self.categories)):
            strange = [str(name) for name in known if str(name) not in names]
            if strange:
                raise ValueError(
                    f"`{option}` must be by the names of the features: {', '.join(names)}. "
                    f"Received: {', '.join(strange)}"
                )

    def facts(self, name: str, values: NDArray[Any]) -> tuple[str, InputFacts]:  # noqa: D102
        names = tuple(str(one) for one in self.names)
        if values.ndim < 2 or values.shape[-1] != len(names):
            raise ValueError(
                f"`inputs` must name the {values.shape[-1] if values.ndim > 1 else 1} features of "
                f"{name!r}. Received: {len(names)} names"
            )
        categories = {
            str(one): {_number(n): str(word) for n, word in _numbered(words)}
            for one, words in self.categories.items()
        }
        units = {str(one): str(unit) for one, unit in self.units.items()}
        kind = "features" if values.ndim == 2 else "series" if values.ndim == 3 else "image"
        return kind, InputFacts(names=names, units=units, categories=categories)


@dataclass(frozen=True)
class Tokens(InputNames):
    """The words that token ids stand for.

    Attributes:
        vocabulary: The words in the order of their ids; a mapping from word to id or from id to
            word; or what knows them: a `keras.layers.TextVectorization` or `StringLookup`, a
            tokenizer of keras-hub, Hugging Face or SentencePiece.
        subwords: How tokens make up words, which the tab then shows, each with the sum of its
            tokens' numbers: `"auto"`, by the marks that the words bear, if any; a mark itself,
            `"##"` (WordPiece), `"▁"` (SentencePiece), `"Ġ"` (byte-level BPE) or `"</w>"` (BPE); the
            number of each token's word, `(probes, tokens)`, as Hugging Face's `word_ids` gives it,
            None or -1 for a token of no word; None, to leave the tokens as they are.
    """

    vocabulary: Any
    subwords: Any = "auto"

    def __post_init__(self) -> None:
        self._word_of()
        is_word = isinstance(self.subwords, str)
        if is_word and self.subwords in ("auto", *MARKS):
            return
        if is_word or not (self.subwords is None or hasattr(self.subwords, "__len__")):
            raise ValueError(
                f"`subwords` must be 'auto', one of {', '.join(MARKS)}, None, or the number of "
                f"each token's word, (probes, tokens). Received: {self.subwords!r}"
            )

    def facts(self, name: str, values: NDArray[Any]) -> tuple[str, InputFacts]:  # noqa: D102
        if values.dtype.kind not in "iu":
            raise ValueError(
                f"`inputs` must be Tokens of an input of whole numbers. Received: {name!r}, of "
                f"{values.dtype}"
            )
        word_of = self._word_of()
        ids = np.unique(values).tolist()
        words = {str(one): word for one in ids if (word := word_of(one)) is not None}
        if not words:
            raise ValueError(
                f"`vocabulary` must know the ids of {name!r}. Received: one that knows none of "
                f"{', '.join(map(str, ids[:8]))}"
            )
        starts, joined = self._joined(name, values, word_of)
        return "tokens", InputFacts(words=words, starts=starts, joined=joined)

    def _joined(
        self, name: str, values: NDArray[Any], word_of: Callable[[int], str | None]
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """Where words begin in each text, and how those of several tokens, or marked ones, read."""
        if self.subwords is None or values.ndim != 2:
            return (), {}
        texts = [[word_of(one) for one in row] for row in values.tolist()]
        mark = mark_of(text for row in texts for text in row if text is not None)
        if isinstance(self.subwords, str):
            mark = mark if self.subwords == "auto" else self.subwords
            if mark is None:
                return (), {}
            starts = [starts_by_mark(row, mark) for row in texts]
        else:
            starts = [starts_by_number(row) for row in self._numbers(name, values.shape)]
        joined: dict[str, str] = {}
        for ids, row, begins in zip(values.tolist(), texts, starts, strict=True):
            for word in words_in(row, begins):
                read = reading_of(row[word], mark)
                if read and row[word] != [read]:
                    joined[" ".join(map(str, ids[word]))] = read
        return tuple("".join("01"[begins] for begins in row) for row in starts), joined

    def _numbers(self, name: str, shape: tuple[int, ...]) -> list[list[int]]:
        """The number of each token's word; -1 for a token of none."""
        try:
            numbers = [[-1 if one is None else int(one) for one in row] for row in self.subwords]
        except (TypeError, ValueError):
            numbers = []
        if len(numbers) != shape[0] or any(len(row) != shape[1] for row in numbers):
            raise ValueError(
                f"`subwords` must give the number of each token's word, of shape {shape} as "
                f"{name!r}. Received: {type(self.subwords).__name__} of {len(self.subwords)} rows"
            )
        return numbers

    def _word_of(self) -> Callable[[int], str | None]:
        known = self.vocabulary
        # A tokenizer's own list of words need not be in the order of the ids: it is asked first.
        for method in ("id_to_token", "id_to_piece", "convert_ids_to_tokens"):
            if hasattr(known, method):
                word_of = getattr(known, method)
                return lambda one: _text(word_of(int(one)))
        if hasattr(known, "get_vocabulary"):
            known = known.get_vocabulary()
        if isinstance(known, Mapping):
            turned = {
                int(n): word for word, n in known.items() if isinstance(n, int | np.integer)
            } or {int(n): word for n, word in known.items()}
            return lambda one: _text(turned.get(one))
        if isinstance(known, Sequence | np.ndarray) and not isinstance(known, str | bytes):
            return lambda one: _text(known[one]) if 0 <= one < len(known) else None
        raise ValueError(
            "`vocabulary` must be a list of words, a mapping, or a layer or tokenizer that knows "
            f"them. Received: {type(self.vocabulary).__name__}"
        )


@dataclass(frozen=True)
class Picture(InputNames):
    """How an input looks to people, where its numbers do not say so.

    Attributes:
        display: Makes pictures `(probes, height, width, 1 or 3)`, of 0 to 1 or of 0 to 255, of the
            probes `(probes, ...)` as the model gets them: undoes a preprocessing, picks three of
            many channels, draws a spectrum.
    """

    display: Callable[[NDArray[Any]], Any]

    def __post_init__(self) -> None:
        if not callable(self.display):
            raise ValueError(
                f"`display` must be a function. Received: {type(self.display).__name__}"
            )

    def facts(self, name: str, values: NDArray[Any]) -> tuple[str, InputFacts]:  # noqa: D102
        return "image", InputFacts()

    def pictures(self, name: str, values: NDArray[Any]) -> NDArray[np.uint8]:  # noqa: D102
        made = np.asarray(self.display(values.copy()))
        numbers = made.dtype.kind in "biuf" and made.size > 0 and np.isfinite(made).all()
        fits = made.ndim == 4 and len(made) == len(values) and made.shape[-1] in (1, 3)
        if not numbers or not fits or made.min() < 0 or made.max() > 255:
            extent = f" from {made.min()} to {made.max()}" if numbers else ""
            raise ValueError(
                f"`display` must make pictures ({len(values)}, height, width, 1 or 3) of 0 to 1 or "
                f"0 to 255 of {name!r}. Received: {made.dtype} of shape {made.shape}{extent}"
            )
        is_small = made.dtype.kind == "f" and made.max() <= 1
        return np.round(made * (255.0 if is_small else 1.0)).astype(np.uint8)


def named(
    inputs: InputNames | Mapping[str, InputNames] | None, values: Mapping[str, NDArray[Any]]
) -> dict[str, InputNames]:
    """What the user said of each input, by its name.

    Args:
        inputs: By the input's name, or of the only one.
        values: The probes' values by the input's name.

    Raises:
        ValueError: If that names another input.
    """
    if inputs is None:
        return {}
    if isinstance(inputs, InputNames):
        if len(values) != 1:
            raise ValueError(
                f"`inputs` must be by the inputs' names: {', '.join(values)}. "
                f"Received: one {type(inputs).__name__} for all"
            )
        inputs = dict.fromkeys(values, inputs)
    for name, one in inputs.items():
        if name not in values or not isinstance(one, InputNames):
            raise ValueError(
                f"`inputs` must map names of the model's inputs ({', '.join(values)}) to "
                f"Features, Tokens or Picture. Received: {name!r}: {type(one).__name__}"
            )
    return dict(inputs)


def _numbered(words: Sequence[str] | Mapping[Any, str]) -> list[tuple[Any, str]]:
    return list(words.items()) if isinstance(words, Mapping) else list(enumerate(words))


def _number(value: Any) -> str:
    """A number as JavaScript writes it, so that 1.0 and 1 are one key."""
    return f"{float(np.float32(value)):.9g}"


def _text(word: Any) -> str | None:
    if isinstance(word, bytes):
        return word.decode(errors="replace")
    return None if word is None else str(word)
