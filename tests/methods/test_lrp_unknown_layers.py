"""LRP through layers of which only what they compute is known: AttnLRP's rules for functions."""

import importlib

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_explain
from keras_explain import rules
from keras_explain.methods import LRP

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(3, 4)).astype("f4")


class RootMeanSquare(layers.Layer):
    """A normalization in each of the ways that models write it."""

    def __init__(self, way):
        super().__init__()
        self.way = way

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

    def call(self, x):
        squares = ops.mean(ops.power(x, 2), axis=-1, keepdims=True) + 1e-6
        if self.way == "rsqrt":
            return x * ops.rsqrt(squares) * self.scale
        if self.way == "reciprocal":
            return ops.multiply(x * ops.reciprocal(ops.sqrt(squares)), self.scale)
        return x / ops.sqrt(squares) * self.scale


class Gated(layers.Layer):
    def __init__(self, way):
        super().__init__()
        self.way = way
        self.gate = layers.Dense(5, use_bias=False, name="gate")
        self.up = layers.Dense(5, use_bias=False, name="up")
        self.down = layers.Dense(4, use_bias=False, name="down")

    def call(self, x):
        a, b = ops.silu(self.gate(x)), self.up(x)
        if self.way == "operator":
            product = a * b
        elif self.way == "function":
            product = ops.multiply(a, b)
        else:
            product = layers.Multiply()([a, b])
        return self.down(product)


def network(norm, gated):
    x = keras.Input((4,))
    norm = layers.RMSNormalization() if norm == "layer" else RootMeanSquare(norm)
    h = layers.Add()([x, Gated(gated)(norm(x))])
    model = keras.Model(x, layers.Dense(2, use_bias=False)(h))
    draw = np.random.default_rng(1)
    model.set_weights([draw.normal(size=w.shape) for w in model.get_weights()])
    return model


def relevance(model, target):
    """The same by the papers' formulas, in NumPy."""
    scale, gate, up, down, head = (w.astype("f8") for w in model.get_weights())
    x = X.astype("f8")
    h = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6) * scale
    a, b = h @ gate, h @ up
    p = a / (1 + np.exp(-a)) * b
    m = p @ down
    of_sum = (x + m) * head[:, target]
    of_m = of_sum * m / (x + m)
    of_p = p * ((of_m / m) @ down.T)
    half = of_p / 2  # silu passes its half on
    of_h = h * ((half / a) @ gate.T + (half / b) @ up.T)
    return of_sum * x / (x + m) + of_h  # the norm's scale is held: each value keeps its own


NORMS = ["rsqrt", "reciprocal", "sqrt", "layer"]
EXACT = rules.EpsilonEverywhere(epsilon=0.0)


