"""Listen to a model while it is called: layers' outputs, and what went into softmax and sigmoid."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any

import keras

# The one module through which layers, activations and `keras.ops` reach the backend's softmax.
from keras.src.backend import nn as backend_nn

_one_at_a_time = threading.RLock()


@dataclass
class Tap:
    """What was heard during one call of a model.

    Attributes:
        outputs: Each layer's output by the layer's name, in the order in which the layers ran.
            A layer that is called again is heard again as `name#2`.
        layers: The layer that made each output.
        heads: Name, input and output of each call of softmax and sigmoid.
    """

    outputs: dict[str, Any] = field(default_factory=dict)
    layers: dict[str, keras.Layer] = field(default_factory=dict)
    heads: list[tuple[str, Any, Any]] = field(default_factory=list)

    def hear_layer(self, name: str, layer: keras.Layer, output: Any) -> None:
        """Keep a layer's output, if it is a single tensor."""
        if not keras.ops.is_tensor(output):
            return
        key, calls = name, 1
        while key in self.outputs:
            calls += 1
            key = f"{name}#{calls}"
        self.outputs[key] = output
        self.layers[key] = layer

    def logits_of(self, output: Any) -> tuple[str, Any] | None:
        """Which of softmax and sigmoid made `output`, and what went in; None if neither did."""
        for name, inputs, made in reversed(self.heads):
            if made is output:
                return name, inputs
        return None


def named_layers(model: keras.Model) -> dict[str, keras.Layer]:
    """Every layer inside `model` by its name, nested ones as `outer/inner`.

    A layer that stands in several places has the name of the first.
    """
    found: dict[str, keras.Layer] = {}
    seen = {id(model)}

    def walk(parent: Any, prefix: str) -> None:
        for layer in parent._layers:
            if id(layer) in seen or isinstance(layer, keras.layers.InputLayer):
                continue
            seen.add(id(layer))
            name = prefix + layer.name
            twins = 1
            while name in found:
                twins += 1
                name = f"{prefix}{layer.name}~{twins}"
            found[name] = layer
            walk(layer, name + "/")

    # A Sequential model keeps its layers a second time, inside the Functional model it runs.
    seen.add(id(getattr(model, "_functional", None)))
    walk(model, "")
    return found


@contextmanager
def tapped(model: keras.Model) -> Iterator[Tap]:
    """Listen to every layer of `model` that this thread calls inside the block.

    The model is left as it was found: `call` is shadowed in the instances' dictionaries (past
    Keras's attribute tracking) and taken out again.
    """
    tap = Tap()
    with _one_at_a_time, ExitStack() as undo:
        for name, layer in named_layers(model).items():
            _shadow_call(undo, layer, partial(tap.hear_layer, name, layer))
        for name in ("softmax", "sigmoid"):
            _replace_activation(undo, name, tap.heads)
        yield tap


def _shadow_call(undo: ExitStack, layer: Any, heard: Callable[[Any], None]) -> None:
    own = layer.__dict__.get("call")
    original = layer.call
    thread = threading.get_ident()

    @wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        output = original(*args, **kwargs)
        if threading.get_ident() == thread:
            heard(output)
        return output

    layer.__dict__["call"] = call
    if own is None:
        undo.callback(layer.__dict__.pop, "call", None)
    else:
        undo.callback(layer.__dict__.__setitem__, "call", own)


def _replace_activation(undo: ExitStack, name: str, heads: list[tuple[str, Any, Any]]) -> None:
    original = getattr(backend_nn, name)
    thread = threading.get_ident()

    @wraps(original)
    def activation(x: Any, *args: Any, **kwargs: Any) -> Any:
        output = original(x, *args, **kwargs)
        if threading.get_ident() == thread:
            heads.append((name, x, output))
        return output

    setattr(backend_nn, name, activation)
    undo.callback(setattr, backend_nn, name, original)
