"""What an input is, by what the model does with it: ids, a table, a series, a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..inputs import Features, InputNames, Picture, Tokens
from ..model_view import axes_of
from ..store import InputFacts
from .fitting import is_text

SMALLEST_PICTURE = 8
"""Fewest pixels a side of what is taken for a picture without a channel axis."""

KINDS = {1: "features", 2: "series", 3: "image", 4: "volume"}
"""By the number of axes of one example, what it is where the model says nothing else."""


@dataclass(frozen=True)
class Look:
    """What one input is, and how it is kept.

    Attributes:
        kind: One of the store's kinds of inputs.
        axes: Names of the axes of one example, as it is kept.
        facts: What is known of it from the model or from its values; None for nothing.
        values: What is kept instead of the input, such as the ids of a text's words; or None.
        is_ids: Whether its whole numbers choose rows of an embedding.
        axes_in_model: Names of the axes of one example as the model gets it, where they differ.
        vectorizer: What makes token ids of a text, which are kept with their words.
    """

    kind: str
    axes: tuple[str, ...]
    facts: InputFacts | None = None
    values: NDArray[Any] | None = None
    is_ids: bool = False
    axes_in_model: tuple[str, ...] | None = None
    vectorizer: keras.layers.TextVectorization | None = None

    @property
    def place_axes(self) -> tuple[str, ...]:
        """Names of the axes of one example, as the model gets it."""
        return self.axes if self.axes_in_model is None else self.axes_in_model

    def kept(self, array: NDArray[Any]) -> tuple[NDArray[Any], InputFacts | None]:
        """The numbers that are kept of the input, and what is known of them."""
        if self.vectorizer is None:
            if self.is_ids and array.dtype.kind == "f":  # as Keras declares an input by default
                array = array.astype(np.int64)
            return array if self.values is None else self.values, self.facts
        ids = np.asarray(keras.ops.convert_to_numpy(self.vectorizer(array)))
        words = self.vectorizer.get_vocabulary()
        known = {str(one): str(words[one]) for one in np.unique(ids) if one < len(words)}
        return ids, InputFacts(words=known)


def look_of(
    array: NDArray[Any],
    readers: Sequence[tuple[keras.Layer, tuple[int, ...]]],
    is_ids: bool,
    said: InputNames | None = None,
    tokenizer: Any = None,
) -> Look:
    """What an input is.

    Args:
        array: The probes' values, `(probes, ...)`.
        readers: The layers that read the input, with the shapes `(probes, ...)` of their outputs.
        is_ids: Whether it feeds an embedding.
        said: What the user says of it.
        tokenizer: The model's own, which knows words of ids; or None.
    """
    rank = array.ndim - 1
    if is_text(array):
        return _of_strings(array, readers)
    if is_ids:
        facts = None if tokenizer is None or rank != 1 else _words(array, tokenizer)
        return Look("tokens" if rank == 1 else "features", axes_of(rank), facts, is_ids=True)
    if isinstance(said, Picture) and rank == 2:
        return Look("image", ("height", "width"))
    if rank == 2 and not isinstance(said, Features) and _is_picture(array.shape, readers):
        return Look("image", ("height", "width"))
    return Look(KINDS.get(rank, "features"), axes_of(rank))


def _words(ids: NDArray[Any], tokenizer: Any) -> InputFacts | None:
    try:
        return Tokens(tokenizer).facts("ids", ids.astype(np.int64))[1]
    except (AttributeError, TypeError, ValueError, IndexError):
        return None  # a tokenizer of another kind: ids are shown


def _is_picture(
    shape: tuple[int, ...], readers: Sequence[tuple[keras.Layer, tuple[int, ...]]]
) -> bool:
    """Whether `(probes, a, b)` are pictures without a channel axis.

    They are where a layer gives them one, and no series where nothing reads them in an order of
    time and both sides are equal, as in the tutorials that flatten 28 x 28 digits.
    """
    if any((*shape, 1) == tuple(made) for _, made in readers):
        return True
    in_order = any(_reads_series(layer) for layer, _ in readers)
    return bool(readers) and not in_order and shape[1] == shape[2] >= SMALLEST_PICTURE


def _reads_series(layer: keras.Layer) -> bool:
    """Whether a layer treats the first axis of an example as time.

    Layers that flatten or reshape an example do not depend on an order.
    """
    return not isinstance(layer, keras.layers.Flatten | keras.layers.Reshape)


def _of_strings(
    array: NDArray[Any], readers: Sequence[tuple[keras.Layer, tuple[int, ...]]]
) -> Look:
    """Texts as their words, where a vectoriser tells them; other strings as categories."""
    axes = axes_of(array.ndim - 1) if array.ndim > 1 else ()
    for layer, made in readers:
        # One row of ids for each text; other modes give floats, or counts.
        if (
            isinstance(layer, keras.layers.TextVectorization)
            and _gives_ids(layer)
            and len(made) == 2
        ):
            return Look("tokens", ("feature",), is_ids=True, axes_in_model=axes, vectorizer=layer)
    texts = np.vectorize(_text, otypes=[object])(array)
    columns = texts.reshape(len(texts), -1).T.astype(str)
    coded = [np.unique(column, return_inverse=True) for column in columns]
    names = tuple(f"column {at}" for at in range(len(coded)))
    categories = {
        name: {str(code): str(word) for code, word in enumerate(words)}
        for name, (words, _) in zip(names, coded, strict=True)
    }
    codes = np.stack([inverse.reshape(-1) for _, inverse in coded], axis=1).reshape(array.shape)
    facts = InputFacts(names, {}, categories) if array.ndim == 2 else None
    return Look("features", axes, facts, codes)


def _gives_ids(layer: keras.layers.Layer) -> bool:
    is_vectorizer = isinstance(layer, keras.layers.TextVectorization)
    return is_vectorizer and layer.get_config()["output_mode"] == "int"


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
