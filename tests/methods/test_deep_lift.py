"""DeepLIFT: the paper's examples, other implementations, and the sum over every kind of model."""

import importlib.util

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import DeepLIFT
from keras_explain.multipliers import along_path, register_rule, value_by_value
from keras_explain.multipliers.layers import _registry
from tests.agreement import agrees
from tests.reference.rules_reference import ACTIVATIONS, TABLE, attributions, weights

RNG = np.random.default_rng(21)
RULES = ("rescale", "reveal_cancel")
IMAGES = RNG.normal(size=(4, 8, 8, 3)).astype("f4")
TINY = 1e-9
SERIES = RNG.normal(size=(4, 6, 5)).astype("f4")


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(4)


def lifted(model, x, baseline=0.0, rule="rescale", target=0, **options):
    method = DeepLIFT(baseline=baseline, rule=rule, **options)
    return keras_explain.explain(model, x, method, target=target)


def dense(*weights_and_biases, activation="relu"):
    """A dense network with the given weights, and an activation after all but the last layer."""
    sizes = [np.shape(kernel)[1] for kernel, _ in weights_and_biases]
    model = keras.Sequential(
        [
            keras.Input((np.shape(weights_and_biases[0][0])[0],)),
            *(layers.Dense(size, activation=activation) for size in sizes[:-1]),
            layers.Dense(sizes[-1]),
        ]
    )
    model.set_weights([np.array(w, "f4") for pair in weights_and_biases for w in pair])
    return model


# The paper's examples.


def test_a_saturated_unit_still_counts():
    # 1 - relu(1 - a - b) is 1 from a + b = 1 on, with a gradient of zero (figure 1).
    model = dense(([[-1], [-1]], [1]), ([[-1]], [1]))
    found = lifted(model, np.array([[1, 1], [2, 1]], "f4"))
    agrees("deep_lift", "closed form", found["deep_lift"], [[0.5, 0.5], [2 / 3, 1 / 3]])


def test_a_jump_at_a_threshold_is_shared():
    # relu(a - 10): gradient times input says 10 + epsilon and a bias of -10 (figure 2).
    model = dense(([[1]], [-10]), ([[1]], [0]))
    found = lifted(model, np.array([[10.5], [9.5], [12]], "f4"))
    agrees("deep_lift", "closed form", found["deep_lift"], [[0.5], [0], [2]])


@pytest.mark.parametrize("a", [3.0, 5.0, 7.0])
def test_reveal_cancel_shares_a_minimum(a):
    # min(a, b) = a - relu(a - b). Rescale gives all of it to the smaller (section 3.4).
    model = dense(([[1, 1], [-1, 0]], [0, 0]), ([[-1], [1]], [0]))
    x, least = np.array([[a, 4.0]], "f4"), min(a, 4.0)
    found = lifted(model, x, rule="reveal_cancel")
    agrees("deep_lift", "closed form", found["deep_lift"], [[least / 2, least / 2]])
    rescaled = lifted(model, x)["deep_lift"]
    np.testing.assert_allclose(rescaled, [[least, 0]] if a < 4 else [[0, least]], atol=1e-6)


def test_reveal_cancel_shares_an_and():
    # relu(a + b - 1) of two bits is their AND; so is a sum of them that has to beat a veto.
    model = dense(([[1], [1]], [-1]), ([[1]], [0]))
    found = lifted(model, np.array([[1, 1]], "f4"), rule="reveal_cancel")
    agrees("deep_lift", "closed form", found["deep_lift"], [[0.5, 0.5]])
    # relu(a - b) at a = b = 1: nothing comes out, but each of the two on its own matters.
    model = dense(([[1], [-1]], [0]), ([[1]], [0]))
    found = lifted(model, np.array([[1, 1]], "f4"), rule="reveal_cancel")
    agrees("deep_lift", "closed form", found["deep_lift"], [[0.5, -0.5]])
    assert not lifted(model, np.array([[1, 1]], "f4"))["deep_lift"].any()


def test_a_product_is_shared_alike():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    model = keras.Model([a, b], layers.Dense(1, use_bias=False)(layers.Multiply()([a, b])))
    model.set_weights([np.ones((3, 1))])
    x = [RNG.normal(size=(4, 3)).astype("f4") for _ in range(2)]
    found = lifted(model, x, {"a": 0.0, "b": 1.0})
    # d(a b) = da mean(b) + mean(a) db
    agrees("deep_lift", "closed form", found["deep_lift/a"], x[0] * (x[1] + 1) / 2)
    agrees("deep_lift", "closed form", found["deep_lift/b"], x[0] / 2 * (x[1] - 1))


# Other implementations.


