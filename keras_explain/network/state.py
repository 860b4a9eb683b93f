"""State of a model that is no weight: it begins alike at every step, whatever training left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras


def initial_state(
    model: keras.Model, layers: Iterable[keras.Layer]
) -> list[tuple[keras.Variable, Any]]:
    """The variables that are no weights, each with the value that it has at every step.

    The states of stateful recurrent layers are zero, as after `reset_state`. Seeds are what they
    are now: what is drawn with them is the same at every step.

    Args:
        model: The model.
        layers: All layers inside it.
    """
    found: dict[int, tuple[keras.Variable, Any]] = {}
    for layer in layers:
        if isinstance(layer, keras.layers.RNN) and layer.stateful:
            # Keras does not count them among the model's variables.
            for state in keras.tree.flatten(getattr(layer, "states", None) or []):
                if state is not None:
                    found[id(state)] = (state, keras.ops.zeros(state.shape, state.dtype))
    weights = {id(weight) for weight in model.weights}
    for variable in model.non_trainable_variables:
        if id(variable) not in weights and id(variable) not in found:
            value = keras.ops.convert_to_numpy(variable.value).copy()
            found[id(variable)] = (variable, keras.ops.convert_to_tensor(value))
    return list(found.values())


def fixed_batch(model: keras.Model) -> int | None:
    """The number of rows that a model takes, where its inputs fix it; else None."""
    sizes = {one.shape[0] for one in getattr(model, "inputs", None) or []}
    return sizes.pop() if len(sizes) == 1 else None
