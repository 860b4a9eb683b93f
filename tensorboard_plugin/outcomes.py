"""What the model said of the probes at one step, in the few figures that the tab draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_explain.store import Reader
from keras_explain.store.format.task import Task
from keras_explain.store.index import Step
from keras_explain.store.predictions import KEY, Predictions, in_parts, predictions_at, task_of

from .bundle import bundle
from .queries import MAX_READ, MAX_REPLY, BadRequest, NotFound, chosen

MOST_LISTED = 16
"""Outputs whose own figures are told of each probe, at most."""

NO_CLASS = 255
"""Stands for no class where there are as few classes as fit a byte beside it."""

FIGURES = ("probability", "true_probability", "right", "loss", "error", "overlap")
"""By probe: the chance of what is predicted (at positions their mean), the chance of the true
class, the share of answers that are right, the task's loss, the mean absolute error of numbers, and
the mean intersection over union of the classes that are there."""

LISTED = ("output", "figure", "truth")
"""By probe and place in its list: which output; its value, chance or intersection over union; and
its true value, whether the label is true (1 or 0), or the share of positions of that class."""


def loaded(reader: Reader, step: Step, key: str, count: int) -> NDArray[np.float32] | None:
    """A record of `count` rows, or None where the step has none that can be used."""
    stored = step.layout.get(key)
    if stored is None or stored.row_count != count:
        return None
    return reader.load_usable(step, key)


def listed(reader: Reader, step: Step) -> int:
    """How many outputs are told of each probe one by one."""
    task, stored = task_of(reader, step), step.layout.get(KEY)
    if task is None or task.kind == "unknown":
        size = 0 if stored is None else math.prod(stored.row_shape)
        return size if size <= MOST_LISTED else 0
    if task.kind == "labels":
        return 0 if task.is_dense else min(task.classes, MOST_LISTED)
    if task.has_classes:
        return min(task.classes, MOST_LISTED) if task.is_dense else 0
    size = math.prod(task.shape)
    return size if size <= MOST_LISTED else 0


@dataclass(frozen=True)
class Outcomes:
    """What is told of each of `count` probes at some steps, `(steps, probes)` each.

    Attributes:
        arrays: `predicted`, the `FIGURES`, and `LISTED` with the place in the list in their names.
        places: Length of the list.
    """

    arrays: dict[str, NDArray[Any]]
    places: int

    @classmethod
    def unknown(cls, steps: int, count: int, places: int) -> Outcomes:
        """Nothing is known yet."""
        shape = (steps, count)
        arrays: dict[str, NDArray[Any]] = {"predicted": np.full(shape, -1, "i4")}
        arrays |= {name: np.full(shape, np.nan, "f4") for name in FIGURES}
        for place in range(places):
            arrays[f"output/{place}"] = np.full(shape, -1, "i4")
            arrays |= {f"{name}/{place}": np.full(shape, np.nan, "f4") for name in LISTED[1:]}
        return cls(arrays, places)

    def read(self, at: int, reader: Reader, step: Step) -> None:
        """Fill in what is known of a step."""
        count = self.arrays["predicted"].shape[1]
        for said in in_parts(reader, step):
            if said is None or not said.rows or said.rows[-1] >= count:
                continue
            rows = slice(said.rows[0], said.rows[-1] + 1)
            for name, values in _figures(said).items():
                self.arrays[name][at, rows] = values
            for name, table in zip(LISTED, _listed(said, self.places), strict=True):
                for place in range(table.shape[1]):
                    self.arrays[f"{name}/{place}"][at, rows] = table[:, place]


def _figures(said: Predictions) -> dict[str, NDArray[Any]]:
    count = len(said.rows)
    found: dict[str, NDArray[Any]] = {
        "right": said.right,
        "loss": said.loss,
        "true_probability": said.of_true,
    }
    if said.confidence is not None:
        found["probability"] = _mean(said.confidence)
    if said.task.has_classes and said.answers is not None:
        found["predicted"] = said.answers[:, 0]
        # The class of an output that is not finite may still look sure of itself.
        found["probability"] = np.where(said.answers[:, 0] < 0, np.nan, found["probability"])
    if said.error is not None:
        found["error"] = _mean(np.abs(said.error))
    if said.overlap is not None:
        found["overlap"] = _mean(said.overlap)
    return {name: values.reshape(count) for name, values in found.items()}


def _listed(said: Predictions, places: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Which outputs are told of each probe, their figures, and what is true of them."""
    nothing = np.full((len(said.rows), 0), np.nan, np.float32)
    figures, truth = _of_outputs(said)
    if figures is None or places == 0 or figures.shape[1] < places:
        return np.full((len(said.rows), 0), -1), nothing, nothing
    if truth is None:
        truth = np.full(figures.shape, np.nan, np.float32)
    if figures.shape[1] == places:
        order = np.broadcast_to(np.arange(places), figures.shape)
    else:  # those that are there, then the likeliest, in the order of the outputs
        weight = np.nan_to_num(truth, nan=0.0) * 2 + np.nan_to_num(figures, nan=-1.0)
        order = np.sort(np.argsort(-weight, axis=1, kind="stable")[:, :places], axis=1)
    return (
        order,
        np.take_along_axis(figures, order, axis=1),
        np.take_along_axis(truth, order, axis=1),
    )


