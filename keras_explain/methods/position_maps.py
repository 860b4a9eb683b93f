"""Maps with one number for each position of an input, made of whatever a method found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, NotApplicableError, Place
from ..store import RecordSpec
from ..store.format.axes import CHANNEL, positions
from .base import Method, Plan


def maps_on_inputs(method: Method, model: ModelView, plan: Plan) -> dict[str, Place]:
    """The inputs that the method's maps lie over, by record key.

    Raises:
        NotApplicableError: If none of its records is a map of each probe over an input.
    """
    found = {
        key: model.inputs[spec.input]
        for key, spec in plan.specs.items()
        if spec.rows is None
        and spec.input is not None
        and len(positions(spec.axes)) == len(sizes_of(model.inputs[spec.input]))
    }
    if not found:
        raise NotApplicableError(
            "`method` must yield a map of each probe that lies over an input. "
            f"Received: {method.name}, with {', '.join(plan.specs)}"
        )
    return found


def sizes_of(place: Place) -> tuple[int, ...]:
    """Sizes of the positions of an input: all axes but the channels."""
    return tuple(
        size for axis, size in zip(place.axes, place.shape, strict=True) if axis != CHANNEL
    )


def by_position(spec: RecordSpec, array: NDArray[Any]) -> NDArray[np.float32]:
    """A map without its channels: their sum where it is signed, else their maximum."""
    if CHANNEL not in spec.axes:
        return np.asarray(array, np.float32)
    axis = 1 + spec.axes.index(CHANNEL)
    is_sum = spec.shown == "sum" or (spec.shown == "all" and spec.signed)
    return np.asarray(array.sum(axis=axis) if is_sum else array.max(axis=axis), np.float32)


def regridded(maps: NDArray[Any], sizes: Sequence[int]) -> NDArray[Any]:
    """Maps on another grid over the same area: each new cell holds the mean over what it covers.

    Args:
        maps: `(rows, *sizes)`.
        sizes: The new sizes, finer or coarser.
    """
    for axis, size in enumerate(sizes, start=1):
        if maps.shape[axis] != size:
            weights = _shares(maps.shape[axis], size).astype(maps.dtype)
            maps = np.moveaxis(np.tensordot(maps, weights, axes=(axis, 1)), -1, axis)
    return maps


def _shares(old: int, new: int) -> NDArray[np.float64]:
    """How much of each new cell each old cell covers, `(new, old)`."""
    begin, width = np.arange(new)[:, None] / new, np.arange(old) / old
    covered = np.minimum(begin + 1 / new, width + 1 / old) - np.maximum(begin, width)
    return np.asarray(np.maximum(covered, 0) * new, np.float64)
