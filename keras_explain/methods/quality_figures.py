"""Figures that say how good a map is, in plain NumPy: one number a row, NaN where undefined."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Figures = NDArray[np.float64]


def area_under(curves: NDArray[Any]) -> Figures:
    """Mean height of curves with evenly spaced points, `(rows, points)`, by trapezoids."""
    return np.asarray((curves[:, 1:] + curves[:, :-1]).mean(axis=1, dtype=np.float64) / 2)


def correlation(a: NDArray[Any], b: NDArray[Any]) -> Figures:
    """Pearson's correlation of the rows, `(rows, values)` each."""
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (a.astype("f8"), b.astype("f8")))
    with np.errstate(all="ignore"):  # a row without variation correlates with nothing
        return np.asarray((a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1)))


def infidelity(explained: NDArray[Any], drops: NDArray[Any], scaled: bool = False) -> Figures:
    """Mean square of what a map says about changes of the score, less the changes themselves.

    Args:
        explained: By how much the score drops as the map has it, `(rows, changes)`.
        drops: By how much it drops, `(rows, changes)`.
        scaled: Whether each row of `explained` is first put on the scale that fits best.
    """
    explained, drops = explained.astype("f8"), drops.astype("f8")
    if scaled:
        squares = (explained**2).sum(axis=1, keepdims=True)
        with np.errstate(all="ignore"):  # an empty map is on every scale
            best = (explained * drops).sum(axis=1, keepdims=True) / squares
        explained = explained * np.where(squares > 0, best, 0.0)
    return np.asarray(((explained - drops) ** 2).mean(axis=1))


def gini(maps: NDArray[Any]) -> Figures:
    """Gini index of the magnitudes: 0 where all are alike, near 1 where one holds all."""
    sizes = np.sort(np.abs(maps.reshape(len(maps), -1).astype("f8")), axis=1)
    count = sizes.shape[1]
    weights = (2 * np.arange(1, count + 1) - count - 1) / count
    with np.errstate(all="ignore"):  # an empty map is neither
        return np.asarray((weights * sizes).sum(axis=1) / sizes.sum(axis=1))


def entropy(maps: NDArray[Any]) -> Figures:
    """Entropy of the magnitudes' shares, in nats: 0 where one value holds all."""
    sizes = np.abs(maps.reshape(len(maps), -1).astype("f8"))
    with np.errstate(all="ignore"):  # an empty map has no shares
        shares = sizes / sizes.sum(axis=1, keepdims=True)
    return np.asarray(-(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=1))


def pointing(maps: NDArray[Any], inside: NDArray[Any]) -> Figures:
    """Whether the highest cell lies inside a region: how much of it, 0 to 1.

    Args:
        maps: `(rows, ...)`; several highest cells count alike.
        inside: How much of each cell lies inside, of the same shape.
    """
    flat, inside = maps.reshape(len(maps), -1), inside.reshape(len(maps), -1)
    highest = flat == flat.max(axis=1, keepdims=True)
    with np.errstate(all="ignore"):  # a map that is not finite points nowhere
        hit = (inside * highest).sum(axis=1) / highest.sum(axis=1)
    return np.asarray(np.where(inside.any(axis=1), hit, np.nan))


def share_inside(maps: NDArray[Any], inside: NDArray[Any]) -> Figures:
    """Share of what is positive in the maps that lies inside a region, 0 to 1."""
    flat = np.maximum(maps.reshape(len(maps), -1), 0).astype("f8")
    inside = inside.reshape(len(maps), -1)
    with np.errstate(all="ignore"):  # nothing positive is nowhere
        share = (flat * inside).sum(axis=1) / flat.sum(axis=1)
    return np.asarray(np.where(inside.any(axis=1), share, np.nan))


def relative_change(found: NDArray[Any], at: NDArray[Any]) -> Figures:
    """Norm of `found - at`, over that of `at`, row by row."""
    change = (found - at).reshape(len(at), -1).astype("f8")
    with np.errstate(all="ignore"):  # an empty map changes by no share
        return np.asarray(
            np.linalg.norm(change, axis=1)
            / np.linalg.norm(at.reshape(len(at), -1).astype("f8"), axis=1)
        )