def _of_outputs(said: Predictions) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
    """The figure of each output, and what is true of it, `(rows, outputs)`."""
    task, truth = said.task, said.truth
    if task.kind == "labels":
        known = None if truth is None else np.where(task.is_known(truth), truth, np.nan)
        return said.chances, known
    if task.has_classes:
        return (None, None) if said.overlap is None else (said.overlap, _shares(said))
    flat = None if said.outputs is None else said.outputs.reshape(len(said.rows), -1)
    return flat, None if truth is None else truth.reshape(len(said.rows), -1)


def _shares(said: Predictions) -> NDArray[Any]:
    """Of each class, the share of the positions where it is true, `(rows, classes)`."""
    truth = np.asarray(said.truth).reshape(len(said.rows), -1)
    return np.stack(
        [
            np.bincount(row[(row >= 0) & (row < said.task.classes)], minlength=said.task.classes)
            / max(1, row.size)
            for row in truth
        ]
    ).astype(np.float32)


def _mean(values: NDArray[Any]) -> NDArray[np.float32]:
    """The mean of each row's numbers that there are; NaN without any."""
    flat = values.reshape(len(values), -1)
    known = np.isfinite(flat)
    with np.errstate(invalid="ignore"):
        total = np.where(known, flat, 0).sum(axis=1, dtype=np.float64)
        return np.asarray(total / known.sum(axis=1), np.float32)


def answers(reader: Reader, steps: Sequence[int], rows: Sequence[int] | None = None) -> bytes:
    """A bundle of what the model returned for some probes, to be drawn: `values` or `predicted`.

    Of classes at positions `predicted` and `truth`, the class at each, and `none` where there is
    none; of everything else `values` as the model returned them and `truth`. `(steps, rows, ...)`,
    what is true `(rows, ...)`.

    Args:
        reader: Reads the run.
        steps: Steps; one that is not shown any more has nothing but -1 or NaN.
        rows: Which probes; all by default.

    Raises:
        NotFound: if the run does not say what its output is.
        BadRequest: if a row does not exist, or the reply would be too large.
    """
    index = reader.index(steps)
    file = reader.probes(index.steps[-1]) if index.steps else None
    task = None if file is None else file.task
    if file is None or task is None:
        raise NotFound("The run does not say what the explained output is.")
    at = chosen(rows, "rows", file.count)
    of_classes = task.has_classes and task.is_dense
    shape = task.positions if of_classes else task.shape
    few = task.classes <= NO_CLASS
    kind, none = ("f4", np.nan) if not of_classes else ("u1", NO_CLASS) if few else ("i4", -1)
    rows_read = len(steps) * len(at)
    size = np.dtype(kind).itemsize * rows_read * math.prod(shape)
    if size > MAX_REPLY or 4 * rows_read * math.prod(task.shape) > MAX_READ:
        raise BadRequest(f"At most {MAX_REPLY} bytes of predictions are sent. Received: {size}")
    found = np.full((len(steps), len(at), *shape), none, kind)
    truth = np.full((len(at), *task.truth_shape), none, kind)
    for place, number in enumerate(steps):
        step = index.by_number.get(number)
        said = None if step is None else predictions_at(reader, step, at)
        values = None if said is None else said.predicted if of_classes else said.outputs
        if said is not None and values is not None and values.shape == found[place].shape:
            found[place] = _or_none(values, none, of_classes, task)
            if said.truth is not None:
                truth = _or_none(said.truth, none, of_classes, task).astype(kind)
    name = "predicted" if of_classes else "values"
    more = {"none": int(none)} if of_classes else {}
    return bundle({name: found, "truth": truth}, steps=list(steps), rows=at, **more)


def _or_none(values: NDArray[Any], none: float, of_classes: bool, task: Task) -> NDArray[Any]:
    """The values; of classes those alone that there are."""
    if not of_classes:
        return values
    return np.where((values >= 0) & (values < task.classes), values, none)
