"""DeepLIFT sums to the change of the score, in models of every kind; what it cannot is named."""

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
from tests.methods.lifted import IMAGES, RNG, RULES, SERIES, begin, convolutional, dense, lifted
from tests.reference.rules_reference import weights


@pytest.fixture(autouse=True)
def same_weights():
    begin()


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
    with pytest.raises(ValueError, match="without a rule: .*simple_rnn"):
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
