"""The rules for all layers that are not linear maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from ..network.keras_internals import attention_part
from ..rewiring import Call
from .activations import activated
from .gradients import exchanged, passed, shared, with_gradient
from .rule import LayerRule


@dataclass(frozen=True)
class Gradient(LayerRule):
    """The ordinary gradient is right: for what is linear without a bias, or scales with its inputs.

    Sums, averages, pooling (maxima go to the winner), maxima and minima; also softmax, by its
    Taylor expansion as in Achtibat et al. 2024, https://arxiv.org/abs/2402.05602. A layer of your
    own that adds something constant keeps that part of the relevance, as a bias does.
    """

    def through(self, layer: keras.Layer, call: Call, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        return call(*args, **kwargs)


@dataclass(frozen=True)
class Move(Gradient):
    """The same for a layer that puts its inputs elsewhere, or copies or drops them.

    A layer behind it may still be the first: `Flat` and `ZBox` reach through to the inputs.
    """


@dataclass(frozen=True)
class Inside(Gradient):
    """For a layer that is not known: what it does is looked at as what is done between layers.

    The layers and functions inside of it have their own rules.
    """


@dataclass(frozen=True)
class Pass(LayerRule):
    """Each value's relevance passes unchanged to the value in the same place of the first input.

    For activations, rescalings, and normalisations whose scale is held constant.
    """

    def through(self, layer: keras.Layer, call: Call, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        return passed(call(*args, **kwargs), first_tensor(args, kwargs))


@dataclass(frozen=True)
class Product(LayerRule):
    """The factors of a product get equal parts of its relevance.

    Achtibat et al. 2024, https://arxiv.org/abs/2402.05602
    """

    def through(self, layer: keras.Layer, call: Call, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        given = [t for t in keras.tree.flatten((args, kwargs)) if _is_float(t)]
        part = 1 / len(given)
        args, kwargs = keras.tree.map_structure(
            lambda t: shared(t, part) if _is_float(t) else t, (args, kwargs)
        )
        return call(*args, **kwargs)


@dataclass(frozen=True)
class Attention(LayerRule):
    """Attention whose layer projects queries, keys and values by inner layers of its own.

    Its two products halve the relevance, the softmax between has its Taylor expansion: half goes
    to the values, and a quarter each to queries and keys. (What softmax keeps is not conserved.)

    Achtibat et al. 2024, https://arxiv.org/abs/2402.05602
    """

    def through(self, layer: keras.Layer, call: Call, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        return call(*args, **kwargs)

    def parts(self, layer: keras.Layer) -> Mapping[int, float]:  # noqa: D102
        gate = attention_part(layer, "gate_dense")
        half = 0.5 if gate is None else 0.25
        named = {"value": half, "query": half / 2, "key": half / 2}
        found = {id(attention_part(layer, f"{name}_dense")): part for name, part in named.items()}
        return found if gate is None else {**found, id(gate): 0.5}


@dataclass(frozen=True)
class PlainAttention(LayerRule):
    """The same for a layer that takes queries, values and keys as they are.

    Attributes:
        dot: Whether queries and keys are multiplied, rather than added.
    """

    dot: bool = True

    def through(self, layer: keras.Layer, call: Call, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        (query, value, *key), *rest = args
        dot = self.dot and getattr(layer, "score_mode", "dot") == "dot"
        part = 0.25 if dot else 0.5
        given = [shared(query, part), shared(value, 0.5), shared(key[0] if key else value, part)]
        return call(given, *rest, **kwargs)


@dataclass(frozen=True)
class CentredNormalization(LayerRule):
    """Layer and group normalisation, linear as long as the scale is held constant.

    Achtibat et al. 2024, https://arxiv.org/abs/2402.05602

    Attributes:
        keeps_beta: Whether what `beta` adds is kept, as by a bias; else it passes to the value in
            the same place.
    """

    keeps_beta: bool = True

    def through(self, layer: Any, call: Call, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        output = call(*args, **kwargs)
        inputs = ops.cast(first_tensor(args, kwargs), "float32")
        shape, rank = inputs.shape, len(inputs.shape)
        if isinstance(layer, keras.layers.GroupNormalization):
            channel = layer.axis % rank
            size = shape[channel] // layer.groups
            grouped = (*shape[1:channel], layer.groups, size, *shape[channel + 1 :])
            values = ops.reshape(inputs, (-1, *grouped))
            axes = [axis for axis in range(1, rank + 1) if axis != channel]
            along, gamma = [channel], layer.gamma if layer.scale else None
        else:
            values = inputs
            listed = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
            along = axes = [axis % rank for axis in listed]
            gamma = layer.gamma
        mean, variance = ops.moments(values, axes=axes, keepdims=True)
        held = ops.stop_gradient(ops.rsqrt(variance + layer.epsilon))
        centred = values if getattr(layer, "rms_scaling", False) else values - mean
        found = ops.reshape(centred * held, (-1, *shape[1:]))
        if gamma is not None:
            spread = [shape[axis] if axis in along else 1 for axis in range(rank)]
            gamma = ops.cast(ops.convert_to_tensor(gamma), "float32")
            found = found * ops.stop_gradient(ops.reshape(gamma, spread))
        if self.keeps_beta:
            return with_gradient(output, found)
        added = ops.cast(output, "float32") - found
        per_unit = ops.divide_no_nan(*map(ops.stop_gradient, (added, inputs)))
        return exchanged(output, [(found, 1), (inputs, per_unit)])


@dataclass(frozen=True)
class Activated(LayerRule):
    """A layer that is an activation and nothing else."""

    def through(self, layer: Any, call: Call, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        return activated(layer.activation, first_tensor(args, kwargs))


def first_tensor(args: Any, kwargs: Any) -> Any:
    """The first tensor that a layer is called with."""
    return next(t for t in keras.tree.flatten((args, kwargs)) if ops.is_tensor(t))


def _is_float(value: Any) -> bool:
    return bool(ops.is_tensor(value)) and "float" in keras.backend.standardize_dtype(value.dtype)