def reveal_cancel_by_hand(x, x0, parameters, function):
    """Equations 5 to 12 for a dense network, one row and unit at a time."""
    seen, z, z0 = [], x, x0
    for kernel, bias in parameters[:-1]:
        before, before0 = z @ kernel + bias, z0 @ kernel + bias
        seen.append((z - z0, kernel, before0))
        z, z0 = function(before), function(before0)
    multipliers = parameters[-1][0][:, 0]
    for difference, kernel, start in seen[::-1]:
        contributions = difference[:, None] * kernel
        up = np.where(contributions > 0, contributions, 0).sum(axis=0) + TINY
        down = np.where(contributions < 0, contributions, 0).sum(axis=0) - TINY
        f = function
        of_up = (f(start + up) - f(start) + f(start + down + up) - f(start + down)) / 2
        of_down = (f(start + down) - f(start) + f(start + up + down) - f(start + up)) / 2
        rates = np.where(contributions > 0, of_up / up, of_down / down)
        # What does not differ belongs half to either.
        rates = np.where(contributions == 0, (of_up / up + of_down / down) / 2, rates)
        multipliers = (kernel * rates) @ multipliers
    return multipliers * (x - x0)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_reveal_cancel_agrees_with_numpy(activation):
    function = {
        "relu": lambda z: np.maximum(z, 0),
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "tanh": np.tanh,
    }[activation]
    shapes = (6, 8), (8, 5), (5, 1)
    parameters = [(RNG.normal(size=s) / 2, RNG.normal(size=s[1]) / 2) for s in shapes]
    x, x0 = RNG.normal(size=(2, 5, 6))
    model = dense(*parameters, activation=activation)
    found = lifted(model, x.astype("f4"), x0.astype("f4"), "reveal_cancel")["deep_lift"]
    expected = [reveal_cancel_by_hand(*ends, parameters, function) for ends in zip(x, x0)]  # noqa: B905
    agrees("deep_lift", "NumPy (reveal-cancel)", found, expected)


def test_reveal_cancel_sees_through_batch_normalisation():
    kernel, last = RNG.normal(size=(5, 4)), RNG.normal(size=(4, 1))
    bias, gamma, beta, mean = RNG.normal(size=(4, 4))
    variance = RNG.uniform(0.5, 2, 4)
    normal = layers.BatchNormalization(epsilon=0.0)
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(4), normal, layers.ReLU(), layers.Dense(1)]
    )
    model.layers[0].set_weights([kernel, bias])
    normal.set_weights([gamma, beta, mean, variance])
    model.layers[3].set_weights([last, np.zeros(1)])
    scale = gamma / np.sqrt(variance)
    folded = dense((kernel * scale, (bias - mean) * scale + beta), (last, [0]))
    x = RNG.normal(size=(3, 5)).astype("f4")
    found, expected = (lifted(m, x, 0.2, "reveal_cancel")["deep_lift"] for m in (model, folded))
    assert np.abs(lifted(model, x, 0.2)["deep_lift"] - expected).max() > 1e-2
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def max_pool_by_hand(x, x0, kernel):
    """A maximum of pairs, then a dense layer: where each gain and each loss comes from."""
    found = np.zeros_like(x)
    for row in range(len(x)):
        for window, weight in enumerate(kernel):
            at = slice(2 * window, 2 * window + 2)
            most, most0 = x[row, at].max(), x0[row, at].max()
            highest = max(most, most0)
            found[row, 2 * window + x[row, at].argmax()] += (highest - most0) * weight
            found[row, 2 * window + x0[row, at].argmax()] += (most - highest) * weight
    return found


@pytest.mark.parametrize("pool", ["layer", "ops.max", "ops.maximum", "minimum"])
def test_maxima_agree_with_numpy(pool):
    x = inputs = keras.Input((8, 1))
    if pool == "layer":
        x = layers.MaxPooling1D(2)(x)
    elif pool == "ops.max":
        x = ops.max(ops.reshape(x, (-1, 4, 2)), axis=-1)
    elif pool == "ops.maximum":
        x = ops.maximum(x[:, ::2], x[:, 1::2])
    else:
        x = -ops.minimum(-x[:, ::2], -x[:, 1::2])
    model = keras.Model(inputs, layers.Dense(1, use_bias=False)(layers.Flatten()(x)))
    kernel = RNG.normal(size=4)
    model.set_weights([kernel[:, None]])
    ends = RNG.normal(size=(2, 5, 8)).astype("f4")
    found = lifted(model, ends[0, ..., None], ends[1, ..., None])["deep_lift"][..., 0]
    agrees("deep_lift", "NumPy (maxima)", found, max_pool_by_hand(*ends, kernel))


