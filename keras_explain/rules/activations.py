"""Activations: what relevance does at functions rather than layers."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from ..rewiring import Call
from ..tap import ACTIVATIONS
from .gradients import passed, shared

PLAIN = ("relu", "leaky_relu", "softmax", "log_softmax", "sparsemax")
"""Those whose ordinary gradient is right."""


def rewired(name: str, function: Call) -> Call | None:
    """What is called for the backend's activation `name`; None to leave it."""
    if name in PLAIN:
        return None

    def activation(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        return passed(function(inputs, *args, **kwargs), inputs)

    def gated(inputs: Any, axis: int = -1) -> Any:
        values, gate = ops.split(inputs, 2, axis=axis)
        return shared(values, 0.5) * shared(ops.sigmoid(gate), 0.5)

    return gated if name == "glu" else activation


def activated(function: Call | None, inputs: Any) -> Any:
    """What a layer's `activation` makes of the inputs, with the gradient of relevance."""
    name = getattr(function, "__name__", "")
    if function is None or name == "linear":
        return inputs
    output = function(inputs)
    if name in (*ACTIVATIONS, *PLAIN) or isinstance(function, keras.Layer):
        return output  # `rewired`, or the layer's rule, has seen to it
    return passed(output, inputs)
