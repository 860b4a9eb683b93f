"""One module a Keras backend: compile a function, differentiate it. Nothing else."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

SUPPORTED = ("tensorflow", "jax", "torch")


def current() -> ModuleType:
    """The module for the backend that Keras runs on.

    Raises:
        ValueError: If Keras runs on a backend that is not supported.
    """
    import keras

    name = keras.backend.backend()
    if name not in SUPPORTED:
        raise ValueError(
            "keras_explain does not run on this Keras backend. "
            f"Supported: {', '.join(SUPPORTED)}. Received: {name!r}"
        )
    return import_module(f"keras_explain.backends.{name}")
