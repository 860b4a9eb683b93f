"""State of a model that is no weight: it begins alike at every step, whatever training left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras


def initial_state(model: keras.Model, layers: Iterable[keras.Layer]) -> dict[int, Any]:
    """By the variable's `id`, the value that it has at every step instead of its present one.

    The states of stateful recurrent layers are zero, as after `reset_state`. Seeds are what they
    are now: what is drawn with them is the same at every step.

    Args:
        model: The model.
        layers: All layers inside it.
    """
    found: dict[int, Any] = {}
    for layer in layers:
        if isinstance(layer, keras.layers.RNN) and layer.stateful:
            for state in keras.tree.flatten(getattr(layer, "states", None) or []):
                if state is not None:
                    found[id(state)] = keras.ops.zeros(state.shape, state.dtype)
    weights = {id(weight) for weight in model.weights}
    for variable in model.non_trainable_variables:
        if id(variable) not in weights and id(variable) not in found:
            found[id(variable)] = keras.ops.convert_to_tensor(
                keras.ops.convert_to_numpy(variable.value).copy()
            )
    return found


def fixed_batch(model: keras.Model) -> int | None:
    """The number of rows that a model takes, where its inputs fix it; else None."""
    sizes = {one.shape[0] for one in getattr(model, "inputs", None) or []}
    return sizes.pop() if len(sizes) == 1 else None
