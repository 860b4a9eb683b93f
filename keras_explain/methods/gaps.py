"""What is missing from a sum that should be complete, as a share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST = 1e-3
"""Smallest share of all that is attributed by which a gap is measured."""
ROUNDING = 1e-5
"""Share of the scores below which their difference is rounding."""


def share_missing(
    total: NDArray[np.floating],
    expected: NDArray[np.floating],
    attributed: NDArray[np.floating],
    *scores: NDArray[np.floating],
) -> NDArray[np.float32]:
    """`(total - expected) / expected` per row, bounded where `expected` is next to nothing.

    What is missing is divided by the largest of: the size of `expected`; a thousandth of all that
    is attributed; a hundred-thousandth of the scores, whose difference below that is rounding. It
    is zero where nothing is missing, also where all of these are zero.

    Args:
        total: What the attributions of each row sum to.
        expected: What they should sum to.
        attributed: The sum of their sizes.
        *scores: The scores whose difference `expected` is.
    """
    missing = np.asarray(total, "f8") - expected
    floors = [np.abs(expected), LEAST * attributed, *(ROUNDING * np.abs(s) for s in scores)]
    divisor = np.max(np.broadcast_arrays(*(np.asarray(f, "f8") for f in floors)), axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(missing == 0, 0.0, missing / divisor)
    return share.astype(np.float32)
