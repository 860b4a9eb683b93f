"""From the values of a step's records to what is stored: rounded, with their statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .encoding import Encoded, encode
from .layout import Prepared
from .schema import STATS, RecordSpec, require
from .statistics import as_shown, drift, row_statistics

_DRIFT = STATS.index("drift")


def prepare(
    records: Sequence[tuple[RecordSpec, ArrayLike]], probes: int, before: Mapping[str, Encoded]
) -> list[Prepared]:
    """The records of one step, ready to be written.

    Args:
        records: Each with its values, `(rows, *row_shape)`.
        probes: Number of probes.
        before: By key, the records of the step before, from which the drift is measured.

    Raises:
        ValueError: if a record does not fit its spec or the probes, or two have one key.
    """
    keys = [spec.key for spec, _ in records]
    require(len(set(keys)) == len(keys), "The keys of a step's records must differ.", keys)
    return [
        _prepared(spec, _checked(spec, values, probes), before.get(spec.key))
        for spec, values in records
    ]


def drifted(record: Prepared, before: Encoded | None) -> Prepared:
    """The same record, with its drift measured from another step before."""
    stats = record.stats.copy()
    stats[:, _DRIFT] = drift(record.encoded, before)
    return replace(record, stats=stats)


def median_drift(records: Sequence[Prepared]) -> dict[str, float]:
    """By key, the median drift over the probes; not where it is unknown."""
    return {
        record.spec.key: float(np.nanmedian(record.stats[:, _DRIFT]))
        for record in records
        if record.spec.rows is None and np.isfinite(record.stats[:, _DRIFT]).any()
    }


def _prepared(spec: RecordSpec, values: NDArray[np.float32], before: Encoded | None) -> Prepared:
    encoded = encode(values, spec.precision)
    figures = row_statistics(as_shown(values, spec.axes, spec.shown))
    return Prepared(spec, encoded, np.column_stack([figures, drift(encoded, before)]))


def check_shape(spec: RecordSpec, shape: Sequence[int], probes: int) -> None:
    """Check the shape of a record's values.

    Raises:
        ValueError: If it does not fit the spec or the probes.
    """
    rows = probes if spec.rows is None else len(spec.rows)
    require(
        len(shape) == 1 + len(spec.axes) and shape[0] == rows and all(shape),
        f"The values of {spec.key!r} must have {rows} rows of axes {spec.axes}.",
        tuple(shape),
    )
    for axis, entries in spec.labels.items():
        require(axis in spec.axes, f"`labels` of {spec.key!r} must name its axes.", axis)
        size = shape[1 + spec.axes.index(axis)]
        require(
            len(entries) in (size, size + 1),  # bins have one edge more
            f"`labels[{axis!r}]` of {spec.key!r} must have {size} entries (or edges, one more).",
            len(entries),
        )


def _checked(spec: RecordSpec, values: ArrayLike, probes: int) -> NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):  # beyond float32 is infinite, and flagged as such
            array = np.asarray(values).astype(np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The values of {spec.key!r} must be numbers.") from error
    check_shape(spec, array.shape, probes)
    return array