def convolutional(given, activation="relu"):
    model = keras.Sequential(
        [
            keras.Input((12, 12, 2)),
            layers.Conv2D(6, 3, activation=activation, name="first"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, activation=activation),
            layers.Flatten(),
            layers.Dense(10, activation=activation),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.set_weights([given[f"{kind}{n}"] for n in range(1, 5) for kind in ("kernel", "bias")])
    return model


def assert_agrees(given, expected, activation):
    model = convolutional(given, activation)
    found = lifted(model, given["inputs"], given["baseline"], target=given["targets"])
    agrees("deep_lift", "Captum", found["deep_lift"], expected)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_agrees_with_the_table_of_captum(activation):
    table = dict(np.load(TABLE))
    assert_agrees(table, table[f"captum/deep_lift/{activation}"], activation)


@pytest.mark.live
@pytest.mark.skipif(not importlib.util.find_spec("captum"), reason="captum is not installed")
def test_agrees_with_captum_on_new_weights():
    given = weights(seed=5)
    expected = attributions(given)
    for activation in ("relu", "tanh"):
        assert_agrees(given, expected[f"deep_lift/{activation}"], activation)


# Completeness.


def residual(x):
    for _ in range(2):
        before = x
        x = layers.BatchNormalization()(layers.Conv2D(3, 3, padding="same")(x))
        x = ops.relu(layers.Add()([x, before]))
    return layers.GlobalAveragePooling2D()(x)


def gated(x):
    x = layers.Conv2D(6, 3, activation="gelu")(x)
    gate = layers.Dense(6, activation="sigmoid")(layers.GlobalMaxPooling2D(keepdims=True)(x))
    x = layers.MaxPooling2D()(x * gate / (2 + ops.square(gate)))
    return layers.Dense(5, activation="mish")(layers.Flatten()(x))


def separable(x):
    x = layers.SeparableConv2D(6, 3, activation="elu")(x)
    x = layers.GroupNormalization(3)(layers.DepthwiseConv2D(3, activation="silu")(x))
    x = layers.PReLU()(layers.Conv2DTranspose(4, 3, strides=2)(x))
    return layers.Flatten()(layers.Softmax(axis=[1, 2])(x))


def transformer(x, causal=False, dropout=0.0):
    normal = layers.LayerNormalization()(x)
    mixed = layers.MultiHeadAttention(2, 4, dropout=dropout)(normal, normal, use_causal_mask=causal)
    x = layers.Add()([x, mixed])
    x = x + layers.Dense(5)(layers.Dense(9, activation="gelu")(layers.RMSNormalization()(x)))
    return layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))


def other_attention(x):
    x = layers.Attention()([layers.Dense(5)(x), x]) + layers.AdditiveAttention()([x, x])
    x = layers.UnitNormalization()(layers.GroupQueryAttention(4, 4, 2)(x, x))
    return layers.GlobalMaxPooling1D()(layers.TimeDistributed(layers.Dense(5, "tanh"))(x))


def functions(x):
    x = layers.Dense(6)(x)
    a, b = ops.split(x, 2, axis=-1)
    x = ops.exp(0.3 * a) + ops.sin(b) * ops.abs(a) + ops.log(1 + ops.square(b))
    x = ops.concatenate([x, ops.glu(layers.Dense(4)(x)), ops.log_softmax(x), a**3], axis=-1)
    rest = [ops.logsumexp(x, axis=1), ops.var(x, axis=1), ops.clip(x[:, 0], -0.5, 0.5)]
    return ops.concatenate([*rest, ops.min(x, axis=1), 1 / (3 + ops.tanh(x[:, 1]))], axis=-1)


NETWORKS = {
    "residual": (residual, IMAGES), "gated": (gated, IMAGES), "separable": (separable, IMAGES),
    "transformer": (transformer, SERIES), "other attention": (other_attention, SERIES),
    "causal": (lambda x: transformer(x, causal=True, dropout=0.1), SERIES),
    "functions": (functions, SERIES),
}  # fmt: skip


def network(name):
    body, x = NETWORKS[name]
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(body(inputs)))
    for weight in model.weights:
        if any(word in weight.path for word in ("gamma", "moving_variance", "scale")):
            weight.assign(RNG.uniform(0.5, 1.5, weight.shape))
        elif len(weight.shape) == 1:
            weight.assign(RNG.normal(size=weight.shape) / 3)
    return model, x


@pytest.mark.parametrize(
    ("name", "rule"),
    [(name, "rescale") for name in NETWORKS]
    + [(name, "reveal_cancel") for name in ("residual", "gated", "transformer")],
)
def test_it_is_complete(name, rule):
    model, x = network(name)
    baseline = RNG.normal(size=x.shape[1:]).astype("f4") / 3
    found = lifted(model, x, baseline, rule, target=[0, 1, 2, 0])
    last = model.layers[-1]
    before = keras.Model(model.inputs[0], last.input)
    kernel, bias = last.get_weights()
    ends = [np.asarray(before(at)) @ kernel + bias for at in (x, baseline[None])]
    gained = (ends[0] - ends[1])[np.arange(4), [0, 1, 2, 0]]
    sums = found["deep_lift"].sum(axis=tuple(range(1, x.ndim)))
    np.testing.assert_allclose(sums, gained, atol=1e-4 * np.abs(gained).max())
    assert np.abs(found["deep_lift/gap"]).max() < 1e-4


