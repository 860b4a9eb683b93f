"""Maps of several steps and rows, as they are shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_explain.store import DamagedFile, Reader, RecordSpec
from keras_explain.store.encoding import Encoded, encode
from keras_explain.store.format.axes import CHANNEL
from keras_explain.store.format.forms import shown_axes, shown_shape
from keras_explain.store.index import Step
from keras_explain.store.layout import Stored
from keras_explain.store.statistics import as_shown

from .bundle import bundle
from .queries import MAX_READ, MAX_REPLY, BadRequest, chosen

CHUNK = 16 * 2**20
"""Bytes that are read at a time."""


class Status(IntEnum):
    """What became of a row."""

    OK = 0
    MISSING = 1
    DAMAGED = 2
    NOT_FINITE = 3


def maps(
    reader: Reader,
    key: str,
    steps: Sequence[int],
    rows: Sequence[int] | None = None,
    channels: Sequence[int] | None = None,
) -> bytes:
    """A bundle of `maps` as stored `(steps, rows, *shape shown)`, `scale` and `status`.

    A row that is missing or damaged is all NaN.

    Args:
        reader: Reads the run.
        key: Which record.
        steps: Steps; one that is not shown any more is missing.
        rows: Which rows; all by default.
        channels: Which of the stored channels; all by default. Only where each is a picture.

    Raises:
        UnknownRecord: if there is no such record.
        BadRequest: if a row or channel does not exist, or the reply would be too large.
    """
    index = reader.index(steps)
    now = index.record(key)
    at = chosen(rows, "rows", now.row_count)
    shape, axes = shown_shape(now.spec, now.row_shape), shown_axes(now.spec)
    picked = None
    if channels is not None:
        channel = _channel_axis(now.spec)
        picked = chosen(channels, "channels", shape[channel])
        shape[channel] = len(picked)
    _check_size(
        len(steps), len(at), now.values.dtype.itemsize * math.prod(shape), now.values.row_bytes
    )

    values = np.full((len(steps), len(at), *shape), np.nan, now.values.dtype)
    scale = np.ones((len(steps), len(at)), np.float32)
    status = np.full((len(steps), len(at)), Status.MISSING, np.uint8)
    rows_a_chunk = max(1, CHUNK // now.values.row_bytes)
    for place, number in enumerate(steps):
        step = index.by_number.get(number)
        stored = None if step is None else index.stored(step, key)
        if step is None or stored is None:
            continue
        for begin in range(0, len(at), rows_a_chunk):
            part = slice(begin, begin + rows_a_chunk)
            shown, status[place, part] = _shown(reader, step, stored, at[part], picked)
            if shown is not None:
                intact = status[place, part] != Status.DAMAGED
                values[place, part][intact] = shown.values[intact]
                scale[place, part][intact] = shown.scale[intact]
    arrays: dict[str, NDArray[Any]] = {"maps": values, "scale": scale, "status": status}
    return bundle(arrays, key=key, steps=list(steps), rows=at, axes=axes)


def _shown(
    reader: Reader, step: Step, stored: Stored, rows: list[int], channels: list[int] | None
) -> tuple[Encoded | None, NDArray[np.uint8]]:
    """Rows as pictures, and the status of each."""
    try:
        encoded, intact = reader.rows(step, stored, rows)
    except DamagedFile:
        return None, np.full(len(rows), Status.DAMAGED, np.uint8)
    spec = stored.spec
    if channels is not None:
        picked = np.take(encoded.values, channels, axis=1 + spec.axes.index(CHANNEL))
        encoded = Encoded(picked, encoded.scale)
    elif spec.shown != "all" and CHANNEL in spec.axes:
        encoded = encode(as_shown(encoded.decode(), spec.axes, spec.shown), spec.precision)
    finite = np.isfinite(encoded.values).reshape(len(rows), -1).all(axis=1)
    status = np.where(finite, Status.OK, Status.NOT_FINITE)
    return encoded, np.where(intact, status, Status.DAMAGED).astype(np.uint8)


def _channel_axis(spec: RecordSpec) -> int:
    if CHANNEL not in shown_axes(spec):
        raise BadRequest("`channels` can only be chosen where every channel is a picture.")
    return spec.axes.index(CHANNEL)


def _check_size(steps: int, rows: int, row_shown: int, row_read: int) -> None:
    def fitting(rows: int) -> int:
        shown, read = max(1, rows * row_shown), max(1, rows * row_read)
        return min(MAX_REPLY // shown, MAX_READ // read)

    if steps <= fitting(rows):
        return
    if fitting(rows):
        fit = f"{fitting(rows)} steps of these {rows} rows"
    else:
        fit = f"one step of {fitting(1)} rows"
    raise BadRequest(f"A reply holds at most {MAX_REPLY} bytes: {fit}. Received: {steps} steps")