@pytest.mark.parametrize("gated", ["operator", "function", "layer"])
@pytest.mark.parametrize("norm", NORMS)
def test_norms_and_gates_follow_the_formulas(norm, gated):
    model = network(norm, gated)
    found = keras_explain.explain(model, X, LRP(composite=EXACT), target=1)
    expected = relevance(model, 1)
    np.testing.assert_allclose(found["lrp"], expected, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(expected.sum(axis=1), model.predict(X, verbose=0)[:, 1], rtol=1e-4)
    assert np.abs(found["lrp/conservation"]).max() < 1e-4


class Scaled(layers.Layer):
    def build(self, shape):
        self.gamma = self.add_weight(shape=(shape[-1],), initializer="random_normal")

    def call(self, x):
        return x * self.gamma


def test_a_scale_of_each_channel_is_linear():
    model = keras.Sequential([keras.Input((4,)), Scaled(), layers.Dense(2, use_bias=False)])
    found = keras_explain.explain(model, X, LRP(composite=EXACT), target=0)["lrp"]
    gradient = keras_explain.explain(model, X, "gradient_times_input", target=0)
    np.testing.assert_allclose(found, gradient, rtol=1e-4, atol=1e-7)


class Turned(layers.Layer):
    """Rotates pairs of values, as rotary position embeddings do."""

    def call(self, x):
        first, second = ops.split(x, 2, axis=-1)
        turned = ops.reshape(ops.stack((-second, first), axis=-2), ops.shape(x))
        parts = ops.unstack(ops.tile(0.6 * x + 0.8 * turned, (1, 2)), 8, axis=1)
        return ops.stack(parts[:4], axis=1) + ops.stack(parts[4:], axis=1)


def test_what_only_moves_values_is_linear():
    model = keras.Sequential([keras.Input((4,)), Turned(), layers.Dense(2, use_bias=False)])
    found = keras_explain.explain(model, X, LRP(composite=EXACT), target=0)["lrp"]
    gradient = keras_explain.explain(model, X, "gradient_times_input", target=0)
    np.testing.assert_allclose(found, gradient, rtol=1e-4, atol=1e-7)
    assert np.abs(gradient).max() > 0


class Curved(layers.Layer):
    def call(self, x):
        return ops.sin(x)


def test_what_no_rule_is_for_is_still_named():
    model = keras.Sequential([keras.Input((4,)), Scaled(), Curved(name="bend"), layers.Dense(2)])
    with pytest.raises(ValueError, match="no rule for layer 'bend'"):
        keras_explain.explain(model, X, "lrp", target=0)


def test_convnext_with_its_own_layers():
    convnext = importlib.import_module("keras.src.applications.convnext")
    x = keras.Input((8, 8, 3))
    h = layers.Conv2D(4, 4, strides=4)(x)
    inner = layers.Dense(4)(layers.Activation("gelu")(layers.Dense(8)(h)))
    inner = convnext.StochasticDepth(0.5)(convnext.LayerScale(1.0, 4)(inner))
    h = layers.GlobalAveragePooling2D()(layers.Add()([h, inner]))
    model = keras.Model(x, layers.Dense(3)(h))
    images = DRAW.random((2, 8, 8, 3)).astype("f4")
    found = keras_explain.explain(model, images, LRP(composite=EXACT), target=0)
    assert np.abs(found["lrp"]).max() > 0
    assert np.abs(found["lrp/conservation"]).max() < 1e-4  # no bias is other than zero


def normalized_network():
    x = keras.Input((10, 10, 3))
    h = layers.ReLU(max_value=6.0)(layers.BatchNormalization()(layers.Conv2D(6, 3)(x)))
    # Of inputs that are all zero, an output's relevance has nowhere to go.
    h = layers.BatchNormalization()(layers.Conv2D(8, 3, use_bias=False)(h))
    h = layers.SeparableConv2D(6, 3)(h)
    h = layers.LayerNormalization()(layers.GlobalAveragePooling2D()(h))
    model = keras.Model(x, layers.Dense(3)(h))
    draw = np.random.default_rng(2)
    for weight in model.weights:
        values = draw.normal(0.1, 0.5, weight.shape)
        weight.assign(np.abs(values) if "variance" in weight.path else values)
    return model


IMAGES = np.random.default_rng(3).random((3, 10, 10, 3)).astype("f4")


@pytest.mark.parametrize("composite", ["epsilon", "epsilon_plus", "epsilon_gamma"])
def test_without_biases_relevance_is_conserved(composite):
    model = normalized_network()
    lost = {
        bias: np.abs(
            keras_explain.explain(model, IMAGES, LRP(composite=composite, bias=bias), target=0)[
                "lrp/conservation"
            ]
        )
        for bias in ("keep", "none")
    }
    assert lost["keep"].min() > 1e-2  # there is something to lose
    assert lost["none"].max() < 1e-4


@pytest.mark.parametrize("composite", ["epsilon", "epsilon_plus"])
def test_biases_get_nothing_by_the_formula(composite):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    draw = np.random.default_rng(4)
    kernel, bias = draw.normal(size=(4, 3)), draw.normal(size=3)
    model.set_weights([kernel, bias])
    found = keras_explain.explain(model, X, LRP(composite=composite, bias="none"), target=2)["lrp"]
    products = X * kernel[:, 2]
    sizes = np.abs(products) / np.abs(products).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, products + bias[2] * sizes, rtol=1e-4, atol=1e-5)


def test_another_word_for_bias_is_refused():
    with pytest.raises(ValueError, match="`bias` must be one of keep, none. Received: 'off'"):
        LRP(bias="off")


@pytest.mark.live
@pytest.mark.parametrize("family", ["GPT2", "Llama", "Gemma", "Bert"])
def test_language_models_of_keras_hub(family):
    hub = pytest.importorskip("keras_hub")
    heads = {"num_query_heads": 2, "num_key_value_heads": 1}
    longest = {"num_heads": 2, "max_sequence_length": 16}
    gemma = {"head_dim": 4} if family == "Gemma" else {}
    backbone = getattr(hub.models, f"{family}Backbone")(
        vocabulary_size=30, num_layers=2, hidden_dim=8, intermediate_dim=32,
        **(heads if family in ("Llama", "Gemma") else longest), **gemma,
    )  # fmt: skip
    draw = np.random.default_rng(5)
    for weight in backbone.weights:
        weight.assign(weight + draw.normal(0, 0.3, weight.shape))
    output = backbone.output
    output = output["sequence_output"] if isinstance(output, dict) else output
    # The last token of a causal model sees all before it.
    model = keras.Model(backbone.inputs, layers.Dense(3)(output[:, -1]))
    ids = draw.integers(1, 30, (2, 6)).astype("int32")
    x = {"token_ids": ids, "padding_mask": np.ones_like(ids)}
    if family == "Bert":
        x["segment_ids"] = np.zeros_like(ids)
    method = LRP(layer="token_embedding", composite="epsilon", bias="none")
    found = keras_explain.explain(model, x, method, target=1)
    (maps,) = (v for k, v in found.items() if not k.endswith("conservation"))
    assert maps.shape == (2, 6, 8)
    assert np.isfinite(maps).all()
    assert (np.abs(maps).sum(axis=-1) > 0).all()
