"""Agreement with Captum on the same weights."""

import importlib.util

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from tests.agreement import agrees
from tests.reference.captum_reference import TABLE, attributions, weights

METHODS = ("saliency", "gradient_times_input", "integrated_gradients", "grad_cam")


def network(given):
    model = keras.Sequential(
        [
            keras.Input((14, 14, 3)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(12, 3, activation="relu", name="last"),
            layers.ZeroPadding2D(((0, 1), (0, 1))),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    names = ("conv1", "bias1", "conv2", "bias2", "dense", "bias3")
    model.set_weights([given[name] for name in names])
    return model


def assert_agrees(given, name, expected):
    options = {"layer": "last"} if name == "grad_cam" else {}
    found = keras_explain.explain(
        network(given), given["inputs"], name, target=given["targets"], **options
    )
    if isinstance(found, dict):
        found = found[name]
    if name == "grad_cam":
        expected = expected[..., 0]
    assert found.dtype == np.float32
    assert np.abs(expected).max() > 1e-3
    agrees(name, "Captum", found, expected, within=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_agrees_with_the_table_of_captum(name):
    table = dict(np.load(TABLE))
    assert_agrees(table, name, table[f"captum/{name}"])


def test_the_gradient_s_size_and_product_with_the_input_agree_with_the_table_of_captum():
    table = dict(np.load(TABLE))
    found = keras_explain.explain(
        network(table), table["inputs"], "gradient", target=table["targets"]
    )
    agrees("gradient", "Captum", np.abs(found), table["captum/saliency"])
    agrees("gradient", "Captum", found * table["inputs"], table["captum/gradient_times_input"])


@pytest.mark.live
@pytest.mark.skipif(not importlib.util.find_spec("captum"), reason="captum is not installed")
def test_agrees_with_captum_on_new_weights():
    given = weights(seed=11)
    for name, expected in attributions(given).items():
        assert_agrees(given, name, expected)
