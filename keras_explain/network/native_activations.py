"""Activations of the backend's library, such as `tf.nn.relu`: a model may call these too.

While a model is listened to, they are replaced by Keras's functions of the same names, which
compute the same and are listened to. They are replaced wherever a layer can find them: in the
library's modules, in the modules that define the layers, and in the layers' attributes
(`Dense(activation=tf.nn.relu)`).
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import ExitStack
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

from .. import backends
from ..backends.natives import Native
from . import keras_internals


def redirect(undo: ExitStack, layers: Iterable[Any], is_inside: Callable[[], bool]) -> None:
    """Let Keras's functions be called for those of the backend's library, by this thread.

    Args:
        undo: Gets what puts everything back.
        layers: The model and its layers.
        is_inside: Whether a function of Keras is running, which calls the library itself.
    """
    library = backends.current().activations
    natives = [n for n in library.NATIVES if hasattr(_owner(n), n.name)]
    by_id = {id(native.function): _redirected(native, is_inside) for native in natives}
    for module in library.MODULES:
        # Of a module only what it has: to ask for more would import parts of the library.
        names = dir(module) if isinstance(module, type) else list(vars(module))
        for name in names:
            value = getattr(module, name)
            if id(value) in by_id:
                if name in vars(module):
                    undo.callback(setattr, module, name, value)
                else:  # a method that a class has from its base
                    undo.callback(delattr, module, name)
                setattr(module, name, by_id[id(value)])
    for space in _namespaces(layers):
        for name, value in list(space.items()):
            if id(value) in by_id:
                # Past Keras's tracking of attributes.
                undo.callback(space.__setitem__, name, value)
                space[name] = by_id[id(value)]


def _redirected(native: Native, is_inside: Callable[[], bool]) -> Callable[..., Any]:
    thread = threading.get_ident()

    def function(*args: Any, **kwargs: Any) -> Any:
        is_ours = threading.get_ident() == thread and not is_inside()
        if not is_ours or not native.takes(*args, **kwargs):
            return native.function(*args, **kwargs)
        return native.adapted(getattr(_owner(native), native.name), *args, **kwargs)

    function.__name__ = native.name
    return function


def _owner(native: Native) -> ModuleType:
    """The module of Keras's backend that has the function."""
    found: ModuleType = getattr(keras_internals, native.module)
    return found


def _namespaces(layers: Iterable[Any]) -> Iterator[MutableMapping[str, Any]]:
    """Where the code of the layers looks names up, each once: attributes and modules."""
    seen = set()
    for layer in layers:
        attributes = vars(layer)
        functions = [type(layer).call, *attributes.values()]
        for function in functions:
            while isinstance(function, partial):
                function = function.func
            function = inspect.unwrap(function) if callable(function) else function
            if isinstance(function, FunctionType) and id(function.__globals__) not in seen:
                seen.add(id(function.__globals__))
                yield function.__globals__
        yield attributes
