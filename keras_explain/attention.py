"""Listen to attention: where each head looks, beside whatever kernel computes it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import keras

from . import backends
from .network.keras_internals import attention_part, has_gate

KIND = "Attention"
"""What the class of a layer is called whose own softmax is over the keys."""
MASKED = -1e30
"""The logit of a key that is masked."""


@dataclass
class _Call:
    """A layer that is being called."""

    name: str
    layer: keras.Layer
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    values: Any = None
    heard: list[str] = field(default_factory=list)


@dataclass
class AttentionTap:
    """What was heard of attention during one call of a model.

    A layer hands `keras.ops.dot_product_attention` all that its attention follows from. That is
    computed once more beside the original, flash or fused, whose output stays as it is. What
    layers called ...Attention do by a softmax of their own is heard there.

    Attributes:
        replaced: What stands for the attention of a layer, by place.
        joined: Places of attention through which gradients are wanted: the output then follows
            from what was computed beside it, with the very numbers of the original.
        heard: By place, attention `(rows, heads, queries, keys)` as `<layer>/attention`, and what
            each key would add to the layer's output if it had all the attention of a head,
            `(rows, heads, keys, channels)`, as `<layer>/transformed`. A layer that is called again
            is heard again as `<layer>/attention#2`.
        layers: The layer of each attention, by place.
        transformed: Where that which each attention mixes lies, by the attention's place.
        crossing: Places of attention that is not from a sequence to itself.
    """

    replaced: Mapping[str, Any] = field(default_factory=dict)
    joined: frozenset[str] = frozenset()
    heard: dict[str, Any] = field(default_factory=dict)
    layers: dict[str, keras.Layer] = field(default_factory=dict)
    transformed: dict[str, str] = field(default_factory=dict)
    crossing: set[str] = field(default_factory=set)
    _inside: list[_Call] = field(default_factory=list)
    _made: list[Any] = field(default_factory=list)

    def remembered(
        self, name: str, layer: keras.Layer, call: Callable[..., Any]
    ) -> Callable[..., Any]:
        """`call`, of a layer, with what it hears while it runs put down to the layer."""

        @wraps(call)
        def remembering(*args: Any, **kwargs: Any) -> Any:
            this = _Call(name, layer, args, kwargs)
            self._inside.append(this)
            try:
                output = call(*args, **kwargs)
                if len(this.heard) == 1:
                    self._transform(this)
            finally:
                self._inside.pop()
            if self._inside and layer is attention_part(self._inside[-1].layer, "value_dense"):
                self._inside[-1].values = output
            if isinstance(layer, keras.layers.Softmax):
                axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
                output = self.hear_softmax(output, axes)
            self._made.append(output)
            return output

        return remembering

    def hear_softmax(self, output: Any, axes: Sequence[int]) -> Any:
        """Keep the output of a softmax over the keys of attention; returns what stands for it."""
        rank, keys = len(output.shape), len(axes)
        last = {axis % rank for axis in axes} == set(range(rank - keys, rank))
        called = type(self._inside[-1].layer).__name__ if self._inside else ""
        if KIND not in called or not last or rank < 1 + 2 * keys or None in output.shape[1:]:
            return output
        shape = output.shape
        folded = (
            math.prod(shape[1 : rank - 2 * keys]),
            math.prod(shape[rank - 2 * keys : rank - keys]),
            math.prod(shape[rank - keys :]),
        )
        heard = self._hear(keras.ops.reshape(output, (-1, *folded)))
        heard = keras.ops.cast(heard, output.dtype)
        return keras.ops.reshape(heard, (-1, *shape[1:]))

    def beside(
        self, original: Callable[..., Any], softmax: Callable[..., Any]
    ) -> Callable[..., Any]:
        """The backend's `dot_product_attention`, with the attention heard beside it."""
        signature = inspect.signature(keras.ops.dot_product_attention)

        @wraps(original)
        def attend(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs)
            if not self._inside:
                return original(*args, **kwargs)
            given.apply_defaults()
            matters = {name: given.arguments[name] for name in _MATTERS if name in given.arguments}
            made = attention_of(softmax, **matters)
            heard = self._hear(made)
            key = self._inside[-1].heard[-1]
            if key in self.replaced:
                return _combined(heard, given.arguments["value"])
            output = original(*args, **kwargs)
            if key in self.joined:
                again = _combined(heard, given.arguments["value"])
                stop = keras.ops.stop_gradient
                return stop(output) + (again - stop(again))
            return output

        return attend

    def _hear(self, attention: Any) -> Any:
        """Keep the attention of the layer that is being called; returns what stands for it."""
        this = self._inside[-1]
        key, calls = f"{this.name}/attention", 1
        while key in self.heard:
            calls += 1
            key = f"{this.name}/attention#{calls}"
        attention = self.replaced.get(key, attention)
        self.heard[key] = attention
        self.layers[key] = this.layer
        this.heard.append(key)
        if self._crosses(this):
            self.crossing.add(key)
        return attention

    def _crosses(self, this: _Call) -> bool:
        """Whether the queries are of another sequence than the keys and values."""
        try:
            bound = inspect.signature(type(this.layer).call).bind(
                this.layer, *this.args, **this.kwargs
            )
        except TypeError:
            return False
        given = bound.arguments
        pair = given.get("inputs")
        if isinstance(pair, list) and len(pair) > 1:
            query, others = pair[0], pair[1:]
        else:
            query = given.get("query", given.get("hidden_states"))
            names = ("value", "key", "key_value_states")
            others = [given[name] for name in names if given.get(name) is not None]
        if query is None or not others or any(other is query for other in others):
            return False
        # In half precision Keras casts one tensor twice, into two that no layer has made.
        twice = this.layer.compute_dtype != "float32" and others[0].shape == query.shape
        return not twice or any(made is query or made is others[0] for made in self._made)

    def _transform(self, this: _Call) -> None:
        """Keep what each key adds to the output of a layer at full attention, if that is plain."""
        kernel = _output_kernel(this.layer)
        values = this.values
        if isinstance(this.layer, keras.layers.Attention):
            values = this.args[0][1][:, :, None]  # one head, without projections
        elif kernel is None or values is None or len(values.shape) != 4:
            return
        heads = self.heard[this.heard[0]].shape[1]
        if has_gate(this.layer):
            return  # a gate takes a share of each query's own
        values = keras.ops.cast(_repeated(values, heads), "float32")
        if kernel is None:
            transformed = keras.ops.transpose(values, (0, 2, 1, 3))
        else:
            if tuple(kernel.shape[:2]) != (heads, values.shape[-1]):
                return
            flat = keras.ops.reshape(kernel, (*kernel.shape[:2], -1))
            transformed = keras.ops.einsum(
                "bsnh,nhm->bnsm", values, keras.ops.cast(flat, "float32")
            )
        key = "/transformed".join(this.heard[0].rsplit("/attention", 1))
        self.heard[key] = transformed
        self.transformed[this.heard[0]] = key


