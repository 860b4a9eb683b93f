"""How much of the model's outputs is kept at each step, within a bound."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..store import RecordSpec
from ..store.format.task import Task

DEFAULT_MB = 2.0
KEY = "predictions"


@dataclass(frozen=True)
class Keeping:
    """What is kept of the explained output: all, or its classes, at all positions or at some.

    Attributes:
        task: The task of the output as the model returns it.
        every: Every so many positions of each axis are kept.
        only_classes: Whether the class and its probability are kept, and not all outputs.
    """

    task: Task
    every: int = 1
    only_classes: bool = False

    @classmethod
    def of(cls, task: Task, probes: int, megabytes: float = DEFAULT_MB) -> Keeping:
        """What fits the bound: the outputs; else the classes; else those at some positions.

        Args:
            task: The task of the output.
            probes: Number of probes.
            megabytes: The bound of one step, in 10^6 bytes; what has no positions is always kept.
        """
        every = 1
        while True:
            for only_classes in (False, True) if task.has_classes else (False,):
                found = cls(task, every, only_classes)
                if not task.is_dense or 4 * probes * found.values <= megabytes * 1e6:
                    return found
            if every >= max(task.positions):
                return found
            every += 1

    @property
    def kept_task(self) -> Task:
        """The task of what is kept: the same, at fewer positions."""
        positions = tuple(math.ceil(size / self.every) for size in self.task.positions)
        return dataclasses.replace(self.task, shape=(*positions, self.task.shape[-1]))

    @property
    def values(self) -> int:
        """Numbers that are kept of one probe."""
        shape = self.kept_task.shape
        return 2 * math.prod(shape[:-1]) if self.only_classes else math.prod(shape)

    def thinned(self, array: NDArray[Any]) -> NDArray[Any]:
        """The kept positions of an array `(probes, *positions, ...)`."""
        if self.every == 1:
            return array
        steps = (slice(None, None, self.every),) * len(self.task.positions)
        return np.ascontiguousarray(array[(slice(None), *steps)])

    def records(self, outputs: NDArray[np.float32]) -> list[tuple[RecordSpec, NDArray[Any]]]:
        """The records of one step.

        Args:
            outputs: As the model returns them, `(probes, ...)`.
        """
        kept = self.thinned(outputs.reshape(len(outputs), *self.task.shape))
        if not self.only_classes:
            return [
                (
                    _spec(KEY, "Predictions", "output", ("class",), self.every),
                    kept.reshape(len(kept), -1),
                )
            ]
        predicted, chances = self.kept_task.predicted(kept), self.kept_task.chances(kept)
        if predicted is None or chances is None:
            raise RuntimeError("only classes can be kept as classes")
        axes = tuple(f"position_{axis}" for axis in range(len(self.task.positions)))
        classes = _spec(f"{KEY}/classes", "Predicted class", "none", axes, self.every)
        confidence = _spec(f"{KEY}/confidence", "Confidence", "probability", axes, self.every)
        return [(classes, predicted), (confidence, chances.max(axis=-1))]


def check_megabytes(value: Any) -> float:
    """The user's bound for the predictions of a step.

    Raises:
        ValueError: If it is none.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not value > 0:
        raise ValueError(
            "`predictions_mb` must be a number of megabytes above 0, kept at most of a step's "
            f"predictions at positions. Received: {value!r}"
        )
    return float(value)


def _spec(key: str, title: str, unit: str, axes: tuple[str, ...], every: int) -> RecordSpec:
    return RecordSpec(
        key=key,
        method=KEY,
        title=title,
        axes=axes,
        signed=False,
        precision="float32",
        quantity="prediction",
        unit=unit,
        options={} if every == 1 else {"every": every},
    )
