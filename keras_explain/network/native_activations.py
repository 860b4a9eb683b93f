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
from typing import Any, NamedTuple

from .. import backends
from ..backends.natives import Native
from . import keras_internals


class Site(NamedTuple):
    """Where a function of the library can be found.

    Attributes:
        owner: A module, a class, or a namespace.
        name: Its name there.
        native: The function.
    """

    owner: Any
    name: str
    native: Native


def sites_of(layers: Iterable[Any]) -> list[Site]:
    """Every place where the code of a model and its layers can find a function of the library.

    Takes a look at all names of some modules, so it is asked once for each model.

    Args:
        layers: The model and its layers.
    """
    library = backends.current().activations
    natives = [n for n in library.NATIVES if hasattr(_owner(n), n.name)]
    by_id = {id(native.function): native for native in natives}
    found = []
    for module in library.MODULES:
        # Of a module only what it has: to ask for more would import parts of the library.
        names = dir(module) if isinstance(module, type) else list(vars(module))
        for name in names:
            value = getattr(module, name)
            if id(value) in by_id:
                found.append(Site(module, name, by_id[id(value)]))
    for space in _namespaces(layers):
        for name, value in list(space.items()):
            if id(value) in by_id:
                found.append(Site(space, name, by_id[id(value)]))
    return found


def redirect(undo: ExitStack, sites: Iterable[Site], is_inside: Callable[[], bool]) -> None:
    """Let Keras's functions be called for those of the backend's library, by this thread.

    Args:
        undo: Gets what puts everything back.
        sites: Where the library's functions are found.
        is_inside: Whether a function of Keras is running, which calls the library itself.
    """
    redirected: dict[int, Callable[..., Any]] = {}
    for owner, name, native in sites:
        function = redirected.setdefault(id(native), _redirected(native, is_inside))
        if isinstance(owner, MutableMapping):
            if owner.get(name) is native.function:
                # Past Keras's tracking of attributes.
                undo.callback(owner.__setitem__, name, native.function)
                owner[name] = function
            continue
        if name in vars(owner):
            undo.callback(setattr, owner, name, getattr(owner, name))
        else:  # a method that a class has from its base
            undo.callback(delattr, owner, name)
        setattr(owner, name, function)


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
