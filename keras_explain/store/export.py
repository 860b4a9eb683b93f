"""Records in formats that other programs read: NumPy's NPZ, and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .errors import StoreError
from .index import Index, Step
from .layout import Stored
from .reader import Reader
from .schema import STATS

FEW = 256
"""Rows of a record with so many values or fewer have them in a table, one a column."""

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def npz_of(reader: Reader, key: str, steps: Sequence[int], rows: Sequence[int]) -> bytes:
    """One record at several steps as an `.npz`, to be opened by `numpy.load`.

    It holds `values`, float32 `(steps, rows, *shape)`, raw and with all channels, NaN where a row
    is missing or damaged; `steps`, `epochs` (NaN outside of one), `rows`, `labels` (-1 where there
    is none) and `about`, JSON with the record's meaning.

    Args:
        reader: Reads the run.
        key: Which record.
        steps: Steps, in order; one that is not shown any more is missing.
        rows: Which rows.

    Raises:
        UnknownRecord: if no step has the record.
    """
    index = reader.index(steps)
    record = index.record(key)
    found = [index.by_number.get(number) for number in steps]
    values = np.full((len(steps), len(rows), *record.row_shape), np.nan, np.float32)
    for at, step in enumerate(found):
        stored = None if step is None else index.stored(step, key)
        if step is None or stored is None:
            continue
        try:
            encoded, intact = reader.rows(step, stored, rows)
        except StoreError:
            continue
        values[at][intact] = encoded.decode()[intact]
    epochs = [math.nan if s is None or s.info.epoch is None else s.info.epoch for s in found]
    labels = _labels(reader, index, record, rows)
    about = {"key": key, **record.spec.to_json(), "probes": index.steps[-1].probes}
    file = io.BytesIO()
    np.savez(
        file,
        values=values,
        steps=np.array(steps, np.int64),
        epochs=np.array(epochs, np.float64),
        rows=np.array(rows, np.int64),
        labels=labels,
        about=np.array(json.dumps(about)),
    )
    return file.getvalue()


def csv_of(reader: Reader, key: str, rows: Sequence[int]) -> str:
    """What is known of a record in figures, as CSV with one line a step and row.

    Columns: step, epoch, time (seconds since 1970), row, its name, label, target, score; the
    record's statistics; and the values themselves where a row has few.

    Args:
        reader: Reads the run.
        key: Which record.
        rows: Which rows.

    Raises:
        UnknownRecord: if no step has the record.
    """
    index = reader.read_on()
    record = index.record(key)
    columns = list(_columns(record))
    labels = _labels(reader, index, record, rows)
    names = _class_names(reader, index)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    given = ("step", "epoch", "time", "row", "name", "label", "target", "score")
    writer.writerow([*given, *STATS, *map(safe, columns)])
    stats = reader.stats(index, key)
    for at, step in enumerate(index.steps):
        scores = _now(reader, index, step, "scores")
        scores = np.empty(0, np.float32) if scores is None else scores
        values = _now(reader, index, step, key) if columns else None
        for place, row in enumerate(rows):
            info = step.info
            of_probe = record.spec.rows is None and row < len(info.targets)
            writer.writerow(
                [
                    info.step,
                    "" if info.epoch is None else info.epoch,
                    f"{info.wall_time:.3f}",
                    row,
                    safe(record.spec.rows[row] if record.spec.rows else ""),
                    safe(_named(names, int(labels[place]))),
                    safe(_named(names, info.targets[row])) if of_probe else "",
                    _figure(scores[row]) if of_probe and row < len(scores) else "",
                    *(_figure(stats[name][at, row]) for name in STATS),
                    *([""] * len(columns) if values is None else map(_figure, values[row].ravel())),
                ]
            )
    return text.getvalue()


def safe(text: str) -> str:
    """Text of a log as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _columns(record: Stored) -> Iterator[str]:
    """Names of the columns of values, where a row has few."""
    if math.prod(record.row_shape) > FEW:
        return
    spec = record.spec
    for place in np.ndindex(*record.row_shape):
        parts = []
        for axis, at in zip(spec.axes, place, strict=True):
            labels = spec.labels.get(axis, ())
            parts.append(str(labels[at]) if len(labels) > at else f"{axis} {at}")
        yield ", ".join(parts) or "value"


def _figure(value: float) -> str:
    """As many digits as tell a float32 from its neighbours; nothing where there is none."""
    return "" if math.isnan(value) else f"{float(value):.9g}"


def _named(names: Sequence[str] | None, number: int) -> str:
    if number < 0:
        return ""
    return names[number] if names is not None and number < len(names) else str(number)


def _labels(reader: Reader, index: Index, record: Stored, rows: Sequence[int]) -> NDArray[np.int64]:
    """The labels of some rows; -1 where there is none."""
    none = np.full(len(rows), -1, np.int64)
    try:
        labels = reader.probes(index.steps[-1]).labels
    except StoreError:
        return none
    if labels is None or record.spec.rows is not None or len(labels) != record.row_count:
        return none
    return np.array([labels[row] for row in rows], np.int64)


def _class_names(reader: Reader, index: Index) -> Sequence[str] | None:
    try:
        return reader.probes(index.steps[-1]).class_names
    except StoreError:
        return None


def _now(reader: Reader, index: Index, step: Step, key: str) -> NDArray[np.float32] | None:
    """A record at a step, where it is of the shape that it has now."""
    if key not in index.records or index.stored(step, key) is None:
        return None
    return reader.load_usable(step, key)
