"""JAX's activations, as Keras's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax import numpy

from .natives import Native, plain, products

MODULES = (jax.nn, numpy, jax.core.Tracer)
"""Where models find them."""


def _over_axis(function: Callable[..., Any], x: Any, axis: Any = -1) -> Any:
    return function(x, axis=axis)


def _gelu(function: Callable[..., Any], x: Any, approximate: bool = True) -> Any:
    return function(x, approximate=approximate)


def _leaky_relu(function: Callable[..., Any], x: Any, negative_slope: float = 0.01) -> Any:
    return function(x, negative_slope=negative_slope)


PLAIN = (
    "elu", "log_sigmoid", "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "tanh",
)  # fmt: skip
NATIVES = (
    *(Native(name, getattr(jax.nn, name), plain) for name in PLAIN),
    Native("softsign", jax.nn.soft_sign, plain),
    Native("tanh", numpy.tanh, plain),
    Native("gelu", jax.nn.gelu, _gelu),
    Native("leaky_relu", jax.nn.leaky_relu, _leaky_relu),
    Native("log_softmax", jax.nn.log_softmax, _over_axis),
    Native("softmax", jax.nn.softmax, _over_axis),
    *products(jax.core.Tracer, "__mul__"),
)
