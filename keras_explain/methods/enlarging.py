"""Enlarge small maps to the size of an input, with straight lines between their values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def enlarged(maps: NDArray[np.float32], sizes: Sequence[int]) -> NDArray[np.float32]:
    """Maps `(maps, ...)` at other sizes of their axes, linearly interpolated; edges are held.

    Pixels are areas, not corners, as in most libraries' bilinear resizing.
    """
    for axis, size in enumerate(sizes, start=1):
        weights = _weights(maps.shape[axis], size)
        maps = np.moveaxis(np.tensordot(maps, weights, axes=(axis, 1)), -1, axis)
    return maps


def _weights(old: int, new: int) -> NDArray[np.float32]:
    """How much each old value counts in each new one, `(new, old)`."""
    at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    distance = np.abs(at[:, None] - np.arange(old))
    return np.maximum(1 - distance, 0).astype(np.float32)
