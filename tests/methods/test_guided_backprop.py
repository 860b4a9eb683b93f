"""Guided backpropagation and the deconvnet: every way in which a model can have a rectifier."""

import importlib.util

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import Deconvnet, GuidedBackprop
from tests.agreement import agrees
from tests.reference.rules_reference import TABLE, attributions, weights

RNG = np.random.default_rng(12)
METHODS = ("guided_backprop", "deconvnet")
X = RNG.normal(size=(4, 6)).astype("f4")
KERNELS = [RNG.normal(size=shape).astype("f4") for shape in ((6, 7), (7, 5), (5, 3))]
BIASES = [RNG.normal(size=kernel.shape[1]).astype("f4") for kernel in KERNELS]


class Subclassed(keras.Model):
    """A model whose rectifiers are functions."""

    def __init__(self, rectifier):
        super().__init__()
        self.dense = [layers.Dense(n) for n in (7, 5, 3)]
        self.rectifier = rectifier

    def call(self, x):
        for dense in self.dense[:-1]:
            x = self.rectifier(dense(x))
        return self.dense[-1](x)


def built(kind):
    """A network with two rectifiers in one of the ways in which Keras can write them."""
    if kind in ("ops", "activations"):
        model = Subclassed(ops.relu if kind == "ops" else keras.activations.relu)
        model(X)
    elif kind == "functional ops":
        x = inputs = keras.Input((6,))
        for units in (7, 5):
            x = ops.relu(layers.Dense(units)(x))
        model = keras.Model(inputs, layers.Dense(3)(x))
    elif kind == "nested":
        inner = keras.Sequential(
            [layers.Dense(7, activation="relu"), layers.Dense(5), layers.ReLU()]
        )
        model = keras.Sequential([keras.Input((6,)), inner, layers.Dense(3)])
    else:
        unit = {"activation": layers.Activation, "layer": layers.ReLU}.get(kind)
        argument = ("relu",) if kind == "activation" else ()
        stack = [keras.Input((6,))]
        for units in (7, 5):
            stack += [layers.Dense(units, activation=None if unit else "relu")]
            stack += [unit(*argument)] if unit else []
        model = keras.Sequential([*stack, layers.Dense(3, activation="softmax")])
    model.set_weights([w for pair in zip(KERNELS, BIASES, strict=True) for w in pair])
    return model


def by_hand(name, x, target, slope=0.0, limit=np.inf):
    """The two rules in plain NumPy, for one leaky rectifier after each layer but the last."""
    before = []
    for kernel, bias in zip(KERNELS[:-1], BIASES[:-1], strict=True):
        z = x @ kernel + bias
        before.append(z)
        x = np.minimum(np.where(z > 0, z, slope * z), limit)
    back = np.broadcast_to(KERNELS[-1][:, target], x.shape)
    for kernel, z in zip(KERNELS[-2::-1], before[::-1], strict=True):
        back = np.maximum(back, 0)
        if name == "guided_backprop":
            back = back * np.where(z > 0, z < limit, slope)
        back = back @ kernel.T
    return back


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    "kind",
    ["dense", "activation", "layer", "ops", "activations", "functional ops", "nested"],
)
def test_every_way_to_write_a_rectifier_counts(name, kind):
    found = keras_explain.explain(built(kind), X, name, target=2)
    agrees(name, "NumPy", found, by_hand(name, X, 2))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("unit", ["leaky_relu", "relu6", "LeakyReLU", "ReLU", "PReLU"])
def test_leaky_and_limited_rectifiers(name, unit):
    slope = 0.3 if unit != "relu6" else 0.0
    unit = {
        "leaky_relu": lambda: lambda x: ops.leaky_relu(x, negative_slope=0.3),
        "relu6": lambda: ops.relu6,
        "LeakyReLU": lambda: layers.LeakyReLU(negative_slope=0.3),
        "ReLU": lambda: layers.ReLU(negative_slope=0.3),
        "PReLU": lambda: layers.PReLU(alpha_initializer=keras.initializers.Constant(0.3)),
    }[unit]
    x = inputs = keras.Input((6,))
    for units in (7, 5):
        x = unit()(layers.Dense(units)(x))
    model = keras.Model(inputs, layers.Dense(3)(x))
    dense = [layer for layer in model.layers if isinstance(layer, layers.Dense)]
    for layer, kernel, bias in zip(dense, KERNELS, BIASES, strict=True):
        layer.set_weights([kernel, bias])
    found = keras_explain.explain(model, 2 * X, name, target=1)
    expected = by_hand(name, 2 * X, 1, slope, limit=np.inf if slope else 6.0)
    agrees(name, "NumPy", found, expected)


