"""What the model predicted for the probes at one step, as the task of its output says.

The one place that reads the record `predictions`. The tab, health and `Run` ask it, so that a
class, an error or a loss is the same everywhere. Of a large dense output a run may keep the class
and its chance at each position instead; both are read alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import StoreError
from .format.task import Floats, Task
from .index import Step
from .reader import Reader

KEY = "predictions"
CLASSES = "predictions/classes"
CONFIDENCE = "predictions/confidence"

AT_ONCE = 2**23
"""Numbers of a step that are looked at together, at most, and at least one row."""


@dataclass(frozen=True)
class Predictions:
    """The model's answers for some probes at one step, and what is true of them.

    Attributes:
        task: What the numbers mean; of the kind "unknown" in a run that does not say.
        rows: Which probes.
        outputs: As the model returned them, `(rows, *task.shape)`; None where only classes are
            kept.
        predicted: As `Task.predicted`; None for numbers.
        confidence: Probability of the predicted class, `(rows, *positions)`; None for labels and
            numbers, and where it is not kept.
        truth: What is true, `(rows, *task.truth_shape)`; None where it is not known.
    """

    task: Task
    rows: Sequence[int]
    outputs: Floats | None
    predicted: NDArray[np.int32] | None
    confidence: Floats | None
    truth: NDArray[Any] | None

    @cached_property
    def chances(self) -> Floats | None:
        """Probability of each class or label; None for numbers, and where only classes are kept."""
        return None if self.outputs is None else self.task.chances(self.outputs)

    @property
    def answers(self) -> NDArray[np.int32] | None:
        """The classes said of each probe, `(rows, answers)`: one, or a 0 or 1 for each label.

        -1 where an output is not finite. None for numbers, and for answers at several positions.
        """
        if self.predicted is None or self.task.is_dense:
            return None
        return self.predicted.reshape(len(self.rows), -1)

    @cached_property
    def right(self) -> Floats:
        """Share of each probe's answers that are right, `(rows,)`; NaN where none is known."""
        if self.predicted is None or self.truth is None:
            return self._nothing
        return self.task.right_of(self.predicted, self.truth)

    @cached_property
    def loss(self) -> Floats:
        """How wrong each probe is, `(rows,)`, see `Task.loss`; NaN where it is not known."""
        if self.outputs is None or self.truth is None:
            return self._nothing
        return self.task.loss(self.outputs, self.truth)

    @cached_property
    def error(self) -> Floats | None:
        """Of numbers, by how much each is above the true one; None where that is not known."""
        if self.task.kind != "numbers" or self.outputs is None or self.truth is None:
            return None
        return self.task.error(self.outputs, self.truth)

    @cached_property
    def of_true(self) -> Floats:
        """Probability of the true class, `(rows,)`; NaN at positions, for labels and numbers."""
        task, chances, truth = self.task, self.chances, self.truth
        if chances is None or truth is None or not task.has_classes or task.is_dense:
            return self._nothing
        known = task.is_known(truth)
        index = np.where(known, truth, 0).astype(np.intp)
        return np.where(known, chances[np.arange(len(chances)), index], np.nan).astype(np.float32)

    @cached_property
    def overlap(self) -> Floats | None:
        """Intersection over union, `(rows, classes)`; None but for classes at positions."""
        task = self.task
        of_places = task.has_classes and task.is_dense
        if not of_places or self.predicted is None or self.truth is None:
            return None
        return task.overlap(self.predicted, self.truth)

    @property
    def _nothing(self) -> Floats:
        return np.full(len(self.rows), np.nan, np.float32)


def task_of(reader: Reader, step: Step) -> Task | None:
    """What the run says of the explained output; None where it says nothing."""
    try:
        return reader.probes(step).task
    except StoreError:
        return None


def predictions_at(
    reader: Reader, step: Step, rows: Sequence[int] | None = None
) -> Predictions | None:
    """What the model predicted at a step, or None where nothing of it can be used.

    Args:
        reader: Reads the run.
        step: Of its index.
        rows: Which probes; all by default.
    """
    found = step.layout.get(KEY) or step.layout.get(CLASSES)
    if found is None:
        return None
    at = range(found.row_count) if rows is None else rows
    task, truth = _meant(reader, step, found.row_count, at)
    if KEY in step.layout:
        outputs = reader.load_usable(step, KEY, at)
        return None if outputs is None else _of_outputs(task, at, outputs, truth)
    classes, confidence = (reader.load_usable(step, key, at) for key in (CLASSES, CONFIDENCE))
    shape = (len(at), *(task.positions if task is not None else ()))
    if task is None or not task.has_classes or classes is None or classes.shape != shape:
        return None
    if confidence is not None and confidence.shape != shape:
        confidence = None
    within = np.isfinite(classes) & (classes >= 0) & (classes < task.classes)
    predicted = np.where(within, classes, -1).astype(np.int32)
    return Predictions(task, at, None, predicted, confidence, truth)


def in_parts(reader: Reader, step: Step) -> Iterator[Predictions | None]:
    """All predictions of a step, some probes at a time: no step takes more memory than that."""
    found = step.layout.get(KEY) or step.layout.get(CLASSES)
    if found is None:
        return
    rows = max(1, AT_ONCE // max(1, math.prod(found.row_shape)))
    for begin in range(0, found.row_count, rows):
        part = range(begin, min(begin + rows, found.row_count))
        yield predictions_at(reader, step, part)


def _meant(
    reader: Reader, step: Step, count: int, rows: Sequence[int]
) -> tuple[Task | None, NDArray[Any] | None]:
    """The task, and what is true of the rows."""
    try:
        file = reader.probes(step)
        if file.task is None or file.count != count:
            return None, None
        truth = file.true(rows)
    except (StoreError, OSError):
        return task_of(reader, step), None
    fits = truth is not None and truth.shape == (len(rows), *file.task.truth_shape)
    return file.task, truth if fits else None


def _of_outputs(
    task: Task | None, rows: Sequence[int], outputs: Floats, truth: NDArray[Any] | None
) -> Predictions:
    size = math.prod(outputs.shape[1:])
    if task is None or math.prod(task.shape) != size:
        task, truth = Task("unknown", "values", (max(1, size),)), None
    outputs = outputs.reshape(len(rows), *task.shape)
    predicted, chances = task.predicted(outputs), task.chances(outputs)
    confidence = None
    if task.has_classes and predicted is not None and chances is not None:
        chosen = np.take_along_axis(chances, np.maximum(predicted, 0)[..., None], axis=-1)[..., 0]
        confidence = np.where(predicted < 0, np.nan, chosen).astype(np.float32)
    return Predictions(task, rows, outputs, predicted, confidence, truth)
