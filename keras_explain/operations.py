"""Listen to the functions of the backend that a model calls, inside of its layers and between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from types import ModuleType
from typing import Any

import keras

from .network import keras_internals
from .rewiring import Call, Rewiring

OPERATIONS: dict[ModuleType, tuple[str, ...]] = {
    keras_internals.numpy: (
        "absolute", "arctan", "clip", "cos", "divide", "einsum", "exp", "exp2", "expm1", "log",
        "log10", "log1p", "log2", "matmul", "max", "maximum", "min", "minimum", "multiply", "power",
        "prod", "reciprocal", "sin", "sqrt", "square", "var",
    ),
    keras_internals.math: ("erf", "logsumexp", "rsqrt"),
    keras_internals.nn: ("adaptive_max_pool", "dot_product_attention", "max_pool"),
}  # fmt: skip


@dataclass(frozen=True)
class Called:
    """One call of a function of the backend: its name, and what tensors went in and came out."""

    name: str
    taken: tuple[Any, ...]
    made: Any


class Calls(list[Called]):
    """Calls in the order of their ends.

    Attributes:
        running: How many of the functions are running, one inside another.
    """

    running: int = 0


RESHAPES = ("expand_dims", "ravel", "reshape", "squeeze")
"""Functions that keep values in their order; nothing replaces them."""


@contextmanager
def heard(activations: tuple[str, ...], rewiring: Rewiring | None) -> Iterator[Calls]:
    """Listen to the backend's functions that this thread calls inside the block.

    Args:
        activations: Names of its activations.
        rewiring: What its other functions are replaced by.
    """
    calls = Calls()
    with ExitStack() as undo:
        for name in activations:
            _listen(undo, calls, name, keras_internals.nn, name, None)
        of_activations = rewiring.function if rewiring else None
        # `keras.ops.tanh` does not come by the activation of that name; mish is not the backend's.
        _listen(undo, calls, "tanh", keras_internals.numpy, "tanh", of_activations)
        if keras_internals.mish is not None:
            _listen(undo, calls, "mish", keras_internals.mish, "static_call", of_activations)
        for module, names in OPERATIONS.items():
            for name in names:
                of_others = rewiring.operation if rewiring else None
                if hasattr(module, name):
                    _listen(undo, calls, name, module, name, of_others)
        for name in RESHAPES:
            _listen(undo, calls, name, keras_internals.numpy, name, None)
        yield calls


def _listen(
    undo: ExitStack,
    calls: Calls,
    name: str,
    owner: Any,
    attribute: str,
    rewired: Callable[[str, Call], Call | None] | None,
) -> None:
    original: Call = getattr(owner, attribute)
    inner = (rewired and rewired(name, original)) or original
    thread = threading.get_ident()

    @wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return original(*args, **kwargs)
        calls.running += 1
        try:
            output = inner(*args, **kwargs)
        finally:
            calls.running -= 1
        given = keras.tree.flatten((args, kwargs))
        calls.append(Called(name, tuple(filter(keras.ops.is_tensor, given)), output))
        return output

    undo.callback(setattr, owner, attribute, vars(owner)[attribute])
    setattr(owner, attribute, staticmethod(function) if isinstance(owner, type) else function)