_MATTERS = ("query", "key", "bias", "mask", "scale", "is_causal", "attn_logits_soft_cap")


def attention_of(
    softmax: Callable[..., Any],
    query: Any,
    key: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    attn_logits_soft_cap: float | None = None,
) -> Any:
    """What `keras.ops.dot_product_attention` weighs the values with, and does not return.

    Args:
        softmax: The backend's own, which nobody listens to.
        query: `(rows, queries, heads, channels)`.
        key: `(rows, keys, heads or a divisor of them, channels)`.
        bias: Is added to the logits, or None.
        mask: True where there may be attention; broadcasts to the result; or None.
        scale: What the logits are multiplied with; one over the square root of the channels if
            None.
        is_causal: Whether no query attends to what comes after it.
        attn_logits_soft_cap: What the logits' size stays below, or None.

    Returns:
        float32 `(rows, heads, queries, keys)`; sums to one over the keys, or to zero for a query
        that may attend to none.
    """
    ops = keras.ops
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    # In the layer's own precision, as the original does; the softmax in float32.
    logits = backends.current().products(query, _repeated(key, query.shape[2]))
    logits = ops.multiply(ops.cast(logits, "float32"), ops.cast(scale, "float32"))
    if attn_logits_soft_cap is not None:
        logits = attn_logits_soft_cap * ops.tanh(logits / attn_logits_soft_cap)
    if bias is not None:
        logits = logits + ops.cast(bias, "float32")
    allowed = None if mask is None else ops.cast(mask, "bool")
    if is_causal:
        causal = ops.tril(ops.ones(logits.shape[-2:], "bool"))
        allowed = causal if allowed is None else ops.logical_and(allowed, causal)
    if allowed is not None:
        logits = ops.where(allowed, logits, MASKED)
    attention = softmax(logits, axis=-1)
    # A query that is masked itself has none, as in what Keras returns, though not in fused kernels.
    return attention if allowed is None else ops.where(allowed, attention, 0.0)


def _combined(attention: Any, value: Any) -> Any:
    """The values, each with its attention."""
    value = _repeated(value, attention.shape[1])
    return keras.ops.einsum("bnts,bsnh->btnh", keras.ops.cast(attention, value.dtype), value)


def _repeated(part: Any, heads: int) -> Any:
    """Keys or values `(rows, keys, heads, channels)`, where several queries' heads share each."""
    own = part.shape[2]
    return part if own == heads else keras.ops.repeat(part, heads // own, axis=2)


def _output_kernel(layer: keras.Layer) -> Any:
    """The weights that mix the heads' values, `(heads, channels, ...)`, or None."""
    kernel = getattr(attention_part(layer, "output_dense"), "kernel", None)
    return kernel if kernel is not None and len(kernel.shape) >= 3 else None
