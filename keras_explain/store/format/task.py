"""What the explained output of a model is: decided once, kept in the run, asked everywhere.

Imports NumPy alone: the tab, health and a notebook ask the same object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..plain import JSON

KINDS = ("classes", "binary", "labels", "numbers", "unknown")
"""One class of several; one of two, by one output; several labels; numbers; not known."""

SCALES = ("probabilities", "logits", "values")
"""What the outputs are, as the model returns them."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Task:
    """What the numbers of one output mean.

    Outputs are `(rows, *positions, outputs)`: without positions there is one answer for each
    example, with positions one at each of them (a segmentation, a language model, a forecast).

    Attributes:
        kind: One of `KINDS`.
        scale: One of `SCALES`; "values" for numbers, and where the kind is not known.
        shape: `(*positions, outputs)`, of one example.
        output: The name of the output, in a model of several; else empty.
    """

    kind: str
    scale: str
    shape: tuple[int, ...]
    output: str = ""

    def __post_init__(self) -> None:
        """Check the fields, and make them as plain as they come back from a file."""
        if self.kind not in KINDS:
            raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: {self.kind!r}")
        if self.scale not in SCALES:
            raise ValueError(
                f"`scale` must be one of {', '.join(SCALES)}. Received: {self.scale!r}"
            )
        if (self.scale == "values") != (self.kind in ("numbers", "unknown")):
            raise ValueError(
                "`scale` must be 'values' for numbers, and 'probabilities' or 'logits' otherwise. "
                f"Received: {self.scale!r} of {self.kind!r}"
            )
        sizes = isinstance(self.shape, Sequence) and not isinstance(self.shape, str)
        if not sizes or not self.shape or not all(type(n) is int and n > 0 for n in self.shape):
            raise ValueError(f"`shape` must be sizes from 1 on. Received: {self.shape!r}")
        if not isinstance(self.output, str):
            raise ValueError(f"`output` must be text. Received: {self.output!r}")
        if self.kind == "binary" and self.shape[-1] != 1:
            raise ValueError(f"A binary task has one output. Received: {self.shape[-1]}")
        object.__setattr__(self, "shape", tuple(self.shape))

    @property
    def positions(self) -> tuple[int, ...]:
        """Sizes of the axes along which there are several answers for each example."""
        return self.shape[:-1]

    @property
    def is_dense(self) -> bool:
        """Whether there is an answer at each of several positions."""
        return len(self.shape) > 1

    @property
    def has_classes(self) -> bool:
        """Whether each answer is one class, right or wrong."""
        return self.kind in ("classes", "binary")

    @property
    def classes(self) -> int:
        """How many classes, labels or numbers there are; a binary task has two classes."""
        return 2 if self.kind == "binary" else self.shape[-1]

    @property
    def truth_shape(self) -> tuple[int, ...]:
        """Shape of what is true of one example: a class index at each position, or a row."""
        return self.positions if self.has_classes else self.shape

    def chances(self, outputs: NDArray[Any]) -> Floats | None:
        """Probability of each class or label, `(rows, *positions, classes)`; None for numbers.

        Args:
            outputs: As the model returns them, `(rows, *positions, outputs)`.
        """
        if self.scale == "values":
            return None
        values = np.asarray(outputs, np.float32)
        if self.scale == "logits":
            values = _softmax(values) if self.kind == "classes" else _sigmoid(values)
        if self.kind == "binary":
            values = np.concatenate([1 - values, values], axis=-1)
        return values

    def predicted(self, outputs: NDArray[Any]) -> NDArray[np.int32] | None:
        """The class of each answer, `(rows, *positions)`; for labels, 0 or 1 `(rows, ..., labels)`.

        -1 where an output is not finite. None for numbers.
        """
        chances = self.chances(outputs)
        if chances is None:
            return None
        finite = np.isfinite(chances)
        if self.kind == "labels":
            return np.where(finite, chances > 0.5, -1).astype(np.int32)
        found = np.where(finite, chances, -np.inf).argmax(axis=-1)
        return np.where(finite.all(axis=-1), found, -1).astype(np.int32)

    def is_known(self, truth: NDArray[Any]) -> NDArray[np.bool_]:
        """Where something is true at all, of the shape of `truth`."""
        if self.kind in ("numbers", "unknown"):
            return np.isfinite(truth)
        return np.asarray((truth >= 0) & (truth < (self.classes if self.has_classes else 2)))

    def right(self, outputs: NDArray[Any], truth: NDArray[Any]) -> Floats:
        """Share of each example's answers that are right, `(rows,)`; NaN where none is known.

        An answer is one position's class, or one label. NaN for numbers: they are never right, they
        have an `error`.
        """
        predicted = self.predicted(outputs)
        if predicted is None:
            return np.full(len(outputs), np.nan, np.float32)
        return self.right_of(predicted, truth)

    def right_of(self, predicted: NDArray[np.int32], truth: NDArray[Any]) -> Floats:
        """The same of the classes or labels that were predicted, as `predicted` gives them."""
        known = self.is_known(truth)
        return _mean((predicted == truth).astype(np.float32), known & (predicted >= 0))

    def error(self, outputs: NDArray[Any], truth: NDArray[Any]) -> Floats:
        """Of numbers, by how much each is above the true one, `(rows, *positions, outputs)`."""
        if self.kind != "numbers":
            raise ValueError(f"Only numbers have an error. Received: a task of {self.kind}")
        return np.asarray(outputs, np.float32) - np.asarray(truth, np.float32)

    def loss(self, outputs: NDArray[Any], truth: NDArray[Any]) -> Floats:
        """How wrong each example is, `(rows,)`: mean cross-entropy, or mean squared error.

        Of the task itself, to sort examples by; a compiled loss may weigh or smooth. NaN where
        nothing is known.
        """
        known = self.is_known(truth)
        if self.kind == "numbers":
            with np.errstate(all="ignore"):
                return _mean(self.error(outputs, truth) ** 2, known)
        chances = self.chances(outputs)
        if chances is None:
            return np.full(len(outputs), np.nan, np.float32)
        if self.kind == "labels":
            of_true = np.where(truth > 0, chances, 1 - chances)
        else:
            index = np.where(known, truth, 0).astype(np.intp)[..., None]
            of_true = np.take_along_axis(chances, index, axis=-1)[..., 0]
        return _mean(-np.log(np.maximum(of_true, np.finfo(np.float32).tiny)), known)

    def overlap(self, predicted: NDArray[np.int32], truth: NDArray[Any]) -> Floats:
        """Of dense classes, intersection over union `(rows, classes)`; NaN for a class in neither.

        Args:
            predicted: The class at each position, `(rows, *positions)`.
            truth: The same; what is no class is left out.
        """
        known = self.is_known(truth)
        found = np.full((len(predicted), self.classes), np.nan, np.float32)
        for row, (of_row, true, counts) in enumerate(zip(predicted, truth, known, strict=True)):
            at, there = of_row[counts], true[counts].astype(np.int64)
            valid = at >= 0
            both = np.bincount(at[valid & (at == there)], minlength=self.classes)
            of_either = np.bincount(at[valid], minlength=self.classes)
            of_either = of_either + np.bincount(there, minlength=self.classes) - both
            with np.errstate(invalid="ignore"):
                found[row] = np.where(of_either > 0, both / of_either, np.nan)
        return found

    def to_json(self) -> dict[str, JSON]:
        """Every field as plain JSON."""
        return {
            "kind": self.kind,
            "scale": self.scale,
            "shape": list(self.shape),
            "output": self.output,
        }

    @classmethod
    def from_json(cls, fields: Any) -> Task:
        """The inverse of `to_json`.

        Raises:
            ValueError: If a field is missing, unknown or not what it should be.
        """
        try:
            return cls(**fields)
        except TypeError as error:  # a missing or unknown field, or no mapping
            raise ValueError("The fields of the task are not those of schema 1.") from error


def _mean(values: NDArray[Any], known: NDArray[np.bool_]) -> Floats:
    """The mean of each row's known values, `(rows,)`; NaN without any."""
    flat, counts = values.reshape(len(values), -1), known.reshape(len(values), -1)
    number = counts.sum(axis=1)
    total = np.where(counts, flat, 0).sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(number > 0, total / number, np.nan).astype(np.float32)


def _softmax(logits: Floats) -> Floats:
    with np.errstate(all="ignore"):  # inf - inf is NaN, and is told as such
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def _sigmoid(logits: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)
