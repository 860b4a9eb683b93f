"""Examples that a method is given beside the probes, such as a background or a concept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, Place


def examples_by_input(
    model: ModelView, given: Any, argument: str, fewest: int = 1
) -> dict[Place, NDArray[Any]]:
    """The examples as the model takes them, by the input that they belong to.

    They come in the form of the probes: an array, a list or a dict by the inputs' names, or what
    the model preprocesses inside `fit`.

    Args:
        model: The model that takes them.
        given: The examples, as the user gives them.
        argument: What they were given as, for the message.
        fewest: How many there must be.

    Raises:
        ValueError: If they do not fit the inputs, or are too few.
    """
    arrays = _named(model, given, argument)
    counts = {array.shape[:1] for array in arrays.values()}
    fits = all(array.shape[1:] == model.inputs[name].shape for name, array in arrays.items())
    if not fits or len(counts) > 1 or min(counts) < (fewest,):
        known = ", ".join(f"{p.name} of shape {p.shape}" for p in model.inputs.values())
        raise ValueError(
            f"`{argument}` must hold examples as the inputs are, at least {fewest}, and as many of "
            f"each. Known: {known}. Received: {', '.join(str(a.shape) for a in arrays.values())}"
        )
    return {model.inputs[name]: array for name, array in arrays.items()}


def _named(model: ModelView, given: Any, argument: str) -> dict[str, NDArray[Any]]:
    if isinstance(given, Mapping) and set(given) == set(model.inputs):
        return {name: np.asarray(given[name]) for name in model.inputs}
    if len(model.inputs) == 1 and not isinstance(given, Mapping):
        return dict.fromkeys(model.inputs, np.asarray(given))
    try:
        return dict(model.fitted(given))
    except ValueError as error:
        came = ", ".join(map(str, given)) if isinstance(given, Mapping) else type(given).__name__
        raise ValueError(
            f"`{argument}` must be in the form of the probes, or name each input. "
            f"Known: {', '.join(model.inputs)}. Received: {came}"
        ) from error
