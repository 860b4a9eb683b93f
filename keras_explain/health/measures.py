"""What is measured at one step: a few figures a record, so that no rule reads the records again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..store.errors import DamagedFile
from ..store.format import axes
from ..store.format.forms import says_where
from ..store.index import Index, Step
from ..store.layout import Stored
from ..store.predictions import Predictions, predictions_at
from ..store.reader import Reader
from ..store.schema import STATS, RecordSpec
from ..store.statistics import as_shown
from ..store.tensor_file import opened
from .history import Figures
from .likeness import likeness

WEIGHTS = "weight_gradients/statistics"
BOUNDED = {"sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""By activation, the ends of its range."""

OUTER = 0.01
"""Which share of the range, at both ends together, is its outer part."""

MANY = 0.1
"""So many of the examples make a jump, as a share: what the network learns anew concerns few."""

MOST_ROWS = 32
"""So many examples are compared with one another, at most."""


def figures_of(reader: Reader, index: Index, step: Step) -> Figures:
    """By kind and name, everything that the rules need of a step.

    - `log`: a figure of Keras's logs, and 1. `failure`: 1 for a method that failed.
    - `broken`: how many rows of a record are not finite, and the first of them.
    - `flat`: which share of a map's rows have one value everywhere, and the first of them.
    - `drift`: the drift that `MANY` of a map's rows reach, and the row that drifted most.
    - `alike`: see `likeness`.
    - `dead`: 1 for each unit of a layer that is zero for all examples.
    - `saturated`: share of a layer's outputs in the outer part of its range.
    - `weight`: a statistic of the gradients, a weight each.
    - `region`: share of a map inside the region for the middle one of the examples that are
      classified correctly, the example with the least, and how many there are.
    """
    found: dict[tuple[str, str], NDArray[Any]] = {}
    for name, value in step.info.logs.items():
        found["log", name] = np.array([value, 1.0])
    for failure in step.info.failures:
        found["failure", failure.source] = np.ones(1)
    records = {key: index.stored(step, key) for key in index.records}
    present = {key: stored for key, stored in records.items() if stored is not None}
    for key, stats in _statistics(step, present):
        found |= _of_statistics(key, present[key].spec, stats)
    said = predictions_at(reader, step)
    for key, stored in present.items():
        found |= _of_values(reader, step, key, stored, said)
    return found


def _statistics(step: Step, present: dict[str, Stored]) -> Iterator[tuple[str, NDArray[Any]]]:
    places = {key: at for at, key in enumerate(step.layout)}
    try:
        with opened(step.path) as file:
            for key, stored in present.items():
                try:
                    checksum = step.stats_checksums[places[key]]
                    yield key, stored.read_stats(file, step.start, checksum)
                except DamagedFile:
                    continue
    except (OSError, DamagedFile):
        return


def _of_statistics(key: str, spec: RecordSpec, stats: NDArray[Any]) -> Figures:
    column = {name: stats[:, at].astype(np.float64) for at, name in enumerate(STATS)}
    broken = column["finite"] < 1
    found = {("broken", key): np.array([broken.sum(), np.argmax(broken)], np.float64)}
    if not says_where(spec):
        return found
    size = np.maximum(np.abs(column["max"]), np.abs(column["min"]))
    flat = column["max"] - column["min"] <= 1e-6 * size
    found["flat", key] = np.array([flat.mean(), np.argmax(flat)])
    drift = column["drift"][np.isfinite(column["drift"])]
    if drift.size:
        many = np.quantile(drift, 1 - MANY)
        found["drift", key] = np.array([many, np.nanargmax(column["drift"])])
    return found


def _of_values(
    reader: Reader, step: Step, key: str, stored: Stored, said: Predictions | None
) -> Figures:
    spec = stored.spec
    if spec.quantity == "activation":
        values = reader.load_usable(step, key)
        return {} if values is None else _of_layer(key, spec, values, said)
    if key == WEIGHTS:
        values = reader.load_usable(step, key)
        names = spec.labels.get("statistic", ())
        return (
            {("weight", str(n)): values[:, at] for at, n in enumerate(names)}
            if (values is not None and values.ndim == 2)
            else {}
        )
    if "region_share" in spec.labels.get(axes.FIGURE, ()):
        return _of_region(reader, step, key, spec, said)
    if says_where(spec) and not {*axes.TOKENS} <= {*spec.axes}:  # attention is alike, and well
        rows = np.unique(np.linspace(0, stored.row_count - 1, MOST_ROWS).astype(int))
        values = reader.load_usable(step, key, [int(row) for row in rows])
        if values is not None:
            alike = likeness(as_shown(values, spec.axes, spec.shown))
            return {("alike", key): np.array([alike])}
    return {}


def _of_layer(
    key: str, spec: RecordSpec, values: NDArray[Any], said: Predictions | None
) -> Figures:
    if said is not None and _is_output(values, said.outputs):
        return {}  # to be sure of oneself is no illness
    found: dict[tuple[str, str], NDArray[Any]] = {}
    axis = next((1 + spec.axes.index(name) for name in axes.UNITS if name in spec.axes), None)
    if axis is not None:
        others = tuple(other for other in range(values.ndim) if other != axis)
        found["dead", key] = (values == 0).all(axis=others).astype(np.int8)
    ends = BOUNDED.get(str(spec.options.get("activation")))
    if ends is not None:
        low, high = ends
        outer = OUTER * (high - low) / 2
        # float16 has eleven bits: an output at the very end may be rounded beyond it
        far = (values <= low + outer) | (values >= high - outer)
        found["saturated", key] = np.array([far.mean()])
    return found


def _is_output(values: NDArray[Any], outputs: NDArray[Any] | None) -> bool:
    """Whether the layer makes the model's output."""
    if outputs is None or values.size != outputs.size:
        return False
    return np.allclose(values.ravel(), outputs.ravel(), rtol=1e-2, atol=1e-3)


def _of_region(
    reader: Reader, step: Step, key: str, spec: RecordSpec, said: Predictions | None
) -> Figures:
    table = reader.load_usable(step, key)
    if table is None or said is None or said.task.is_dense or len(table) != len(said.rows):
        return {}
    shares = table[:, list(spec.labels[axes.FIGURE]).index("region_share")]
    right = (said.right == 1) & np.isfinite(shares)
    if not right.any():
        return {}
    worst = np.argmin(np.where(right, shares, np.inf))
    return {("region", key): np.array([np.median(shares[right]), worst, right.sum()])}
