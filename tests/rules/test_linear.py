"""A linear layer taken as a map is the layer, also with a normalisation folded into it."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_explain.rules import is_linear, linear_parts

RNG = np.random.default_rng(7)
IMAGE, SERIES, VOLUME = (9, 8, 4), (11, 4), (5, 6, 5, 4)
LAYERS = [
    (layers.Dense(5), (4,)),
    (layers.Dense(5, use_bias=False), (6, 4)),
    (layers.EinsumDense("abc,cde->abde", (6, 2, 3), bias_axes="de"), (6, 4)),
    (layers.Conv1D(6, 3, padding="causal", dilation_rate=2), SERIES),
    (layers.Conv2D(6, 3, strides=2, padding="same", groups=2), IMAGE),
    (layers.Conv2D(6, 3, dilation_rate=2, use_bias=False), IMAGE),
    (layers.Conv3D(3, 2), VOLUME),
    (layers.Conv1DTranspose(3, 4, strides=2, padding="same"), SERIES),
    (layers.Conv2DTranspose(3, 3, strides=2, output_padding=1), IMAGE),
    (layers.Conv3DTranspose(2, 2), VOLUME),
    (layers.DepthwiseConv1D(3, depth_multiplier=2), SERIES),
    (layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2), IMAGE),
    (layers.SeparableConv1D(5, 3, depth_multiplier=2), SERIES),
    (layers.SeparableConv2D(5, 3, strides=2, padding="same"), IMAGE),
    (layers.DepthwiseConv2D(3, data_format="channels_first"), (4, 9, 8)),
]


def built(kind, shape):
    layer = kind.__class__.from_config(kind.get_config())
    layer.build((None, *shape))
    for weight in layer.weights:
        weight.assign(RNG.normal(size=weight.shape))
    return layer


@pytest.mark.parametrize(("kind", "shape"), LAYERS)
def test_the_parts_of_a_layer_are_the_layer(kind, shape):
    layer, x = built(kind, shape), RNG.normal(size=(3, *shape)).astype("f4")
    parts = linear_parts(layer)
    found = keras.ops.convert_to_tensor(x)
    for part in parts:
        found = part(found)
    np.testing.assert_allclose(found, layer(x), rtol=1e-4, atol=1e-5)
    part = parts[-1]
    if part.scaled is None:
        return
    channels = found.shape[part.channel_axis]
    scale, shift = (keras.ops.convert_to_tensor(RNG.normal(size=channels), "float32"),) * 2
    folded = part.folded(scale, shift)
    before = keras.ops.convert_to_tensor(x)
    for other in parts[:-1]:
        before = other(before)
    expected = np.asarray(found) * part.spread(scale) + part.spread(shift)
    np.testing.assert_allclose(folded(before), expected, rtol=1e-4, atol=1e-4)


def test_the_weights_may_be_others():
    (part,) = linear_parts(built(layers.Dense(3), (4,)))
    x = keras.ops.convert_to_tensor(RNG.normal(size=(2, 4)), "float32")
    changed = part.changed(keras.ops.relu)
    np.testing.assert_allclose(changed(x), x @ np.maximum(part.kernel, 0), rtol=1e-5)
    kept = part.changed(keras.ops.relu, keras.ops.relu)
    np.testing.assert_allclose(
        kept(x), x @ np.maximum(part.kernel, 0) + np.maximum(part.bias, 0), rtol=1e-5
    )


def test_a_class_with_a_call_of_its_own_is_not_taken_for_its_base():
    class Doubled(layers.Dense):
        def call(self, inputs):
            return 2 * super().call(inputs)

    class Named(layers.Dense):
        pass

    assert is_linear(Named(3))
    assert not is_linear(Doubled(3))
    assert not is_linear(layers.ReLU())
    with pytest.raises(ValueError, match="make it known by `register_linear`. Received: Doubled"):
        linear_parts(Doubled(3))
