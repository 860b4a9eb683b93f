"""Activation maps are the layers' own outputs."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import Activations
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from tests.agreement import agrees

X = np.random.default_rng(2).normal(size=(3, 12, 12, 2)).astype("float32")


def network():
    return keras.Sequential(
        [
            keras.Input((12, 12, 2)),
            layers.Conv2D(20, 3, padding="same", name="a"),
            layers.Conv2D(24, 3, padding="same", activation="relu", name="b"),
            layers.MaxPooling2D(name="pool"),
            layers.Conv2D(8, 3, name="c"),
            layers.Flatten(),
            layers.Dense(2, name="head"),
        ]
    )


def outputs(model, name):
    return np.asarray(keras.Model(model.inputs[0], model.get_layer(name).output)(X))


def test_a_1x1_convolution_by_the_identity_gives_back_the_input():
    model = keras.Sequential([keras.Input((12, 12, 2)), layers.Conv2D(2, 1, name="same")])
    model.set_weights([np.eye(2)[None, None], np.zeros(2)])
    np.testing.assert_array_equal(keras_explain.explain(model, X, Activations("same")), X)


def test_they_equal_a_model_cut_at_the_layer():
    model = network()
    found = keras_explain.explain(model, X, Activations(["a", "pool"], channels=None))
    for name in ("a", "pool"):
        agrees("activations", "Keras", found[f"activations/{name}"], outputs(model, name))


def test_channels_are_spread_evenly_and_named():
    model = network()
    found = keras_explain.explain(model, X, Activations("b", channels=5))
    np.testing.assert_allclose(found, outputs(model, "b")[..., ::5], rtol=1e-5)
    assert found.shape[-1] == 5


def test_by_default_every_stage_of_a_small_network_is_kept_before_its_pooling():
    found = keras_explain.explain(network(), X, "activations")
    assert {name: a.shape for name, a in found.items()} == {
        "activations/a": (3, 12, 12, 10),
        "activations/b": (3, 12, 12, 12),
        "activations/c": (3, 4, 4, 8),
    }


def test_every_convolution_can_be_kept():
    found = keras_explain.explain(network(), X, "activations", layers="convolutions")
    assert list(found) == ["activations/a", "activations/b", "activations/c"]


def test_a_table_s_layers_are_kept_where_there_are_no_convolutions():
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, name="x"), layers.Dense(2, name="y")]
    )
    found = keras_explain.explain(model, np.ones((2, 4), "float32"), "activations")
    assert {name: a.shape for name, a in found.items()} == {
        "activations/x": (2, 3),
        "activations/y": (2, 2),
    }


def test_channels_must_be_some():
    with pytest.raises(ValueError, match="`channels` must be at least 1.*Received: 0"):
        Activations(channels=0)


def test_what_a_relu_lets_through_is_unsigned():
    view = Pass(network(), Probes.of((X,)), [Activations(["a", "b"])], target=0).built
    assert [spec.signed for spec in view.plans[0].specs.values()] == [True, False]
