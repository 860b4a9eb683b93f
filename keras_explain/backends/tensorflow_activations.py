"""TensorFlow's activations, as Keras's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from .natives import Native, plain, products

MODULES = (tf, tf.math, tf.nn, tf.Tensor)
"""Where models find them."""


def _over_axis(
    function: Callable[..., Any], logits: Any, axis: Any = None, name: Any = None
) -> Any:
    return function(logits, axis=-1 if axis is None else axis)


def _gelu(
    function: Callable[..., Any], features: Any, approximate: bool = False, name: Any = None
) -> Any:
    return function(features, approximate=approximate)


def _leaky_relu(
    function: Callable[..., Any], features: Any, alpha: float = 0.2, name: Any = None
) -> Any:
    return function(features, negative_slope=alpha)


PLAIN = (
    "elu", "log_sigmoid", "relu", "relu6", "selu", "sigmoid", "softplus", "softsign", "tanh",
)  # fmt: skip
NATIVES = (
    *(Native(name, getattr(tf.nn, name, None) or getattr(tf.math, name), plain) for name in PLAIN),
    Native("gelu", tf.nn.gelu, _gelu),
    Native("leaky_relu", tf.nn.leaky_relu, _leaky_relu),
    Native("log_softmax", tf.nn.log_softmax, _over_axis),
    Native("softmax", tf.nn.softmax, _over_axis),
    *products(tf.Tensor, "__mul__"),
)
