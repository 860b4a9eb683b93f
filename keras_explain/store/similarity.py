"""How alike two sets of rows are, row by row.

Every figure is 64-bit, and NaN where it is undefined: a row with a non-finite value, or one
without any variation where the figure needs some.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Row = NDArray[np.float64]


@dataclass(frozen=True)
class Diff:
    """What changed from A to B, per row.

    Attributes:
        values: `B - A`, float32 `(rows, *row_shape)`.
        cosine: 1 - cosine similarity, in [0, 2]; the drift.
        spearman: 1 - rank correlation, in [0, 2].
        top10: Overlap (intersection over union) of the tenth of the values that is largest in
            magnitude, in [0, 1]; 1 means the same places.
    """

    values: NDArray[np.float32]
    cosine: Row
    spearman: Row
    top10: Row


def diff(a: Rows, b: Rows) -> Diff:
    """Compare rows `a` and `b`, both float32 `(rows, *row_shape)`.

    Raises:
        ValueError: if the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"Only equal shapes can be compared. Received: {a.shape} and {b.shape}")
    with np.errstate(all="ignore"):  # inf - inf is NaN, and meant
        values = b - a
    return Diff(values, cosine_distance(a, b), spearman_distance(a, b), top_overlap(a, b))


CHUNK = 2**18
"""Values whose 64-bit copies are held at once."""


def cosine_distance(a: NDArray[Any], b: NDArray[Any]) -> Row:
    """1 - cosine of the angle between the rows of numbers, `(rows,)` in [0, 2]."""
    x, y = (rows.reshape(len(rows), -1) for rows in (a, b))
    step = max(1, CHUNK // max(1, x.shape[1]))
    chunks = [slice(begin, begin + step) for begin in range(0, len(x), step)]
    return np.concatenate([np.empty(0), *(_cosine_distances(x[c], y[c]) for c in chunks)])


def spearman_distance(a: Rows, b: Rows) -> Row:
    """1 - Spearman's rank correlation of the rows, `(rows,)` in [0, 2]; ties share their rank."""

    def distance(x: Row, y: Row) -> float:
        return float(_cosine_distances(centred_ranks(x)[None], centred_ranks(y)[None])[0])

    return _by_row(distance, a, b)


def top_overlap(a: Rows, b: Rows, share: float = 0.1) -> Row:
    """Intersection over union of the `share` of each row that is largest in magnitude."""

    def overlap(x: Row, y: Row) -> float:
        count = max(1, round(share * x.size))
        # A stable order makes ties fall the same way in both rows.
        top_x, top_y = (np.argsort(-np.abs(row), kind="stable")[:count] for row in (x, y))
        common = np.intersect1d(top_x, top_y, assume_unique=True).size
        return common / (2 * count - common)

    return _by_row(overlap, a, b)


def _by_row(figure: Callable[[Row, Row], float], a: Rows, b: Rows) -> Row:
    # Row by row, so that the 64-bit copies stay small whatever the number of rows.
    figures = np.full(len(a), np.nan)
    for index, (x, y) in enumerate(zip(a, b, strict=True)):
        if np.isfinite(x).all() and np.isfinite(y).all():
            figures[index] = figure(x.ravel().astype(np.float64), y.ravel().astype(np.float64))
    return figures


def _cosine_distances(a: NDArray[Any], b: NDArray[Any]) -> Row:
    # A product of two float16 numbers is exact in float32; those of float32 need more.
    exact = np.float32 if a.dtype == b.dtype == np.float16 else np.float64
    x, y = a.astype(exact, copy=False), b.astype(exact, copy=False)

    def dots(p: NDArray[Any], q: NDArray[Any]) -> Row:
        # Not `@`: BLAS would spread it over threads that the training is using.
        return np.asarray(np.sum(p * q, axis=1, dtype=np.float64))

    with np.errstate(all="ignore"):  # a row of zeros, or one that is not finite, has no direction
        return np.clip(1 - dots(x, y) / np.sqrt(dots(x, x) * dots(y, y)), 0, 2)


def centred_ranks(values: Row) -> Row:
    """Each value's place in the order, around zero; ties share their middle place."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    middle = last - (count - 1) / 2
    return np.asarray(middle[place] - (values.size + 1) / 2, np.float64)
