"""Agreement of LRP with zennit on the same weights: every rule and composite."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import LRP
from keras_explain.rules import (
    AlphaBeta,
    Epsilon,
    EpsilonAlpha2Beta1,
    EpsilonGammaBox,
    EpsilonPlus,
    EpsilonPlusFlat,
    Flat,
    Gamma,
    Pass,
    WSquare,
    Z,
    ZBox,
    ZPlus,
)
from keras_explain.rules.composites import CONVOLUTIONS, DENSE
from tests.agreement import agrees
from tests.reference import zennit_reference
from tests.reference.zennit_reference import HIGH, LOW, TABLE

LINEAR = (*CONVOLUTIONS, *DENSE)
COMPOSITES = {
    "z": {LINEAR: Z()},
    "epsilon": {LINEAR: Epsilon(0.1)},
    "gamma": {LINEAR: Gamma(0.3)},
    "z_plus": {LINEAR: ZPlus()},
    "alpha_beta": {LINEAR: AlphaBeta(1.5, 0.5)},
    "z_box": {"stem": ZBox(LOW, HIGH), LINEAR: Epsilon()},
    "flat": {"stem": Flat(), LINEAR: Epsilon()},
    "w_square": {"stem": WSquare(), LINEAR: Epsilon()},
    "epsilon_plus": EpsilonPlus(),
    "epsilon_gamma_box": EpsilonGammaBox(LOW, HIGH),
    "epsilon_plus_flat": EpsilonPlusFlat(),
    "epsilon_alpha2_beta1": EpsilonAlpha2Beta1(),
    "unfolded": {layers.BatchNormalization: Pass()},
}


def network(given):
    """The network of the reference: normalisations, a residual sum, several activations."""
    x = inputs = keras.Input((10, 10, 3))
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(8, 3, use_bias=False, name="stem")(x)
    x = layers.ReLU()(layers.BatchNormalization(name="stem_norm")(x))
    before = layers.MaxPooling2D(2)(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(before)
    x = layers.ReLU(6.0)(layers.BatchNormalization(name="depthwise_norm")(x))
    x = layers.Conv2D(8, 1, use_bias=False, name="pointwise")(x)
    x = layers.BatchNormalization(name="pointwise_norm")(x)
    x = layers.Add()([before, x])
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Conv2D(10, 2, activation="relu", name="last")(x)
    x = layers.Flatten()(layers.AveragePooling2D(2)(x))
    x = layers.BatchNormalization(name="dense_norm")(layers.Dense(12, name="dense")(x))
    x = layers.Activation(lambda x: keras.ops.gelu(x, approximate=True))(x)
    model = keras.Model(inputs, layers.Dense(4, activation="softmax", name="logits")(x))
    for layer in model.layers:
        for weight in layer.weights:
            last = {"moving_mean": "mean", "moving_variance": "variance"}.get(weight.name)
            weight.assign(given[f"{layer.name}/{last or weight.name}"].reshape(weight.shape))
    return model


def relevance(given, name):
    method = LRP(composite=COMPOSITES[name])
    return keras_explain.explain(network(given), given["inputs"], method, target=given["targets"])[
        "lrp"
    ]


@pytest.mark.parametrize("name", COMPOSITES)
def test_agrees_with_the_table_of_zennit(name):
    table = dict(np.load(TABLE))
    agrees("lrp", "zennit", relevance(table, name), table[f"zennit/{name}"])


@pytest.mark.live
@pytest.mark.skipif(not importlib.util.find_spec("zennit"), reason="zennit is not installed")
def test_agrees_with_zennit_on_new_weights(tmp_path):
    command = [sys.executable, "-m", zennit_reference.__name__, tmp_path / "new.npz", "12"]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    given = dict(np.load(tmp_path / "new.npz"))
    for name in ("gamma", "epsilon_gamma_box", "epsilon_plus_flat", "epsilon_alpha2_beta1"):
        agrees("lrp", "zennit", relevance(given, name), given[f"zennit/{name}"])
