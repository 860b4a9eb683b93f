"""Every private name of Keras that keras_explain uses.

Keras has no public hooks for the functions that its layers call, for the layers inside a layer or
for an attention layer's projections. A new version of Keras that moves one of them is dealt with
here and nowhere else.

Layers, activations and `keras.ops` reach the backend by attributes of three modules (`nn`, `numpy`
and `math`), so that a function replaced there is replaced for all of them. They are attributes of
`keras.src.backend` up to Keras 3.16, and of `keras.src.backend.ops` after Keras's pull request
23642, where `keras.src.backend.numpy` is the NumPy backend.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import keras
from keras.src import activations, backend

SUPPORTED = "3.9 to 3.16, and master of September 2026"


def _unknown(what: str) -> ImportError:
    return ImportError(
        f"keras_explain does not know this Keras: {what}. Supported: {SUPPORTED}. "
        f"Received: Keras {keras.__version__} with the {keras.backend.backend()} backend"
    )


def _module(name: str) -> ModuleType:
    """The module `nn`, `numpy` or `math` of the backend's functions."""
    # Not asked by name: next to `ops.numpy`, `backend.numpy` is another thing.
    is_flat = hasattr(backend, "nn")
    owner = backend if is_flat else getattr(backend, "ops", None)
    found: Any = getattr(owner, name, None)
    if not isinstance(found, ModuleType):
        raise _unknown(f"keras.src.backend has neither {name!r} nor 'ops.{name}'")
    return found


def _check_that_ops_call(module: ModuleType, name: str, taken: int) -> None:
    """See that `keras.ops.<name>` calls the function that the module has at that moment."""
    original = getattr(module, name, None)
    if original is None:
        raise _unknown(f"{module.__name__} has no {name!r}")
    arguments = tuple(object() for _ in range(taken))
    calls = []

    def function(*args: Any, **kwargs: Any) -> Any:
        if args[:1] != arguments[:1]:
            return original(*args, **kwargs)  # another thread
        return calls.append(name)

    setattr(module, name, function)
    try:
        getattr(keras.ops, name)(*arguments)
    except Exception as error:
        raise _unknown(f"keras.ops.{name} does not call {module.__name__}.{name}") from error
    finally:
        setattr(module, name, original)
    if not calls:
        raise _unknown(f"keras.ops.{name} does not call {module.__name__}.{name}")


nn = _module("nn")
numpy = _module("numpy")
math = _module("math")
_check_that_ops_call(nn, "relu", 1)
_check_that_ops_call(numpy, "multiply", 2)

mish: Any = getattr(getattr(activations, "activations", None), "Mish", None)
"""The class whose `static_call` computes `keras.activations.mish`; None where there is none."""


def inner_layers(layer: Any) -> list[keras.Layer]:
    """The layers that stand directly in a layer or model, in the order of their creation."""
    found: list[keras.Layer] = list(layer._layers)
    return found


def own_trainable_variables(layer: Any) -> list[keras.Variable]:
    """The trainable variables of the layer itself, without those of its inner layers.

    Also those that freezing the layer has taken out of `trainable_variables`.
    """
    found: list[keras.Variable] = list(layer._trainable_variables)
    return found


def functional_inside(model: Any) -> Any:
    """The Functional model that a built Sequential model runs; None for other models."""
    return getattr(model, "_functional", None)


def attention_part(layer: Any, name: str) -> Any:
    """A layer inside an attention layer, such as `"value_dense"`: public in some, private in most.

    None where the layer has no such.
    """
    return getattr(layer, name, None) or getattr(layer, f"_{name}", None)


def has_gate(layer: Any) -> bool:
    """Whether the output of an attention layer is multiplied by a gate."""
    return bool(getattr(layer, "use_gate", getattr(layer, "_use_gate", False)))


def calls_of(operation: Any) -> list[Any]:
    """The calls of a layer or operation with symbols, each with its `outputs`."""
    found: list[Any] = list(getattr(operation, "_inbound_nodes", ()))
    return found


@contextmanager
def integers_as_they_come(models: Iterable[Any]) -> Iterator[None]:
    """Stop Functional models from casting their inputs to the integer types that they declare.

    Args:
        models: Layers and models; only Functional and Sequential ones declare their inputs.
    """
    declaring = [
        (model, symbol, symbol.dtype, model.autocast)
        for model in models
        for symbol in getattr(functional_inside(model) or model, "_inputs", ())
        if keras.backend.is_int_dtype(symbol.dtype)
    ]
    try:
        for model, symbol, _, _ in declaring:
            symbol._dtype, model.autocast = None, False  # a Sequential model casts by itself
        yield
    finally:
        for model, symbol, dtype, autocast in reversed(declaring):
            symbol._dtype, model.autocast = dtype, autocast
