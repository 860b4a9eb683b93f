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
    given = baseline
    if isinstance(baseline, Mapping):
        if place.name not in baseline:
            raise ValueError(
                f"`baseline` must name each input. Missing: {place.name!r}. "
                f"Received: {', '.join(map(str, baseline))}"
            )
        given = baseline[place.name]
    array = np.asarray(given, values.dtype)
    try:
        return np.broadcast_to(array, values.shape)
    except ValueError:
        raise ValueError(
            f"`baseline` must broadcast to {values.shape} at {place.name!r}. "
            f"Received: shape {array.shape}"
        ) from None
