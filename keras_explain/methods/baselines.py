"""Baselines: inputs that carry no evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..model_view import Place
from ..questions import Questions

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


def check_finite(ask: Questions, scores: NDArray[Any], baseline: Baseline) -> None:
    """See that hiding leaves a score that is a number.

    A model that masks a token's id, as `Embedding(mask_zero=True)` masks 0, has nothing to average
    or to attend to in an example of that id alone.

    Args:
        ask: The questions about the rows.
        scores: Those of the variants of each row, `(rows, variants)`.
        baseline: What was put where something is hidden.

    Raises:
        ValueError: If a score is none, though that of the row itself is.
    """
    broken = ~np.isfinite(scores).all(axis=1)
    if broken.any():
        broken &= np.isfinite(ask.scores())
    if broken.any():
        raise ValueError(
            "`baseline` must leave a score that is a number. Where parts of probe "
            f"{int(broken.argmax())} are hidden by it, the score is not: does the model take it "
            "for padding, of which nothing is left to average? Give the id of an unknown or "
            f"masked word, such as that of [UNK], or another value. Received: baseline={baseline!r}"
        )


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
