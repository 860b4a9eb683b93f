"""Channel weights: closed form, what Grad-CAM makes of them, and which layers they are of."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import Activations, ChannelWeights, GradCAM
from tests.agreement import agrees

from .test_grad_cam import pooled

RNG = np.random.default_rng(5)


def network():
    return keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            layers.Conv2D(5, 3, activation="relu", name="first"),
            layers.MaxPooling2D(),
            layers.Conv2D(7, 3, activation="tanh", name="last"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


def test_the_weights_of_a_pooled_model_are_those_of_its_head():
    kernel, dense = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2))
    x = RNG.normal(size=(2, 6, 5, 3)).astype("float32")
    found = keras_explain.explain(pooled(kernel, dense), x, "channel_weights", target=1)
    # The score is the mean over 30 places, weighted by the head.
    agrees("channel_weights", "closed form", found, np.tile(dense[:, 1] / 30, (2, 1)))


def test_grad_cam_is_the_sum_of_the_channels_by_their_weights():
    x = RNG.normal(size=(4, 12, 10, 3)).astype("float32")
    model = network()
    weights = keras_explain.explain(model, x, ChannelWeights("last"), target=2)
    maps = keras_explain.explain(model, x, Activations("last", channels=None))
    expected = np.maximum((maps * weights[:, None, None]).sum(axis=-1), 0)
    found = keras_explain.explain(model, x, GradCAM("last"), target=2)
    agrees("channel_weights", "NumPy, by Grad-CAM", found, expected)


def test_the_layers_are_those_of_the_activations():
    x = RNG.normal(size=(4, 12, 10, 3)).astype("float32")
    found = keras_explain.explain(network(), x, "channel_weights", target=2)
    shapes = {key: array.shape for key, array in found.items()}
    assert shapes == {"channel_weights/first": (4, 5), "channel_weights/last": (4, 7)}


def test_series_have_weights_too():
    x = RNG.normal(size=(2, 12, 3)).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((12, 3)),
            layers.Conv1D(4, 3, name="conv"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2, use_bias=False, name="head"),
        ]
    )
    found = keras_explain.explain(model, x, ChannelWeights("conv"), target=0)
    head = model.get_layer("head").get_weights()[0][:, 0]
    np.testing.assert_allclose(found, np.tile(head / 10, (2, 1)), rtol=1e-5)


def test_a_layer_without_maps_is_refused_by_name():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="only")])
    with pytest.raises(ValueError, match="must have maps with channels.*Received: 'only'"):
        keras_explain.explain(model, np.zeros((1, 3), "float32"), ChannelWeights("only"))
