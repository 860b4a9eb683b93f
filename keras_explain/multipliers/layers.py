"""Rules for layers that are more than the functions they call, and for a user's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras import layers, ops

from ..rewiring import Call
from .functions import elementwise, path
from .pairs import Pairs, linearised

LayerRule = Callable[[Pairs, Any, Call], Call]
"""From the pairs, a layer and its `call` to what is called instead: see `register_rule`."""


def register_rule(layer: type[keras.Layer], rule: LayerRule) -> None:
    """Make a rule known for layers of this class, whatever they do inside.

    Args:
        layer: The class.
        rule: `along_path()` for any smooth layer, `value_by_value` for a function of each value
            alone, `linear` for what is linear; or a function of the pairs, the layer and its
            `call` that returns what is called instead: the same numbers, with multipliers in
            place of the gradient.
    """
    _registry[layer] = rule


def rule_of(layer: Any) -> LayerRule | None:
    """The rule for a layer: its class's, or that of the next base that has the same `call`."""
    for base in type(layer).__mro__:
        if base in _registry:
            return _registry[base] if type(layer).call is base.call else None
    return None


def linear(pairs: Pairs, layer: Any, call: Call) -> Call:
    """The gradient is the multiplier already."""
    return partial(_inside, pairs, call)


def value_by_value(pairs: Pairs, layer: Any, call: Call) -> Call:
    """Rescale for a layer that is a function of each value alone."""
    return _unless_quiet(pairs, call, partial(elementwise, pairs, call))


def _straight_but_for_kinks(pairs: Pairs, layer: Any, call: Call) -> Call:
    return _unless_quiet(pairs, call, partial(elementwise, pairs, call, sharp=True))


def along_path(points: int = 32) -> LayerRule:
    """The gradient's mean on the straight way from the baseline, for any smooth layer.

    Args:
        points: Points on the way. Each costs one forward and backward pass of the layer; the more
            it bends, the more are needed to conserve.
    """

    def rule(pairs: Pairs, layer: Any, call: Call) -> Call:
        def averaged(x: Any, *args: Any, **kwargs: Any) -> Any:
            flat = keras.tree.flatten(x)

            def alone(*tensors: Any) -> Any:
                return call(keras.tree.pack_sequence_as(x, list(tensors)), *args, **kwargs)

            return path(pairs, alone, *flat, points=points)

        return _unless_quiet(pairs, call, averaged)

    return rule


def layer_normalization(pairs: Pairs, layer: Any, call: Call) -> Call:
    """A product of the centred values and their inverse deviation."""

    def normalized(x: Any) -> Any:
        axes = [axis % len(x.shape) for axis in _listed(layer.axis)]
        gamma = _broadcast(layer.gamma, x.shape, axes)

        def tangent(x: Any) -> Call:
            return _scaled_by(gamma, _normalized(
                pairs, x, axes, layer.epsilon, centred=not layer.rms_scaling
            ), x.dtype)  # fmt: skip

        return linearised(pairs, call, tangent, x)

    return _unless_quiet(pairs, call, normalized)


def group_normalization(pairs: Pairs, layer: Any, call: Call) -> Call:
    """The same for each group of channels."""

    def normalized(x: Any) -> Any:
        axis = layer.axis % len(x.shape)
        shape = (*x.shape[:axis], layer.groups, x.shape[axis] // layer.groups, *x.shape[axis + 1 :])
        axes = [one for one in range(1, len(shape)) if one != axis]
        gamma = _broadcast(layer.gamma if layer.scale else None, x.shape, [axis])

        def tangent(x: Any) -> Call:
            of_groups = _normalized(pairs, ops.reshape(x, shape), axes, layer.epsilon)
            ungrouped = lambda x: ops.reshape(of_groups(ops.reshape(x, shape)), x.shape)  # noqa: E731
            return _scaled_by(gamma, ungrouped, x.dtype)

        return linearised(pairs, call, tangent, x)

    return _unless_quiet(pairs, call, normalized)


def unit_normalization(pairs: Pairs, layer: Any, call: Call) -> Call:
    """A product of the values and their inverse norm."""

    def normalized(x: Any) -> Any:
        axes = [axis % len(x.shape) for axis in _listed(layer.axis)]

        def tangent(x: Any) -> Call:
            return _normalized(pairs, x, axes, 1e-24, ops.sum, plain=True)

        return linearised(pairs, call, tangent, x)

    return _unless_quiet(pairs, call, normalized)


def _normalized(
    pairs: Pairs,
    x: Any,
    axes: list[int],
    epsilon: float,
    total: Callable[..., Any] = ops.mean,
    centred: bool = True,
    plain: bool = False,
) -> Call:
    """`d(c r) = dc mean(r) + mean(c) dr` with `r = (v + epsilon) ** -0.5`, `dv = total(2 c dc)`.

    Args:
        pairs: The rows.
        x: The values, `c` when centred.
        axes: Over which they are normalised.
        epsilon: What is added to `v`.
        total: How `v` follows from the squares: their mean or sum.
        centred: Whether what is divided is centred too, and not `v` alone.
        plain: Whether nothing is centred.
    """

    def centre(x: Any) -> Any:
        return x if plain else x - ops.mean(x, axis=axes, keepdims=True)

    def upper(x: Any) -> Any:
        return centre(x) if centred else x

    x = ops.cast(x, "float32")
    deviation = ops.sqrt(total(centre(x) ** 2, axis=axes, keepdims=True) + epsilon)
    other = pairs.other(deviation)
    mean_inverse = pairs.mean(1 / deviation)
    slope = -1 / (deviation * other * (deviation + other))
    mean_upper, mean_centre = pairs.mean(upper(x)), pairs.mean(centre(x))

    def tangent(x: Any) -> Any:
        x = ops.cast(x, "float32")
        of_v = total(2 * mean_centre * centre(x), axis=axes, keepdims=True)
        return upper(x) * mean_inverse + mean_upper * (slope * of_v)

    return tangent


def _scaled_by(gamma: Any, tangent: Call, dtype: Any) -> Call:
    if gamma is None:
        return lambda x: ops.cast(tangent(x), dtype)
    return lambda x: ops.cast(tangent(x) * gamma, dtype)


def _broadcast(gamma: Any, shape: Any, axes: list[int]) -> Any:
    """A layer's scale, in a shape that broadcasts to its values."""
    if gamma is None:
        return None
    spread = [size if axis in axes else 1 for axis, size in enumerate(shape)]
    return ops.reshape(ops.cast(gamma, "float32"), spread)


def _listed(axis: Any) -> list[int]:
    return list(axis) if isinstance(axis, list | tuple) else [axis]


def _inside(pairs: Pairs, call: Call, *args: Any, **kwargs: Any) -> Any:
    with pairs.inside_a_rule():
        return call(*args, **kwargs)


def _unless_quiet(pairs: Pairs, call: Call, rule: Call) -> Call:
    """The rule where its input follows from the rows, outside of other rules."""

    def ruled(x: Any, *args: Any, **kwargs: Any) -> Any:
        if pairs.quiet or not all(map(pairs.carries, keras.tree.flatten(x))):
            return call(x, *args, **kwargs)
        return rule(x, *args, **kwargs)

    return ruled


_registry: dict[type[keras.Layer], LayerRule] = {
    layers.ReLU: _straight_but_for_kinks,
    layers.LeakyReLU: _straight_but_for_kinks,
    layers.PReLU: _straight_but_for_kinks,
    layers.ELU: value_by_value,
    layers.LayerNormalization: layer_normalization,
    layers.GroupNormalization: group_normalization,
    layers.UnitNormalization: unit_normalization,
}
