"""The grid on which maps of two sides can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_explain.store.format.axes import CHANNEL, SPACE
from keras_explain.store.format.forms import shown_axes, shown_shape
from keras_explain.store.layout import Stored

from .queries import BadRequest


@dataclass(frozen=True)
class Grid:
    """What is compared.

    Attributes:
        stored: The numbers as stored, every channel; else the maps as shown.
        finer: The side whose map is averaged, "a" or "b"; None where both have the same grid.
        factors: By axis, how many values of the finer map make one.
    """

    stored: bool
    finer: str | None = None
    factors: tuple[int, ...] = ()


def common_grid(a: Stored, b: Stored) -> Grid:
    """The grid that maps of `a` and `b` share.

    Raises:
        BadRequest: if there is none; it says why.
    """
    same_axes = tuple(a.spec.axes) == tuple(b.spec.axes)
    if same_axes and a.row_shape == b.row_shape and a.spec.shown == b.spec.shown:
        return Grid(stored=True)
    if a.spec.input and b.spec.input and a.spec.input != b.spec.input:
        raise BadRequest(
            f"A lies on the input {a.spec.input!r}, B on {b.spec.input!r}: "
            "their places are not the same."
        )
    shape_a, shape_b = (shown_shape(of.spec, of.row_shape) for of in (a, b))
    axes_a, axes_b = shown_axes(a.spec), shown_axes(b.spec)
    if axes_a != axes_b:
        raise BadRequest(
            f"A map of A goes along {_listed(axes_a)}, one of B along {_listed(axes_b)}: "
            "there is no common grid."
        )
    if CHANNEL in axes_a and a.spec.layer != b.spec.layer:
        raise BadRequest("A and B are of different layers, which have other channels.")
    if shape_a == shape_b:
        return Grid(stored=False)
    finer, (large, small) = (
        ("a", (shape_a, shape_b)) if sum(shape_a) > sum(shape_b) else ("b", (shape_b, shape_a))
    )
    ratios = [divmod(many, few) for many, few in zip(large, small, strict=True)]
    named = zip(ratios, axes_a, strict=True)
    meant = all(factor == 1 or name in SPACE for (factor, _), name in named)
    if not meant or any(rest or not factor for factor, rest in ratios):
        raise BadRequest(
            f"A has {_sides(shape_a)} values a map and B {_sides(shape_b)}: "
            "one is no whole multiple of the other, so neither can be averaged onto the other."
        )
    return Grid(stored=False, finer=finer, factors=tuple(factor for factor, _ in ratios))


def area_mean(values: NDArray[np.float32], factors: Sequence[int]) -> NDArray[np.float32]:
    """The mean of every block of `factors` values, `(rows, *shape)` with shorter sides."""
    blocks = [len(values)]
    for length, factor in zip(values.shape[1:], factors, strict=True):
        blocks += [length // factor, factor]
    within = tuple(range(2, len(blocks), 2))
    with np.errstate(all="ignore"):  # inf - inf is NaN, and meant
        means = values.reshape(blocks).mean(axis=within, dtype=np.float64)
    return np.asarray(means, np.float32)


def _listed(axes: Sequence[str]) -> str:
    return " and ".join(axes) if axes else "no axis"


def _sides(shape: Sequence[int]) -> str:
    return "\u00d7".join(map(str, shape))
