"""Listen to a model while it is called, and let what passes be replaced."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, NamedTuple

import keras

from . import backends
from .attention import AttentionTap
from .network import keras_internals
from .network.layer_names import Named, layers_inside
from .network.native_activations import Site, redirect, sites_of
from .operations import RESHAPES, Called, heard
from .rewiring import Rewiring

HEADS = ("softmax", "sigmoid", "log_softmax")
DOT_PRODUCT = "dot_product_attention"
ACTIVATIONS = tuple(
    name
    for name in (
        *HEADS, "celu", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
        "hard_tanh", "leaky_relu", "log_sigmoid", "relu", "relu6", "selu", "silu",
        "soft_shrink", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "squareplus",
        "tanh", "tanh_shrink", "threshold",
    )
    if hasattr(keras_internals.nn, name)
)  # fmt: skip

_one_at_a_time = threading.RLock()


@dataclass
class Tap:
    """What was heard during one call of a model.

    Attributes:
        replaced: What stands for a layer's output instead of it, by the layer's name.
        outputs: Each layer's output by the layer's name, in the order in which the layers ran.
            A layer that is called again is heard again as `name#2`.
        layers: The layer that made each output.
        taken: The tensors that went into each layer.
        heads: Name, input and output of each call of softmax, sigmoid and log_softmax.
        functions: Each call of a function of the backend, in order.
        attention: What was heard of attention.
        keras_names: Keras's own name of each layer, by the layer's name.
        onward: From a layer's name, the layer and its output, as it was heard, to what goes on.
    """

    replaced: Mapping[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    layers: dict[str, keras.Layer] = field(default_factory=dict)
    taken: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    heads: list[tuple[str, Any, Any]] = field(default_factory=list)
    functions: list[Called] = field(default_factory=list)
    attention: AttentionTap = field(default_factory=AttentionTap)
    keras_names: Mapping[str, str] = field(default_factory=dict)
    onward: Callable[[str, keras.Layer, Any], Any] = lambda name, layer, output: output
    _entered: dict[str, int] = field(default_factory=dict)

    def hear_layer(self, name: str, layer: keras.Layer, taken: Any, output: Any) -> Any:
        """Keep a layer's output, if it is a single tensor; returns what stands for it."""
        if not keras.ops.is_tensor(output):
            return output
        key, calls = name, 1
        while key in self.outputs:
            calls += 1
            key = f"{name}#{calls}"
        output = self.replaced.get(key, output)
        self.outputs[key] = output
        self.layers[key] = layer
        self.taken[key] = tuple(t for t in keras.tree.flatten(taken) if keras.ops.is_tensor(t))
        return self.onward(key, layer, output)

    def entering(self, name: str, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """What a layer is given, with what stands for it: by `<layer>/input`, its first tensor."""
        self._entered[name] = calls = self._entered.get(name, 0) + 1
        key = f"{name}/input" if calls == 1 else f"{name}#{calls}/input"
        if key not in self.replaced:
            return args, kwargs
        flat = keras.tree.flatten((args, kwargs))
        first = next(n for n, one in enumerate(flat) if keras.ops.is_tensor(one))
        flat[first] = self.replaced[key]
        args, kwargs = keras.tree.pack_sequence_as((args, kwargs), flat)
        return args, kwargs

    def hear_activation(self, name: str, taken: Any, output: Any, axis: int = -1) -> Any:
        """Keep what went into a head's function; returns what stands for the output."""
        if name == "softmax":
            output = self.attention.hear_softmax(output, [axis])
        if name in HEADS:
            self.heads.append((name, taken, output))
        return output

    def logits_of(self, output: Any) -> tuple[str, Any] | None:
        """Which function of `HEADS` made `output`, and what went in; None if none did.

        Also where the output was then reshaped: what went in is then reshaped alike.
        """
        heads = {id(made): (name, inputs) for name, inputs, made in self.heads}
        reshaped = {
            id(c.made): c.taken[0] for c in self.functions if c.name in RESHAPES and c.taken
        }
        unmoved = backends.current().unmoved
        ahead, seen = [output], set()
        while ahead:
            tensor = ahead.pop()
            if id(tensor) in heads:
                name, inputs = heads[id(tensor)]
                same = tuple(inputs.shape) == tuple(output.shape)
                return name, inputs if same else keras.ops.reshape(inputs, output.shape)
            if id(tensor) not in seen:
                seen.add(id(tensor))
                ahead += [*unmoved(tensor), *(reshaped[i] for i in [id(tensor)] if i in reshaped)]
        return None


def named_layers(model: keras.Model) -> dict[str, keras.Layer]:
    """Every layer inside `model` by its name, nested ones as `outer/inner`."""
    return {found.name: found.layer for found in layers_inside(model)}


def named_weights(model: keras.Model) -> dict[str, Any]:
    """Every trainable weight of `model`, in its order, by its name behind that of its layer.

    Keras's own paths begin with whatever was being built when the weight was made, which is another
    in a model that was called than in the same one that was loaded.
    """
    owners = {"": model, **named_layers(model)}
    names = {
        id(weight): f"{name}/{weight.name}".lstrip("/")
        for name, layer in owners.items()
        for weight in keras_internals.own_trainable_variables(layer)
    }
    weights = model.trainable_variables
    found = unique([names.get(id(weight), weight.path) for weight in weights])
    return dict(zip(found, weights, strict=True))


def unique(names: Sequence[str]) -> tuple[str, ...]:
    """The names, with `#2` and so on behind those that come again."""
    counts: dict[str, int] = {}
    result = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        result.append(name if counts[name] == 1 else f"{name}#{counts[name]}")
    return tuple(result)


class Surroundings(NamedTuple):
    """What is listened to in a model: its layers, and where it finds the library's functions."""

    layers: list[Named]
    sites: list[Site]

    @classmethod
    def of(cls, model: keras.Model) -> Surroundings:
        """What a model has now."""
        layers = layers_inside(model)
        return cls(layers, sites_of([model, *(found.layer for found in layers)]))


@contextmanager
def tapped(
    model: keras.Model,
    rewiring: Rewiring | None = None,
    replaced: Mapping[str, Any] | None = None,
    joined: Collection[str] = (),
    surroundings: Surroundings | None = None,
) -> Iterator[Tap]:
    """Listen to every layer of `model` that this thread calls inside the block.

    The model is left as it was found: `call` is shadowed in the instances' dictionaries (past
    Keras's attribute tracking) and taken out again.

    Args:
        model: The model.
        rewiring: What its layers and activations are replaced by.
        replaced: Tensors that stand for layers' outputs, by the layers' names.
        joined: Places of attention through which gradients are wanted.
        surroundings: What has been found in the model, where it is listened to more than once.
    """
    inside, sites = surroundings or Surroundings.of(model)
    tap = Tap(replaced or {}, attention=AttentionTap(replaced or {}, frozenset(joined)))
    tap.keras_names = {found.name: found.keras_name for found in inside}
    if rewiring is not None:
        tap.onward = rewiring.place
    with _one_at_a_time, ExitStack() as undo:
        for layer, name, _ in inside:
            rewired = rewiring.layer(name, layer, layer.call) if rewiring else None
            hear = partial(tap.hear_layer, name, layer)
            inner = tap.attention.remembered(name, layer, rewired or layer.call)
            _shadow(undo, layer, "call", inner, hear, partial(tap.entering, name))
        nn = keras_internals.nn
        softmax = nn.softmax
        for name in ACTIVATIONS:
            function = getattr(nn, name)
            rewired = rewiring.function(name, function) if rewiring else None
            if rewired or name in HEADS:
                hear_activation = partial(tap.hear_activation, name)
                _replace(undo, name, _heard(rewired or function, hear_activation))
        if hasattr(nn, DOT_PRODUCT):
            attend = tap.attention.beside(getattr(nn, DOT_PRODUCT), softmax)
            _replace(undo, DOT_PRODUCT, attend)
        calls = undo.enter_context(heard(ACTIVATIONS, rewiring))
        redirect(undo, sites, lambda: calls.running > 0)
        tap.functions = calls
        yield tap


def _shadow(
    undo: ExitStack,
    layer: Any,
    name: str,
    inner: Callable[..., Any],
    hear: Callable[..., Any],
    enter: Callable[..., Any],
) -> None:
    """Let `inner` be called for the layer's method.

    `enter` has the first word on what it is given, and `hear` the last on its output.
    """
    own = layer.__dict__.get(name)
    original = getattr(layer, name)
    thread = threading.get_ident()

    @wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return original(*args, **kwargs)
        args, kwargs = enter(args, kwargs)
        return hear((args, kwargs), inner(*args, **kwargs))

    layer.__dict__[name] = call
    if own is None:
        undo.callback(layer.__dict__.pop, name, None)
    else:
        undo.callback(layer.__dict__.__setitem__, name, own)


def _heard(inner: Callable[..., Any], hear: Callable[..., Any]) -> Callable[..., Any]:
    """An activation on whose output `hear` has the last word."""

    def activation(x: Any, *args: Any, **kwargs: Any) -> Any:
        axis = kwargs.get("axis", args[0] if args else -1)
        return hear(x, inner(x, *args, **kwargs), axis)

    return activation


def _replace(undo: ExitStack, name: str, inner: Callable[..., Any]) -> None:
    """Let `inner` be called for the backend's function, by this thread."""
    nn = keras_internals.nn
    original = getattr(nn, name)
    thread = threading.get_ident()

    @wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return original(*args, **kwargs)
        return inner(*args, **kwargs)

    setattr(nn, name, function)
    undo.callback(setattr, nn, name, original)
