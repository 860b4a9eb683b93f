"""PyTorch's activations, as Keras's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from .natives import Native, plain, products

MODULES = (torch, functional, torch.Tensor)
"""Where models find them."""


def _over_axis(function: Callable[..., Any], input: Any, dim: int = -1, **others: Any) -> Any:
    return function(input, axis=dim)


def _gelu(function: Callable[..., Any], input: Any, approximate: str = "none") -> Any:
    return function(input, approximate=approximate == "tanh")


def _elu(
    function: Callable[..., Any], input: Any, alpha: float = 1.0, inplace: bool = False
) -> Any:
    return function(input, alpha)


def _leaky_relu(
    function: Callable[..., Any], input: Any, negative_slope: float = 0.01, inplace: bool = False
) -> Any:
    return function(input, negative_slope=negative_slope)


PLAIN = (functional.relu6, functional.selu, functional.silu, functional.softsign)
NATIVES = (
    *(Native(function.__name__, function, plain) for function in PLAIN),
    Native("elu", functional.elu, _elu),
    Native("log_sigmoid", functional.logsigmoid, plain),
    *(
        Native(name, getattr(module, name), plain)
        for module in MODULES
        for name in ("relu", "sigmoid", "tanh")
    ),
    *(
        Native(name, getattr(module, name), _over_axis)
        for module in MODULES
        for name in ("log_softmax", "softmax")
    ),
    Native("gelu", functional.gelu, _gelu),
    Native("leaky_relu", functional.leaky_relu, _leaky_relu),
    *products(torch.Tensor, "__mul__"),
)
