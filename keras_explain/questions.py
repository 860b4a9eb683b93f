"""What a method may ask of the model beyond the pass: about inputs of its own making."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .ahead import made_ahead
from .model_view import ModelView, Place
from .rewiring import Rewiring

Values = Mapping[Place, NDArray[Any]]
Vary = Callable[[int, NDArray[np.int64]], Values]
"""From a probe's row and the numbers of some variants to their values at the places that vary."""

CALL = 4
"""What a call costs beside its rows, in rows."""


@dataclass(frozen=True)
class Ask:
    """One kind of question; each is traced once a `fit`.

    Attributes:
        gradients: Where the gradient of the score is wanted.
        values: Where the input, or the layer's output, itself is wanted.
        outputs: Whether all logits of the explained output are wanted, and not the score alone.
        reader: A method whose `read` is wanted.
        of: The layer's output that is scored; the logits if None.
        rewiring: What layers and activations are replaced by.
        together: Whether all rows go through the model in one call, because they are compared
            inside; they must not be more than `rows_at_once`.
    """

    gradients: tuple[Place, ...] = ()
    values: tuple[Place, ...] = ()
    outputs: bool = False
    reader: Any = None
    of: Place | None = None
    rewiring: Rewiring | None = None
    together: bool = False


@dataclass(frozen=True)
class Answer:
    """What was asked for, rows first.

    Attributes:
        scores: float32 `(rows,)`.
        gradients: By place, float32.
        values: By place.
        outputs: The logits, `(rows, ..., outputs)`, or None.
        reading: What the method's `read` returned.
    """

    scores: NDArray[np.float32]
    gradients: Values = field(default_factory=dict)
    values: Values = field(default_factory=dict)
    outputs: NDArray[np.float32] | None = None
    reading: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Questions:
    """Rows of inputs that a method asks about, at the weights of one step.

    At first the rows are the probes. `varied` makes others of them, in chunks of `rows_at_once`
    that bound the memory: path points, masks and noise of several probes go through the model in
    one call. All that depends on chance is drawn from `random`, which is the same at every step
    and for a probe whichever others are beside it.

    Attributes:
        view: The model's places.
        inputs: The inputs by name, `(rows, ...)`.
        targets: Which output is explained, int `(rows,)`; for a target of several, the first.
        goal: How much each logit counts in the score, `(rows, ..., outputs)`.
        rows_at_once: Most rows that go through the model in one call. Calls are of this size, of a
            quarter, or of as many rows as there are probes: each question is traced three times
            at most.
        probes: Number of probes.
        replaced: What stands for layers' outputs, by place.
        classes: The labels' classes, int `(rows,)`, or None.
        fixed: Whether the model takes `rows_at_once` rows, no more and no fewer.
    """

    view: ModelView
    inputs: Mapping[str, NDArray[Any]]
    targets: NDArray[Any]
    goal: NDArray[np.float32]
    rows_at_once: int
    probes: int
    _answer: Callable[[Ask, Questions], Mapping[str, Any]]
    _plan_of: Callable[[Any], Any]
    _known: Callable[[Any], Mapping[str, NDArray[Any]] | None] = lambda method: None
    _memory: dict[str, dict[str, Any]] = field(default_factory=dict)
    _seeds: NDArray[np.int64] | None = None
    replaced: Values = field(default_factory=dict)
    classes: NDArray[np.int64] | None = None
    fixed: bool = False

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.targets)

    # What is asked most.

    def scores(self) -> NDArray[np.float32]:
        """The score of each row, float32 `(rows,)`."""
        return self.ask(Ask()).scores

    def gradients(self, places: Sequence[Place], rewiring: Rewiring | None = None) -> Values:
        """The gradient of each row's score by place, float32 `(rows, ...)`."""
        return self.ask(Ask(gradients=tuple(places), rewiring=rewiring)).gradients

    def values(self, places: Sequence[Place]) -> Values:
        """What lies at the places: inputs, or layers' outputs, `(rows, ...)`."""
        found = {p: self.inputs[p.name] for p in places if p.layer is None} | {
            p: self.replaced[p] for p in places if p in self.replaced
        }
        rest = tuple(place for place in places if place not in found)
        return {**found, **(self.ask(Ask(values=rest)).values if rest else {})}

    def outputs(self) -> NDArray[np.float32]:
        """All logits of the explained output, `(rows, ..., outputs)`."""
        outputs = self.ask(Ask(outputs=True)).outputs
        if outputs is None:
            raise RuntimeError("the outputs were not answered")
        return outputs

    def scores_of(self, count: int, vary: Vary) -> NDArray[np.float32]:
        """The score of each variant, float32 `(rows, count)`: masks, perturbations and the like."""
        scores = np.empty((self.count, count), np.float32)
        for row, variant, some in self.varied(count, vary):
            scores[row, variant] = some.scores()
        return scores

    # The ways to ask about something else.

    def varied(
        self, count: int, vary: Vary
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], Questions]]:
        """Variants of every row, `rows_at_once` at a time.

        Args:
            count: Number of variants of each row.
            vary: Makes some of them; what it does not name stays the row's own. It is called on
                a thread beside the model, in order, for a chunk more than is in use.

        Returns:
            One by one, the rows that were varied and the numbers of their variants, int
            `(some,)`, and the questions about them.
        """

        def made(begin: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Questions]:
            chunk = np.arange(begin, min(begin + self.rows_at_once, self.count * count))
            row, variant = chunk // count, chunk % count
            parts = [vary(int(one), variant[row == one]) for one in np.unique(row)]
            values = {place: np.concatenate([part[place] for part in parts]) for place in parts[0]}
            return row, variant, self.at(values, row)

        return made_ahead(made, range(0, self.count * count, self.rows_at_once))

    def at(self, values: Values, rows: NDArray[Any] | slice = slice(None)) -> Questions:
        """The same about the `values` at their places, each row otherwise being one of `rows`."""
        given = {place.name: array for place, array in values.items() if place.layer is None}
        inputs = {
            name: given[name] if name in given else array[rows]
            for name, array in self.inputs.items()
        }
        layers = {place: array[rows] for place, array in self.replaced.items()}
        layers |= {place: array for place, array in values.items() if place.layer is not None}
        return replace(
            self,
            inputs=inputs,
            replaced=layers,
            targets=self.targets[rows],
            goal=self.goal[rows],
            classes=None if self.classes is None else self.classes[rows],
            _seeds=self.seeds[rows],
            _known=lambda method: None,
        )

    def towards(self, goal: NDArray[Any], targets: NDArray[Any] | None = None) -> Questions:
        """The same about another score.

        Args:
            goal: Weights of the logits, `(rows, ..., outputs)`; or of what is scored instead
                (`Ask.of`), `(rows, ...)`.
            targets: Which outputs that means, where it is one a row.
        """
        return replace(
            self,
            goal=np.asarray(goal, np.float32),
            targets=self.targets if targets is None else targets,
            _known=lambda method: None,
        )

    # What stays the same from step to step.

    @cached_property
    def seeds(self) -> NDArray[np.int64]:
        """A number for each row that depends on the probe's own values alone."""
        if self._seeds is not None:
            return self._seeds
        return np.array(
            [
                zlib.crc32(b"".join(_content(array[row]) for array in self.inputs.values()))
                for row in range(self.count)
            ]
        )

    def random(self, row: int, seed: int = 0) -> np.random.Generator:
        """A generator of random numbers that starts anew at each call, and is the row's own."""
        return np.random.default_rng([seed, int(self.seeds[row])])

    def memory(self, method: Any) -> dict[str, Any]:
        """What a method keeps from step to step of one `fit`; empty at its first step."""
        return self._memory.setdefault(method.identity, {})

    def plan(self, method: Any) -> Any:
        """The plan of a method that stands inside another."""
        return self._plan_of(method)

    def known(self, method: Any) -> Mapping[str, NDArray[Any]] | None:
        """What the pass has already read for this method at these rows, or None."""
        return self._known(method)

    # The one way in which all is asked.

    def ask(self, ask: Ask) -> Answer:
        """Put the question about all rows, `rows_at_once` at a time."""
        found = []
        begin = 0
        while begin < self.count:
            together = ask.together and not self.fixed
            size = self.count if together else self._size(self.count - begin)
            found.append(self._answered(ask, begin, size))
            begin += size
        joined = {name: _joined([part[name] for part in found]) for name in found[0]}
        return Answer(
            scores=joined["scores"],
            gradients=dict(zip(ask.gradients, joined["gradients"], strict=True)),
            values=dict(zip(ask.values, joined["values"], strict=True)),
            outputs=joined.get("outputs"),
            reading=joined.get("reading", {}),
        )

    def _size(self, left: int) -> int:
        """How many rows go next: full calls, and then those sizes that fill up the least."""
        if left >= self.rows_at_once or self.fixed:
            return self.rows_at_once
        sizes = {self.rows_at_once, -(-self.rows_at_once // 4), self.probes}
        fitting = [size for size in sizes if size <= self.rows_at_once]
        return min(fitting, key=lambda size: (-(-left // size) * (size + CALL), size))

    def _answered(self, ask: Ask, begin: int, size: int) -> Mapping[str, Any]:
        if begin == 0 and size == self.count:
            return self._answer(ask, self)
        # The last row fills the last chunk up.
        filled = self.at({}, np.minimum(np.arange(begin, begin + size), self.count - 1))
        return _cut(self._answer(ask, filled), self.count - begin)


def _content(values: Any) -> bytes:
    array = np.ascontiguousarray(values)
    return repr(array.tolist()).encode() if array.dtype.kind == "O" else array.tobytes()


def _cut(found: Any, rows: int) -> Any:
    if isinstance(found, Mapping):
        return {name: _cut(part, rows) for name, part in found.items()}
    if isinstance(found, list):
        return [_cut(part, rows) for part in found]
    return found[:rows]


def _joined(parts: list[Any]) -> Any:
    if isinstance(parts[0], Mapping):
        return {name: _joined([part[name] for part in parts]) for name in parts[0]}
    if isinstance(parts[0], list):
        return [_joined([part[at] for part in parts]) for at in range(len(parts[0]))]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
