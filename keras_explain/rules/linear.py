"""Layers that are linear maps, taken as maps: to be run with other weights than their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
from keras import layers, ops

Change = Callable[[Any], Any]
Parts = Callable[[Any], "tuple[Linear, ...]"]


@dataclass(frozen=True)
class Linear:
    """`operate(inputs, kernel) + bias`: what a layer does before its activation, in float32.

    The tensors are those of the weights in use when `linear_parts` was called. The map may be
    called anywhere, also inside another gradient; nothing of the layer is touched.

    Attributes:
        operate: From inputs `(rows, ...)` and a kernel to outputs; linear in both.
        kernel: The weights.
        bias: What is added, in a shape that broadcasts to the outputs; None where nothing is.
        scaled: From a kernel and a factor for each channel of the outputs, `(channels,)`, to the
            kernel that yields outputs multiplied by them; None where that is not known.
        spread: From a vector `(channels,)` to the shape that broadcasts to the outputs.
        channel_axis: Axis of the outputs that holds these channels: -1 or 1.
        never_negative: Whether no input that goes into it is below zero.
    """

    operate: Callable[[Any, Any], Any]
    kernel: Any
    bias: Any = None
    scaled: Callable[[Any, Any], Any] | None = None
    spread: Change = lambda vector: vector
    channel_axis: int = -1
    never_negative: bool = False

    def __call__(self, inputs: Any) -> Any:
        """The outputs for these inputs."""
        outputs = self.operate(inputs, self.kernel)
        return outputs if self.bias is None else outputs + self.bias

    def changed(self, kernel: Change, bias: Change | None = None) -> Linear:
        """The same map with its kernel changed, and its bias too; without bias if that is None."""
        keeps = bias is not None and self.bias is not None
        return replace(
            self, kernel=kernel(self.kernel), bias=bias(self.bias) if keeps and bias else None
        )

    def folded(self, scale: Any, shift: Any) -> Linear | None:
        """This map with `scale * outputs + shift` after it, as one map; None if not known how.

        Args:
            scale: A factor for each channel of the outputs, `(channels,)`.
            shift: What is then added to each, `(channels,)`.
        """
        if self.scaled is None:
            return None
        bias = self.spread(shift)
        if self.bias is not None:
            bias = bias + self.bias * self.spread(scale)
        return replace(self, kernel=self.scaled(self.kernel, scale), bias=bias)


def linear_parts(layer: keras.Layer) -> tuple[Linear, ...]:
    """The linear maps that `layer` runs one after the other, before its activation.

    One for most; two for a separable convolution. Call it where the weights that are meant are in
    use: inside the layer's call.

    Raises:
        ValueError: If the layer is not known to be linear.
    """
    parts = _parts_of(type(layer))
    if parts is None:
        raise ValueError(
            "`layer` must be linear before its activation; make it known by `register_linear`. "
            f"Received: {type(layer).__name__}"
        )
    return parts(layer)


def is_linear(layer: keras.Layer) -> bool:
    """Whether the layer is known to be linear before its activation."""
    return _parts_of(type(layer)) is not None and not getattr(layer, "quantization_mode", None)


def register_linear(layer: type[keras.Layer], parts: Parts) -> None:
    """Make it known that layers of this class are linear before their `activation`.

    A subclass with a `call` of its own is not meant by it.

    Args:
        layer: The class.
        parts: From a layer to the maps that it runs one after the other.
    """
    _registry[layer] = parts


def in_float32(weight: Any) -> Any:
    """The value of a weight that is in use, in float32; None if there is no such weight."""
    return None if weight is None else ops.cast(ops.convert_to_tensor(weight), "float32")


def classes_named(*names: str) -> list[type[keras.Layer]]:
    """Layers of this version of Keras, by name; `{}` stands for 1D, 2D and 3D."""
    full = [name.format(f"{d}D") for name in names for d in (1, 2, 3)]
    found = (getattr(layers, name, None) for name in dict.fromkeys(full))
    return [kind for kind in found if kind is not None]


_registry: dict[type[keras.Layer], Parts] = {}


def _parts_of(kind: type[keras.Layer]) -> Parts | None:
    for base in kind.__mro__:
        if base in _registry:
            return _registry[base] if kind.call is base.call else None
    return None


def _dense(layer: Any) -> tuple[Linear, ...]:
    return (Linear(ops.matmul, in_float32(layer.kernel), in_float32(layer.bias), _scale_last),)


def _einsum_dense(layer: Any) -> tuple[Linear, ...]:
    operate = partial(ops.einsum, layer.equation)
    return (Linear(operate, in_float32(layer.kernel), in_float32(layer.bias)),)


def _convolution(layer: Any) -> tuple[Linear, ...]:
    causal = layer.padding == "causal"
    convolve = partial(
        ops.conv,
        strides=list(layer.strides),
        padding="valid" if causal else layer.padding,
        dilation_rate=layer.dilation_rate,
        data_format=layer.data_format,
    )

    def operate(inputs: Any, kernel: Any) -> Any:
        if causal:
            before = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
            time = 1 if layer.data_format == "channels_last" else 2
            inputs = ops.pad(inputs, [(before if axis == time else 0, 0) for axis in range(3)])
        return convolve(inputs, kernel)

    return (_channelled(layer, operate, layer.kernel, _scale_last),)


def _transposed_convolution(layer: Any) -> tuple[Linear, ...]:
    operate = partial(
        ops.conv_transpose,
        strides=list(layer.strides),
        padding=layer.padding,
        output_padding=layer.output_padding,
        dilation_rate=layer.dilation_rate,
        data_format=layer.data_format,
    )
    # Its kernel ends in (outputs, inputs).
    return (_channelled(layer, operate, layer.kernel, lambda k, scale: k * scale[:, None]),)


def _depthwise_convolution(layer: Any) -> tuple[Linear, ...]:
    return (_channelled(layer, _depthwise(layer), layer.kernel, _scale_depthwise),)


def _separable_convolution(layer: Any) -> tuple[Linear, ...]:
    pointwise = partial(ops.conv, strides=1, padding="valid", data_format=layer.data_format)
    return (
        Linear(_depthwise(layer), in_float32(layer.depthwise_kernel)),
        _channelled(layer, pointwise, layer.pointwise_kernel, _scale_last),
    )


def _depthwise(layer: Any) -> Callable[[Any, Any], Any]:
    return partial(
        ops.depthwise_conv,
        strides=layer.strides,
        padding=layer.padding,
        dilation_rate=layer.dilation_rate,
        data_format=layer.data_format,
    )


def _channelled(
    layer: Any, operate: Callable[[Any, Any], Any], kernel: Any, scaled: Callable[[Any, Any], Any]
) -> Linear:
    """A map whose channels may come first."""
    first = layer.data_format == "channels_first"

    def spread(vector: Any) -> Any:
        return ops.reshape(vector, (-1,) + (1,) * layer.rank) if first else vector

    bias = in_float32(layer.bias) if layer.use_bias else None
    return Linear(
        operate,
        in_float32(kernel),
        None if bias is None else spread(bias),
        scaled,
        spread,
        1 if first else -1,
    )


def _scale_last(kernel: Any, scale: Any) -> Any:
    return kernel * scale


def _scale_depthwise(kernel: Any, scale: Any) -> Any:
    """Each of the kernel's inputs has several channels of the outputs."""
    return kernel * ops.reshape(scale, kernel.shape[-2:])


register_linear(layers.Dense, _dense)
register_linear(layers.EinsumDense, _einsum_dense)
for _class in (layers.Conv1D, layers.Conv2D, layers.Conv3D):
    register_linear(_class, _convolution)
for _class in (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose):
    register_linear(_class, _transposed_convolution)
for _class in (layers.DepthwiseConv1D, layers.DepthwiseConv2D):
    register_linear(_class, _depthwise_convolution)
for _class in (layers.SeparableConv1D, layers.SeparableConv2D):
    register_linear(_class, _separable_convolution)
