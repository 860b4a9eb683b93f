"""Linear separators of two sets of examples, from the products of their features alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

REGULARIZATION = 1.0
"""Of ridge regression, in mean squares of the examples' features: it has no unit.

With much less, a vector of many features is bent by what a few examples differ in by chance.
"""


def separators(products: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ridge regression of +1 and -1 on the features, with an intercept.

    In closed form: the same features give the same separator, and a small change of them a small
    one of it.

    Args:
        products: Inner products of the features, `(runs, 2n, 2n)`: n of one set, then n of the
            other.

    Returns:
        How much each example counts in the vector that points from the second set to the first,
        `(runs, 2n)`, and the share of examples on their right side when each pair (one of each set)
        is left out in turn, `(runs,)`.
    """
    runs, size = products.shape[:2]
    half = size // 2
    y = np.repeat([1.0, -1.0], half)
    centre = np.eye(size) - 1 / size
    centred = centre @ products @ centre
    ridge = REGULARIZATION * np.trace(centred, axis1=1, axis2=2) / size
    ridge = np.maximum(ridge, np.finfo(np.float64).tiny ** 0.5)[:, None, None]
    inverse = np.linalg.inv(centred + ridge * np.eye(size))
    counts = inverse @ y
    # What a fit without some of the examples makes of them: their residuals, undone.
    left_over = ridge * inverse - 1 / size
    pairs = np.stack([np.arange(half), np.arange(half) + half], axis=1)
    blocks = left_over[:, pairs[:, :, None], pairs[:, None, :]]
    residuals = (ridge[:, 0] * counts)[:, pairs]
    predicted = y[pairs] - np.linalg.solve(blocks, residuals[..., None])[..., 0]
    right = np.sign(predicted * y[pairs]).reshape(runs, -1)
    return counts, (right / 2 + 0.5).mean(axis=1)


def two_sided_p(a: NDArray[Any], b: NDArray[Any], shared: float = 0.0) -> NDArray[np.float64]:
    """Student's t-test that two samples of the same size have the same mean.

    Args:
        a: `(samples, ...)`.
        b: Of the same shape.
        shared: Share of its data that each of `a` was computed from, drawn anew each time. What is
            computed from the same data is not independent, and its mean varies more than it seems
            (Nadeau & Bengio 2003, https://doi.org/10.1023/A:1024068626366).

    Returns:
        The two-sided p-value, of the shape of one sample; 1 where both are the same constant.
    """
    count = len(a)
    apart = np.abs(a.mean(axis=0) - b.mean(axis=0))
    variance = a.var(axis=0, ddof=1) * (1 / count + shared / (1 - shared))
    error = np.sqrt(variance + b.var(axis=0, ddof=1) / count)
    with np.errstate(all="ignore"):
        t = np.where(apart > 0, apart / error, 0.0)
        angle = np.arctan(t / np.sqrt(2 * count - 2))
    # The degrees of freedom are even: the distribution is a finite series (Abramowitz 26.7.4).
    term = np.ones_like(angle)
    total = np.ones_like(angle)
    for power in range(2, 2 * count - 2, 2):
        term = term * (power - 1) / power * np.cos(angle) ** 2
        total = total + term
    return np.asarray(np.clip(1 - np.sin(angle) * total, 0, 1))
