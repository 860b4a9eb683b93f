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
        old = maps.shape[axis]
        at = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
        below = np.floor(at).astype(np.int64)
        share = (at - below).astype(np.float32).reshape(-1, *[1] * (maps.ndim - axis - 1))
        above = np.minimum(below + 1, old - 1)
        maps = maps.take(below, axis) * (1 - share) + maps.take(above, axis) * share
    return maps
