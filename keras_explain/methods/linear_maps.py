"""Fixed linear maps along one axis: from few cells to many values, and blurring."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def between(at: NDArray[np.float64], cells: int) -> NDArray[np.float32]:
    """Linear interpolation of cells at the positions `at`, flat beyond the ends `(..., cells)`."""
    inside = np.clip(at, 0, cells - 1)[..., None]
    return np.maximum(1 - np.abs(inside - np.arange(cells)), 0).astype(np.float32)


def stretched(size: int, cells: int) -> NDArray[np.float32]:
    """From cells of equal width to the values that they cover: `(size, cells)`."""
    return between((np.arange(size) + 0.5) * cells / size - 0.5, cells)


def blurred(size: int, width: float) -> NDArray[np.float32]:
    """A Gaussian blur of that standard deviation, `(size, size)`: each value a mean of others."""
    distance = np.arange(size)[:, None] - np.arange(size)
    weights = np.exp(-(distance**2) / (2 * max(width, 1e-3) ** 2))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def along(
    axes: Sequence[int], tables: Sequence[NDArray[np.float32]], values: NDArray[np.float32]
) -> NDArray[np.float32]:
    """`values` with a linear map `(out, in)` taken along each of the axes."""
    for axis, table in zip(axes, tables, strict=True):
        # Many small products: one large one would wake up threads that cost more than they save.
        values = np.moveaxis(np.moveaxis(values, axis, -1) @ table.T, -1, axis)
    return values