@pytest.mark.parametrize("rule", RULES)
def test_an_unused_input_has_none_and_the_others_beside_do_not_matter(rule):
    parameters = [(RNG.normal(size=s), RNG.normal(size=s[1])) for s in ((4, 6), (6, 2))]
    parameters[0][0][2] = 0
    x = RNG.normal(size=(5, 4)).astype("f4")
    found = lifted(dense(*parameters), x, rule=rule)["deep_lift"]
    assert not found[:, 2].any()
    assert found[:, 1].all()
    alone = lifted(dense(*parameters), x[3:4], rule=rule)["deep_lift"]
    np.testing.assert_allclose(found[3:4], alone, rtol=1e-5, atol=1e-6)


def test_token_ids_are_explained_at_their_embedding():
    ids = keras.Input((7,), dtype="int32")
    x = layers.Embedding(12, 4, mask_zero=True, name="words")(ids)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 3)(x, x))
    model = keras.Model(ids, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))
    x = RNG.integers(0, 12, (4, 7))
    found = lifted(model, x, target=1)
    assert found["deep_lift/words"].shape == (4, 7, 4)
    assert np.abs(found["deep_lift/gap"]).max() < 1e-4


@pytest.mark.parametrize("rule", RULES)
def test_it_lies_on_a_layer_if_one_is_named(rule):
    given = weights()
    model = convolutional(given)
    found = lifted(model, given["inputs"], rule=rule, layer="first", target=2)
    again = lifted(model, given["inputs"], rule=rule, layer="first", target=2)
    np.testing.assert_array_equal(again["deep_lift/first"], found["deep_lift/first"])
    assert found["deep_lift/first"].shape == (5, 10, 10, 6)
    assert np.abs(found["deep_lift/gap"]).max() < 1e-4


# What has no rule.


def test_what_has_no_rule_is_named():
    recurrent = keras.Sequential(
        [keras.Input((6, 5)), layers.LSTM(4, name="memory"), layers.Dense(2)]
    )
    with pytest.raises(ValueError, match=r"without a rule: .*/memory"):
        lifted(recurrent, SERIES)
    own = layers.Lambda(lambda x: tf.sin(x) + x, name="own")
    model = keras.Sequential([keras.Input((6, 5)), own, layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"register_rule.* without a rule: Sin \(.*own"):
        lifted(model, SERIES)
    linear = layers.Lambda(lambda x: 2 * x[:, 1:] - 1)
    model = keras.Sequential([keras.Input((6, 5)), linear, layers.Flatten(), layers.Dense(2)])
    assert np.abs(lifted(model, SERIES)["deep_lift/gap"]).max() < 1e-5


class Gate(keras.layers.Layer):
    """A layer whose product is not seen."""

    def call(self, x):
        return x * tf.sigmoid(x)


def test_a_rule_of_one_s_own(monkeypatch):
    monkeypatch.setattr("keras_explain.multipliers.layers._registry", _registry.copy())
    memory = layers.SimpleRNN(4)
    model = keras.Sequential([keras.Input((3, 5)), memory, Gate(), layers.Dense(2)])
    with pytest.raises(ValueError, match="Mul"):
        lifted(model, SERIES[:, :3])
    register_rule(layers.SimpleRNN, along_path(points=16))
    register_rule(Gate, value_by_value)
    found = lifted(model, SERIES[:, :3] / 2, 0.2)
    assert np.abs(found["deep_lift/gap"]).max() < 1e-4


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`rule` must be one of rescale, reveal_cancel"):
        DeepLIFT(rule="linear")
    with pytest.raises(ValueError, match=r"`baseline` must broadcast to \(4, 8, 8, 3\)"):
        lifted(network("residual")[0], IMAGES, [1.0, 2.0])


def test_a_training_keeps_it(tmp_path):
    given = weights()
    model = convolutional(given)
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = given["inputs"], given["targets"]
    callback = Explain(tmp_path, (x, y), [DeepLIFT(baseline=0.1)])
    model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    expected = lifted(model, x, 0.1, target=y)["deep_lift"]
    size = np.abs(expected).max()
    np.testing.assert_allclose(run.load("deep_lift", 1), expected, atol=2e-3 * size)
    assert np.abs(run.load("deep_lift", 0) - run.load("deep_lift", 1)).max() > 0
    assert np.abs(run.load("deep_lift/gap", 1)).max() < 1e-4
