"""How alike the maps of different examples are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..store.similarity import centred_ranks

MOST_VALUES = 1024
"""Larger maps are compared at so many places, evenly spread."""

FEWEST_VALUES = 8
FEWEST_ROWS = 4
NEARLY_ALL = 0.9
"""So many of the examples."""


def likeness(maps: NDArray[np.float32]) -> float:
    """The rank correlation that nearly all examples' maps have with some example's map, or more.

    1 means that nearly all maps have the same order of places: they say nothing about the
    examples. Maps that are flat or not finite have no order and are left out. NaN where too few
    are left to tell.

    Args:
        maps: `(rows, *shape)`.
    """
    flat = maps.reshape(len(maps), -1)
    flat = flat[:, :: -(-flat.shape[1] // MOST_VALUES)].astype(np.float64)
    finite = flat[np.isfinite(flat).all(axis=1)]
    ranks = [centred_ranks(row) for row in finite if np.ptp(row) > 0]
    if len(ranks) < FEWEST_ROWS or flat.shape[1] < FEWEST_VALUES:
        return float("nan")
    directions = np.stack(ranks)
    directions /= np.sqrt(np.sum(directions**2, axis=1, keepdims=True))
    # Not `@`: BLAS would spread it over threads that a training is using.
    correlations = np.einsum("ik,jk->ij", directions, directions)
    others = -np.sort(-correlations, axis=1)
    nearly_all = max(FEWEST_ROWS, round(NEARLY_ALL * len(maps)))
    if nearly_all > len(ranks):
        return float("nan")
    return float(others[:, nearly_all - 1].max())
