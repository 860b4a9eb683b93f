"""Baselines: inputs that carry no evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..model_view import Place

Baseline: TypeAlias = Any
"""A number, an array that broadcasts to `(rows, ...)`, or a dict of them by the place's name."""


def baseline_at(baseline: Baseline, place: Place, values: NDArray[Any]) -> NDArray[Any]:
    """The baseline for every row at `place`, of the shape and type of `values`.

    Raises:
        ValueError: If the baseline has no entry for the place, or does not broadcast to it.
    """
    array = np.asarray(given_for(place, baseline, "baseline"), values.dtype)
    try:
        return np.broadcast_to(array, values.shape)
    except ValueError:
        raise ValueError(
            f"`baseline` must broadcast to {values.shape} at {place.name!r}. "
            f"Received: shape {array.shape}"
        ) from None


def given_for(place: Place, given: Any, option: str) -> Any:
    """What an option says for one place: all of it, or its entry if it is a dict by name.

    Raises:
        ValueError: If it is a dict without that entry.
    """
    if not isinstance(given, Mapping):
        return given
    if place.name not in given:
        raise ValueError(
            f"`{option}` must name each input. Missing: {place.name!r}. "
            f"Received: {', '.join(map(str, given))}"
        )
    return given[place.name]
