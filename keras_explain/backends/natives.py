"""Activations of a backend's own library, which a model may call instead of Keras's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Native:
    """A function such as `tf.nn.relu`, and how Keras's function is called for it.

    Attributes:
        name: Name of the function of Keras's backend that computes the same.
        function: The library's function.
        adapted: From Keras's function and the arguments of this one to the same numbers.
        module: Where Keras's backend has it.
        takes: Whether Keras's function is to be called for these arguments.
    """

    name: str
    function: Any
    adapted: Callable[..., Any]
    module: str = "nn"
    takes: Callable[..., bool] = lambda *args, **kwargs: True


def plain(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """For a function of one tensor, whatever its argument is called."""
    return function(_first(args, kwargs))


def products(tensor: Any, *methods: str) -> tuple[Native, ...]:
    """The methods by which `a * b` is computed, where both are tensors of one kind.

    Args:
        tensor: The class of tensors.
        *methods: Their names.
    """

    def takes(a: Any, b: Any) -> bool:
        return isinstance(a, tensor) and isinstance(b, tensor) and a.dtype == b.dtype

    def adapted(function: Callable[..., Any], a: Any, b: Any) -> Any:
        return function(a, b)

    found = [getattr(tensor, name) for name in methods]
    return tuple(Native("multiply", one, adapted, "numpy", takes) for one in found)


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else next(value for name, value in kwargs.items() if name != "name")