def test_one_rectifier_in_closed_form():
    model = keras.Sequential(
        [keras.Input((2,)), layers.Dense(2, activation="relu"), layers.Dense(1)]
    )
    model.set_weights(
        [
            np.array([[1, 2], [3, -1]], "f4"),
            np.zeros(2, "f4"),
            np.array([[2], [-5]], "f4"),
            np.zeros(1),
        ]
    )
    x = np.array([[1, 1], [-1, 0]], "f4")
    # Only the first unit has a positive weight; at the second example it is off.
    guided = keras_explain.explain(model, x, "guided_backprop", target=0)
    agrees("guided_backprop", "closed form", guided, [[2, 6], [0, 0]])
    deconvnet = keras_explain.explain(model, x, "deconvnet", target=0)
    agrees("deconvnet", "closed form", deconvnet, [[2, 6], [2, 6]])


@pytest.mark.parametrize("name", METHODS)
def test_an_unused_input_has_none(name):
    model = built("dense")
    kernel = KERNELS[0].copy()
    kernel[4] = 0
    model.layers[0].set_weights([kernel, BIASES[0]])
    found = keras_explain.explain(model, X, name, target=0)
    assert not found[:, 4].any()
    assert found.any()


def convolutional(given):
    model = keras.Sequential(
        [
            keras.Input((12, 12, 2)),
            layers.Conv2D(6, 3, activation="relu", name="first"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="relu"),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.set_weights([given[f"{kind}{n}"] for n in range(1, 5) for kind in ("kernel", "bias")])
    return model


def assert_agrees(given, expected, name):
    found = keras_explain.explain(
        convolutional(given), given["inputs"], name, target=given["targets"]
    )
    agrees(name, "Captum", found, expected)


@pytest.mark.parametrize("name", METHODS)
def test_agrees_with_the_table_of_captum(name):
    table = dict(np.load(TABLE))
    assert_agrees(table, table[f"captum/{name}"], name)


@pytest.mark.live
@pytest.mark.skipif(not importlib.util.find_spec("captum"), reason="captum is not installed")
def test_agrees_with_captum_on_new_weights():
    given = weights(seed=8)
    expected = attributions(given)
    for name in METHODS:
        assert_agrees(given, expected[name], name)


def test_token_ids_and_several_inputs():
    ids, x = keras.Input((5,), dtype="int32", name="ids"), keras.Input((4,), name="x")
    words = layers.GlobalAveragePooling1D()(layers.Embedding(9, 3, name="words")(ids))
    joined = layers.Dense(6, activation="relu")(layers.Concatenate()([words, x]))
    model = keras.Model([ids, x], layers.Dense(2)(joined))
    given = [RNG.integers(0, 9, (3, 5)), RNG.normal(size=(3, 4)).astype("f4")]
    found = keras_explain.explain(model, given, "guided_backprop", target=1)
    assert found["guided_backprop/words"].shape == (3, 5, 3)
    assert found["guided_backprop/x"].shape == (3, 4)


def test_a_model_without_rectifiers_is_told():
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, activation="tanh"), layers.Dense(2)]
    )
    for name in METHODS:
        with pytest.raises(ValueError, match="has no ReLU, ReLU6, LeakyReLU or PReLU"):
            keras_explain.explain(model, np.zeros((1, 3), "f4"), name)


def test_a_training_keeps_them(tmp_path):
    model = convolutional(weights())
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = weights()["inputs"], weights()["targets"]
    callback = Explain(tmp_path, (x, y), [GuidedBackprop(), Deconvnet(layer="first")])
    model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    for key, name, options in (
        ("guided_backprop", "guided_backprop", {}),
        ("deconvnet/first", "deconvnet", {"layer": "first"}),
    ):
        expected = keras_explain.explain(model, x, name, labels=y, **options)
        expected = expected if isinstance(expected, np.ndarray) else expected[key]
        size = np.abs(expected).max()
        np.testing.assert_allclose(run.load(key, 1), expected, atol=2e-3 * size)
        assert np.abs(run.load(key, 0) - run.load(key, 1)).max() > 0
