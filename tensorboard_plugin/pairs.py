"""How alike two sides are, example by example: two steps, two runs or two methods."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_explain.store import DamagedFile, Reader
from keras_explain.store.index import Index
from keras_explain.store.layout import Stored
from keras_explain.store.predictions import predictions_at
from keras_explain.store.similarity import cosine_distance, spearman_distance, top_overlap
from keras_explain.store.statistics import as_shown

from .bundle import bundle
from .grids import Grid, area_mean, common_grid
from .maps import CHUNK, Status
from .queries import BadRequest, chosen

FIGURES = {"cosine": cosine_distance, "spearman": spearman_distance, "top10": top_overlap}
"""By name, the figure of two sets of rows; as in `keras_explain.store.similarity.Diff`."""

MAX_VALUES = 2**24
"""Most numbers that are compared for one reply, both sides counted: a few seconds."""


@dataclass(frozen=True)
class Side:
    """One record of a run, at any of its steps."""

    reader: Reader
    index: Index
    key: str
    stored: Stored

    @classmethod
    def of(cls, reader: Reader, key: str, steps: Sequence[int]) -> Side:
        """The side of that key, at some of those `steps`.

        Raises:
            UnknownRecord: if there is no such record.
        """
        index = reader.index(steps)
        return cls(reader, index, key, index.record(key))

    def read(self, number: int, rows: list[int]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Rows as stored, and the status of each; one that cannot be had is all NaN."""
        values = np.full((len(rows), *self.stored.row_shape), np.nan, np.float32)
        step = self.index.by_number.get(number)
        stored = None if step is None else self.index.stored(step, self.key)
        if step is None or stored is None:
            return values, np.full(len(rows), Status.MISSING, np.uint8)
        try:
            encoded, intact = self.reader.rows(step, stored, rows)
        except DamagedFile:
            return values, np.full(len(rows), Status.DAMAGED, np.uint8)
        values[intact] = encoded.decode()[intact]
        finite = np.isfinite(values).reshape(len(rows), -1).all(axis=1)
        status = np.where(finite, Status.OK, Status.NOT_FINITE)
        return values, np.where(intact, status, Status.DAMAGED).astype(np.uint8)

    def shown(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The rows as pictures."""
        return as_shown(values, self.stored.spec.axes, self.stored.spec.shown)

    def answers(self, number: int) -> NDArray[np.int32]:
        """By example, the classes that the network says at that step, `(rows, answers)`.

        -1 where it says none, as of numbers.
        """
        step, count = self.index.by_number.get(number), self.stored.row_count
        said = None if step is None else predictions_at(self.reader, step)
        if said is None or said.answers is None or len(said.answers) != count:
            return np.full((count, 1), -1, np.int32)
        return said.answers


def pairs(
    a: Side,
    b: Side,
    steps: Sequence[tuple[int, int]],
    rows: Sequence[int] | None,
    figures: Sequence[str],
) -> bytes:
    """A bundle of `figures` of A's rows against B's, `(pairs of steps, rows)` each.

    Beside them the 99th percentile of each map's magnitude as shown (`p99_a`, `p99_b`), what
    became of its row (`status_a`, `status_b`), and whether the two predict another class, or other
    labels (`flipped`: 1, 0, or -1 where one of them predicts none).

    Args:
        a: One side.
        b: The other.
        steps: Pairs of A's step and B's step.
        rows: Which rows; all by default.
        figures: Which of `FIGURES`.

    Raises:
        BadRequest: if the sides cannot be compared, or the reply would take too long.
    """
    check_examples(a, b)
    grid = common_grid(a.stored, b.stored)
    at = chosen(rows, "rows", a.stored.row_count)
    size = math.prod(a.stored.row_shape) + math.prod(b.stored.row_shape)
    fit = MAX_VALUES // max(1, size)
    if len(steps) * len(at) > fit:
        raise BadRequest(
            f"A reply compares at most {MAX_VALUES} numbers: {fit} rows of one pair of steps. "
            f"Received: {len(steps)} pairs of {len(at)} rows"
        )

    shape = (len(steps), len(at))
    found = {name: np.full(shape, np.nan, np.float32) for name in (*figures, "p99_a", "p99_b")}
    status = {name: np.zeros(shape, np.uint8) for name in ("status_a", "status_b")}
    flipped = np.full(shape, -1, np.int32)
    rows_a_chunk = max(1, CHUNK // (4 * size))
    said_a = {number: a.answers(number) for number in {pair[0] for pair in steps}}
    said_b = {number: b.answers(number) for number in {pair[1] for pair in steps}}
    for place, (step_a, step_b) in enumerate(steps):
        flipped[place] = _flipped(said_a[step_a][at], said_b[step_b][at])
        for begin in range(0, len(at), rows_a_chunk):
            part = (place, slice(begin, begin + rows_a_chunk))
            x, status["status_a"][part] = a.read(step_a, at[part[1]])
            y, status["status_b"][part] = b.read(step_b, at[part[1]])
            found["p99_a"][part], found["p99_b"][part] = _p99(a.shown(x)), _p99(b.shown(y))
            x, y = _on(grid, a, b, x, y)
            for name in figures:
                found[name][part] = FIGURES[name](x, y)
    return bundle(
        {**found, **status, "flipped": flipped},
        steps=[pair[0] for pair in steps],
        stepsb=[pair[1] for pair in steps],
        rows=at,
        of="stored" if grid.stored else "shown",
        finer=grid.finer,
        factors=list(grid.factors),
    )


def _flipped(one: NDArray[np.int32], other: NDArray[np.int32]) -> NDArray[np.int32]:
    """1 where the answers differ, 0 where they do not, -1 where there are none to compare."""
    if one.shape != other.shape:
        return np.full(len(one), -1, np.int32)
    known = ((one >= 0) & (other >= 0)).all(axis=1)
    return np.where(known, (one != other).any(axis=1), -1).astype(np.int32)


def check_examples(a: Side, b: Side) -> None:
    """See that a row is the same example on both sides.

    Raises:
        BadRequest: if it is not; it says why.
    """
    for side in (a, b):
        if side.stored.spec.rows is not None:
            raise BadRequest(
                "Only records with a row for each example are compared. "
                f"Received: {side.key[:80]!r}"
            )
    one, other = (side.index.steps[-1].probes for side in (a, b))
    if one != other:
        raise BadRequest(
            "The two runs watch different examples: those of A have the hash "
            f"{one[:8]}, those of B {other[:8]}. Only equal examples are compared."
        )
    if a.stored.row_count != b.stored.row_count:
        raise BadRequest(
            f"A has {a.stored.row_count} rows and B {b.stored.row_count}: "
            "only equal examples are compared."
        )


def _on(
    grid: Grid, a: Side, b: Side, x: NDArray[np.float32], y: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows of both sides on the grid that they share."""
    if grid.stored:
        return x, y
    x, y = a.shown(x), b.shown(y)
    if grid.finer == "a":
        x = area_mean(x, grid.factors)
    elif grid.finer == "b":
        y = area_mean(y, grid.factors)
    return x, y


def _p99(shown: NDArray[Any]) -> list[float]:
    magnitudes = np.abs(shown.reshape(len(shown), -1))
    finite = (row[np.isfinite(row)] for row in magnitudes)
    return [float(np.percentile(row, 99)) if row.size else math.nan for row in finite]
