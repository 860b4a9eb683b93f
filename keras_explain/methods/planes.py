"""The plane in which features of a few examples vary most, held still from step to step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """A plane in feature space, and examples in it.

    Attributes:
        mean: The examples' mean, the origin of the plane, `(features,)`.
        basis: Two orthogonal directions of length 1, or zeros where there is no variation,
            `(2, features)`.
        points: The examples' coordinates, `(examples, 2)`.
        shares: How much of the variance lies along the first and second principal component.
    """

    mean: NDArray[np.float64]
    basis: NDArray[np.float64]
    points: Points
    shares: NDArray[np.float64]

    def turned(self, towards: Points | None) -> Plane:
        """The same plane, turned (and mirrored) so that the points come closest to `towards`."""
        turn = procrustes(self.points, towards)
        return replace(self, basis=turn.T @ self.basis, points=self.points @ turn)


def principal_plane(features: NDArray[Any]) -> Plane:
    """The plane of the first two principal components of features `(examples, features)`.

    The sign of each is such that its coordinate of largest magnitude is positive.
    """
    features = features.astype(np.float64)
    mean = features.mean(axis=0)
    centred = features - mean
    variances, vectors = np.linalg.eigh(centred @ centred.T)
    variances, vectors = np.maximum(variances[::-1], 0), vectors[:, ::-1]
    total = max(float(variances.sum()), np.finfo(np.float64).tiny)
    # What is left of components that there are not is rounding.
    kept = np.where(variances > 1e-12 * total, variances, 0)
    kept, vectors = (
        np.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, 2)])[..., :2] for a in (kept, vectors)
    )
    points = vectors * np.sqrt(kept)
    points *= np.where(points[np.abs(points).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    basis = points.T @ centred / np.maximum(kept, np.finfo(np.float64).tiny)[:, None]
    return Plane(mean, basis, points, kept / total)


def procrustes(points: Points, towards: Points | None) -> NDArray[np.float64]:
    """The orthogonal matrix that brings the points closest to others, both around the origin.

    Schönemann 1966, https://doi.org/10.1007/BF02289451. Nothing is stretched.
    """
    if towards is None or towards.shape != points.shape:
        return np.eye(2)
    left, _, right = np.linalg.svd(points.T @ towards)
    return np.asarray(left @ right)
