"""Figures of every channel of a layer, reduced from its stored maps."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from keras_explain.store import DamagedFile, Reader
from keras_explain.store.format.axes import PLANES
from keras_explain.store.format.forms import plane_axis, shown_shape
from keras_explain.store.index import Step
from keras_explain.store.layout import Stored
from keras_explain.store.similarity import cosine_distance
from keras_explain.store.statistics import as_shown

from .bundle import bundle
from .queries import MAX_READ, MAX_REPLY, BadRequest

FIGURES = ("mean_abs", "zero", "peak")
"""Mean magnitude over the places, share of exact zeros, and largest value of a channel's map."""

CHUNK = 16 * 2**20
"""Bytes of stored rows that are reduced at a time."""

Table = NDArray[np.float32]
Part = tuple[slice, Table, NDArray[np.bool_]]
"""Some rows, their maps as `(rows, channels, places)`, and which rows match their checksum."""


class Kept:
    """Reduced tables, each the cost of reading a record; the least lately used are dropped."""

    def __init__(self, capacity: int = 64 * 2**20) -> None:
        self._capacity = capacity
        self._tables: OrderedDict[tuple[object, ...], Table] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[object, ...], make: Callable[[], Table]) -> Table:
        """The table of that key, made if it is not here."""
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
                return self._tables[key]
        table = make()
        with self._lock:
            self._held += table.nbytes if key not in self._tables else 0
            self._tables[key] = table
            while self._held > self._capacity and len(self._tables) > 1:
                self._held -= self._tables.popitem(last=False)[1].nbytes
        return table


def channels(
    reader: Reader, kept: Kept, key: str, steps: Sequence[int], since: int | None = None
) -> bytes:
    """A bundle of the `FIGURES` of every channel, `(steps, rows, channels)` each.

    NaN where a record is missing or a row damaged.

    Args:
        reader: Reads the run.
        kept: Where the tables stay.
        key: Which record.
        steps: Steps; one that is not shown any more is missing.
        since: A step. With it there is `drift` too: how far each channel's map turned from that
            step on, 1 - cosine; NaN for a map that is all zero.

    Raises:
        UnknownRecord: if there is no such record.
        BadRequest: if it has no channels, or too much would be read or sent.
    """
    index = reader.index(steps if since is None else [*steps, since])
    now = index.record(key)
    axis = plane_axis(now.spec)
    if axis is None:
        known = ", ".join(PLANES)
        raise BadRequest(f"`key` must name a record with one of {known}. Received: {key[:80]!r}")
    count = _count(now)
    names = [*FIGURES, *(["drift"] if since is not None else [])]
    reads = len(steps) * (1 if since is None else 2)
    check_reads(reads * now.row_count * now.values.row_bytes, reads)
    if 4 * len(names) * len(steps) * now.row_count * count > MAX_REPLY:
        raise BadRequest(f"A reply holds at most {MAX_REPLY} bytes. Received: {len(steps)} steps")

    table = np.full((len(names), len(steps), now.row_count, count), np.nan, np.float32)
    before = None if since is None else index.by_number.get(since)
    for place, number in enumerate(steps):
        step = index.by_number.get(number)
        if step is None or index.stored(step, key) is None:
            continue
        table[: len(FIGURES), place] = figures(reader, kept, step, now)
        if before is not None and index.stored(before, key) is not None:
            table[-1, place] = _drift(reader, kept, before, step, now)
    return bundle(dict(zip(names, table, strict=True)), key=key, steps=list(steps))


def _count(now: Stored) -> int:
    """How many planes a row has."""
    return shown_shape(now.spec, now.row_shape)[plane_axis(now.spec) or 0]


def figures(reader: Reader, kept: Kept, step: Step, now: Stored) -> Table:
    """The `FIGURES` of every row and channel at one step, `(figures, rows, channels)`."""
    shape = (len(FIGURES), now.row_count, _count(now))

    def make() -> Table:
        table = np.full(shape, np.nan, np.float32)
        for part, maps, intact in _by_channel(reader, step, now):
            with np.errstate(invalid="ignore"):  # a map that is not finite has no mean
                found = (
                    np.abs(maps).mean(axis=2, dtype=np.float64),
                    (maps == 0).mean(axis=2),
                    maps.max(axis=2),
                )
            table[:, part] = np.where(intact[:, None], np.stack(found), np.nan)
        return table

    return kept.get((*_writing(step), now.spec.key), make)


def _drift(reader: Reader, kept: Kept, before: Step, step: Step, now: Stored) -> Table:
    def make() -> Table:
        table = np.full((now.row_count, _count(now)), np.nan, "f4")
        both = zip(_by_channel(reader, before, now), _by_channel(reader, step, now), strict=True)
        for (part, old, old_intact), (_, new, new_intact) in both:
            intact = old_intact & new_intact
            if intact.any():
                flat = (maps[intact].reshape(-1, maps.shape[2]) for maps in (old, new))
                table[part][intact] = cosine_distance(*flat).reshape(-1, table.shape[1])
        return table

    return kept.get((*_writing(before), *_writing(step), now.spec.key), make)


def _by_channel(reader: Reader, step: Step, now: Stored) -> Iterator[Part]:
    stored = step.layout[now.spec.key]
    axis = 1 + (plane_axis(now.spec) or 0)
    some = max(1, CHUNK // now.values.row_bytes)
    for begin in range(0, now.row_count, some):
        rows = range(begin, min(begin + some, now.row_count))
        part = slice(begin, rows.stop)
        try:
            encoded, intact = reader.rows(step, stored, rows)
        except DamagedFile:  # the file has gone, or is shorter than it was
            size = (len(rows), _count(now), 1)
            yield part, np.full(size, np.nan, np.float32), np.zeros(len(rows), np.bool_)
            continue
        shown = as_shown(encoded.decode(), now.spec.axes, now.spec.shown)
        maps = np.moveaxis(shown, axis, 1)
        yield part, maps.reshape(*maps.shape[:2], -1), intact


def _writing(step: Step) -> tuple[object, ...]:
    """What tells a step from the same one logged again."""
    return (step.path, step.attempt, step.info.wall_time)


def check_reads(size: int, count: int) -> None:
    """Refuse to read more than `MAX_READ` bytes at once."""
    if size > MAX_READ:
        fit = MAX_READ * count // size
        raise BadRequest(f"At most {MAX_READ} bytes are read at once: {fit}. Received: {count}")
