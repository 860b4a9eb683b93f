"""LRP: relevance is conserved in models of every kind, and what has no rule is named.

The rules themselves are in tests/rules, the agreement with zennit in test_lrp_zennit.
"""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import LRP
from keras_explain.rules import (
    ByLayer,
    Epsilon,
    EpsilonEverywhere,
    EpsilonGammaBox,
    EpsilonPlus,
    Flat,
    Gradient,
    LayerRule,
    Pass,
    Z,
    register_rule,
    with_gradient,
)
from tests.agreement import agrees

RNG = np.random.default_rng(21)


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(4)


def images(*shape):
    return RNG.normal(size=(3, *(shape or (8, 8, 3)))).astype("f4")


def explained(model, x, layer=None, **options):
    return keras_explain.explain(model, x, LRP(layer=layer, **options), target=0)


def relevance(model, x, **options):
    found = explained(model, x, **options)
    return next(array for key, array in found.items() if key != "lrp/conservation")


def assert_conserves(model, x, within=1e-4, **options):
    found = explained(model, x, **options)
    lost = found.pop("lrp/conservation")
    assert all(np.isfinite(array).all() for array in found.values())
    assert np.abs(lost).max() < within
    for array in found.values():
        assert np.abs(array).max() > 0
    return found


# Layers: each stands in a network without biases, which hands all of its score back.

CHAINS = {
    "convolutions": (
        (8, 8, 3),
        [
            layers.ZeroPadding2D(1),
            layers.Conv2D(6, 3, activation="relu"),
            layers.Cropping2D(1),
            layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
            layers.LeakyReLU(),
            layers.MaxPooling2D(2),
            layers.UpSampling2D(2),
            layers.SeparableConv2D(5, 3, activation="silu"),
            layers.Conv2DTranspose(4, 2, strides=2),
            layers.AveragePooling2D(2),
            layers.GlobalMaxPooling2D(),
        ],
    ),
    "series": (
        (12, 4),
        [
            layers.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="elu"),
            layers.SeparableConv1D(6, 3),
            layers.PReLU(),
            layers.DepthwiseConv1D(3, activation="tanh"),
            layers.SpatialDropout1D(0.3),
            layers.Conv1DTranspose(4, 3, activation="gelu"),
            layers.TimeDistributed(layers.Dense(5, activation="selu")),
            layers.Permute((2, 1)),
            layers.GlobalAveragePooling1D(),
        ],
    ),
    "volumes": (
        (5, 6, 5, 2),
        [
            layers.Conv3D(4, 3, activation="relu", padding="same"),
            layers.MaxPooling3D(2),
            layers.ReLU(6.0),
            layers.Reshape((-1,)),
            layers.RMSNormalization(),
            layers.Dropout(0.5),
        ],
    ),
    "normalised": (
        (8, 8, 4),
        [
            layers.GroupNormalization(2, center=False),
            layers.Conv2D(6, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.LayerNormalization(center=False),
            layers.UnitNormalization(),
            layers.Dense(7, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("mish"),
        ],
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_relevance_is_conserved(name):
    shape, chain = CHAINS[name]
    again = [layer.__class__.from_config(layer.get_config()) for layer in chain]
    model = keras.Sequential([keras.Input(shape), *again, layers.Dense(3, activation="softmax")])
    for weight in model.weights:
        if weight.name in ("gamma", "moving_variance"):
            weight.assign(RNG.uniform(0.5, 1.5, weight.shape))
    composites = [EpsilonEverywhere(1e-12)]
    if name in ("volumes", "normalised"):  # behind a ReLU something speaks for each output
        composites += [EpsilonPlus(1e-12, 1e-12)]
    for composite in composites:
        assert_conserves(model, images(*shape), composite=composite)


def test_without_biases_and_epsilon_it_is_gradient_times_input():
    shape, chain = CHAINS["convolutions"]
    chain = [layers.ReLU() if "Leaky" in type(one).__name__ else one for one in chain[:7]]
    again = [layer.__class__.from_config(layer.get_config()) for layer in chain]
    model = keras.Sequential([keras.Input(shape), *again, layers.Flatten(), layers.Dense(2)])
    x = images()
    expected = keras_explain.explain(model, x, "gradient_times_input", target=0)
    agrees("lrp", "gradient x input", relevance(model, x, composite=EpsilonEverywhere(0)), expected)


def test_channels_may_come_first():
    last = keras.Sequential(
        [keras.Input((6, 7, 4)), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    )
    x = images(6, 7, 4)
    expected = relevance(last, x, composite="epsilon")
    first = keras.Sequential(
        [
            keras.Input((4, 6, 7)),
            layers.DepthwiseConv2D(1, data_format="channels_first", use_bias=False, name="same"),
            layers.BatchNormalization(axis=1, epsilon=0, name="norm"),
            layers.GlobalAveragePooling2D(data_format="channels_first"),
            layers.Dense(2),
        ]
    )
    scale = np.array([0.5, 2, 1, -1])
    first.get_layer("same").set_weights([1 / scale.reshape(1, 1, 4, 1)])
    first.get_layer("norm").gamma.assign(scale)
    first.layers[-1].set_weights(last.layers[-1].get_weights())
    found = relevance(first, x.transpose(0, 3, 1, 2), composite="epsilon")
    np.testing.assert_allclose(found.transpose(0, 2, 3, 1), expected, atol=1e-6)


# Models.


def mobile_net():
    model = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, classes=4)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.0
    model(images(32, 32, 3), training=True)  # so that activations neither die nor explode
    for weight in model.weights:
        if weight.name == "moving_mean":
            weight.assign(ops.zeros_like(weight))
    return model


def test_mobile_net_conserves_relevance():
    composite = EpsilonEverywhere(1e-9)
    found = assert_conserves(mobile_net(), images(32, 32, 3), composite=composite)
    assert found["lrp"].shape == (3, 32, 32, 3)


class Residual(keras.Model):
    """A subclassed model with a shared layer and sums outside of layers."""

    def __init__(self):
        super().__init__()
        self.stem = layers.Conv2D(4, 3, padding="same", activation="relu")
        self.block = keras.Sequential(
            [layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()]
        )
        self.out = layers.Dense(3)

    def call(self, x):
        x = self.stem(x)
        for _ in range(2):
            x = ops.relu(self.block(x) + x)
        return self.out(ops.mean(x, axis=(1, 2)))


class Functional:
    """The same of layers alone."""

    def __new__(cls, model):
        x = inputs = keras.Input((8, 8, 3))
        x = model.stem(x)
        for _ in range(2):
            x = layers.ReLU()(layers.Add()([model.block(x), x]))
        return keras.Model(inputs, model.out(layers.GlobalAveragePooling2D()(x)))


@pytest.mark.parametrize(
    "composite", ["epsilon_plus_flat", "epsilon_gamma", EpsilonGammaBox(-5, 5)]
)
def test_sums_outside_of_layers_and_shared_layers_are_right(composite):
    model, x = Residual(), images()
    model(x)
    found = assert_conserves(model, x, composite=composite)["lrp"]
    expected = relevance(Functional(model), x, composite=composite)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_nested_models_are_looked_into():
    inner = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(5, 3, use_bias=False, name="conv")], name="inner"
    )
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            inner,
            layers.BatchNormalization(name="norm"),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    x = images()
    for scale in (1.0, -2.0):
        # Folded, a scale is the same as other weights.
        model.get_layer("norm").gamma.assign(np.full(5, scale))
        folded = relevance(model, x, composite="epsilon_plus")
        twin = keras.models.clone_model(model)
        kernel = scale / np.sqrt(1.001) * inner.layers[0].kernel
        twin.set_weights([kernel, np.ones(5), *model.get_weights()[2:]])
        twin.get_layer("norm").moving_variance.assign(np.full(5, 1 - 1e-3))
        np.testing.assert_allclose(folded, relevance(twin, x), atol=1e-5)
    found = relevance(model, x, composite={"inner/conv": Flat(), "norm": Pass()})
    assert_conserves(model, x, composite={"conv": Flat()})
    assert np.abs(found - relevance(model, x)).max() > 1e-3


def test_a_layer_s_relevance_is_found_and_conserved():
    model, x = Functional(Residual()), images()
    sums = [layer for layer in model.layers if isinstance(layer, layers.Add | layers.ReLU)]
    for layer in [model.layers[1], *sums, *model.layers[-2:]]:
        found = assert_conserves(model, x, layer=layer.name)[f"lrp/{layer.name}"]
        assert found.shape == (3, *layer.output.shape[1:])
    with_first = explained(model, x, layer=model.layers[1].name, composite="epsilon_plus_flat")
    assert np.abs(with_first["lrp/conservation"]).max() < 1e-4


def test_several_inputs_share_the_relevance():
    a, b = keras.Input((6,), name="a"), keras.Input((4,), name="b")
    both = layers.Concatenate()([a, layers.Rescaling(2.0)(b)])
    product = layers.Multiply()([layers.Dense(5, activation="tanh")(both), layers.Dense(5)(a)])
    model = keras.Model([a, b], layers.Dense(2)(product))
    x = [images(6), images(4)]
    for composite in ("epsilon", "epsilon_plus_flat"):
        found = assert_conserves(model, x, composite=composite)
        assert set(found) == {"lrp/a", "lrp/b"}


def test_factors_share_alike():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    total = layers.Dense(1, use_bias=False, name="total")
    model = keras.Model([a, b], total(layers.Multiply()([a, b])))
    total.set_weights([np.ones((3, 1))])
    x = [images(3), images(3)]
    found = explained(model, x, composite="epsilon")
    for name in "ab":
        agrees("lrp", "closed form", found[f"lrp/{name}"], x[0] * x[1] / 2)


# The first layer.


def preprocessed(padding=1):
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Rescaling(-1 / 100, offset=0.3),
            layers.ZeroPadding2D(padding),
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(3, use_bias=False),
        ]
    )


@pytest.mark.parametrize("composite", ["epsilon", "epsilon_plus_flat", EpsilonGammaBox(0, 255)])
def test_what_is_done_to_the_inputs_first_loses_no_relevance(composite):
    model = preprocessed()
    x = RNG.integers(0, 256, (3, 8, 8, 3)).astype("f4")
    x[:, 3:5] = 0
    found = assert_conserves(model, x, composite=composite)["lrp"]
    assert np.abs(found[:, 3:5]).max() > 0  # black is not nothing
    # The same as for the numbers that the convolution sees.
    inner = keras.Sequential([keras.Input((10, 10, 3)), *model.layers[2:]])
    ends = (255 / -100 + 0.3, 0.3)
    given = EpsilonGammaBox(*ends) if isinstance(composite, EpsilonGammaBox) else composite
    x = np.pad(x / -100 + np.float32(0.3), ((0, 0), (1, 1), (1, 1), (0, 0)))
    if composite == "epsilon":
        expected = relevance(inner, x, composite=given)[:, 1:-1, 1:-1]
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_a_box_may_be_given_for_each_value():
    model, x = preprocessed(), RNG.uniform(0, 255, (3, 8, 8, 3)).astype("f4")
    low, high = np.zeros(3), np.full((8, 8, 3), 255.0)
    found = relevance(model, x, composite=EpsilonGammaBox(low, high))
    expected = relevance(model, x, composite=EpsilonGammaBox(0, 255))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "composite", ["epsilon_plus", "epsilon_plus_flat", EpsilonGammaBox(0, 255)]
)
def test_mixed_precision_finds_the_same(composite):
    x = RNG.uniform(0, 255, (3, 8, 8, 3)).astype("f4")
    found = []
    for policy in ("float32", "mixed_bfloat16"):
        keras.utils.set_random_seed(4)
        keras.config.set_dtype_policy(policy)
        try:
            model = preprocessed()
        finally:
            keras.config.set_dtype_policy("float32")
        found.append(relevance(model, x, composite=composite))
    assert np.abs(found[1] - found[0]).max() < 0.05 * np.abs(found[0]).max()


# Attention and token ids.


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("dropout", [0.0, 0.1])  # fused, and in steps
def test_attention_is_attn_lrp(dropout):
    x = images(6, 5)
    inputs = keras.Input((6, 5))
    attention = layers.MultiHeadAttention(1, 4, use_bias=False, dropout=dropout, name="mha")
    y = layers.LayerNormalization(center=False, epsilon=1e-9, name="norm")(
        attention(inputs, inputs)
    )
    last = layers.Dense(1, use_bias=False)
    model = keras.Model(inputs, last(layers.Flatten()(y)))
    gamma = RNG.uniform(0.5, 2, 5)
    model.get_layer("norm").gamma.assign(gamma)
    # In the order of Keras: query, key, value, output.
    wq, wk, wv, wo = (np.asarray(w, "f8").reshape(w.shape[0], -1) for w in attention.get_weights())
    wo = np.asarray(attention.get_weights()[3], "f8").reshape(4, 5)

    found = relevance(model, x, composite=EpsilonEverywhere(1e-12))
    for one, expected in zip(found, x.astype("f8"), strict=True):
        q, k, v = expected @ wq, expected @ wk, expected @ wv
        s = q @ k.T / 2
        a = softmax(s)
        o = a @ v
        y = o @ wo
        scale = gamma / y.std(axis=1, keepdims=True)
        centred = (y - y.mean(axis=1, keepdims=True)) * scale
        r = centred * np.asarray(last.kernel, "f8").reshape(6, 5)
        # Normalisation, its scale held: output j gets (1 - 1/5) of input j and -1/5 of the others.
        mixes = (np.eye(5) - 1 / 5)[None] * scale[:, None, :]
        r_y = y * np.einsum("tij,tj->ti", mixes, r / centred)
        r_o = o * ((r_y / y) @ wo.T)
        r_a = np.einsum("ts,sc,tc->ts", a, v, r_o / o) / 2
        r_v = np.einsum("ts,sc,tc->sc", a, v, r_o / o) / 2
        r_s = s * (r_a - a * r_a.sum(axis=1, keepdims=True))
        r_q = np.einsum("td,sd,ts->td", q, k, r_s / (2 * s)) / 2
        r_k = np.einsum("td,sd,ts->sd", q, k, r_s / (2 * s)) / 2
        r_x = sum(
            expected * ((r / z) @ w.T) for r, z, w in ((r_q, q, wq), (r_k, k, wk), (r_v, v, wv))
        )
        np.testing.assert_allclose(r_a.sum() + r_v.sum(), r_o.sum())
        agrees("lrp", "NumPy", one, r_x)


def encoder(flavour="functional"):
    ids = keras.Input((7,), dtype="int32")
    x = layers.Embedding(20, 8, name="words")(ids)
    if flavour == "plain":
        y = layers.Attention()([x, x])
    elif flavour == "added":
        y = layers.AdditiveAttention()([x, x])
    elif flavour == "grouped":
        y = layers.GroupQueryAttention(4, 4, 2)(x, x)
    elif flavour == "gated":
        y = layers.MultiHeadAttention(2, 4, use_gate=True)(x, x)
    else:
        y = layers.MultiHeadAttention(2, 4, name="mha")(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    y = layers.Dense(8)(layers.Dense(16, activation="gelu")(x))
    x = layers.LayerNormalization()(x + y)
    return keras.Model(ids, layers.Dense(3, activation="softmax")(x[:, 0]))


@pytest.mark.parametrize("flavour", ["functional", "plain", "added", "grouped", "gated"])
def test_token_ids_are_explained_at_their_embedding(flavour):
    model, ids = encoder(flavour), RNG.integers(0, 20, (3, 7))
    found = explained(model, ids)
    assert found["lrp/words"].shape == (3, 7, 8)
    assert np.isfinite(found["lrp/words"]).all()
    assert np.abs(found["lrp/conservation"]).max() < 2  # what softmax keeps


def test_what_attention_does_not_hang_on_queries_and_keys_is_conserved_by_half():
    inputs = keras.Input((6, 5))
    attention = layers.MultiHeadAttention(2, 4, use_bias=False)
    last = layers.Dense(1, use_bias=False)
    model = keras.Model(inputs, last(layers.Flatten()(attention(inputs, inputs))))
    query, *others = attention.get_weights()
    attention.set_weights([np.zeros_like(query), *others])
    # All logits are zero, so that softmax keeps its half.
    lost = explained(model, images(6, 5), composite="epsilon")["lrp/conservation"]
    np.testing.assert_allclose(np.abs(lost), 0.5, atol=1e-4)


# What has no rule, and what a user adds.


class Doubled(layers.Layer):
    def call(self, x):
        return 2 * x


class Squared(layers.Layer):
    def call(self, x):
        return x * x


class Shares(LayerRule):
    """Half to each factor of a square."""

    def through(self, layer, call, x):
        return with_gradient(call(x), 0.5 * call(x))


def sequence(*between):
    return keras.Sequential(
        [keras.Input((6, 4)), *between, layers.Flatten(name="flat"), layers.Dense(2)]
    )


def test_a_layer_without_a_rule_is_named_before_training(tmp_path):
    model = sequence(layers.LSTM(5, return_sequences=True, name="memory"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = images(6, 4), np.array([0, 1, 0])
    with pytest.raises(ValueError, match=r"LRP has no rule for layer 'memory'.*Received: LSTM"):
        model.fit(x, y, callbacks=[Explain(tmp_path, (x, y), ["lrp"])])
    with pytest.raises(ValueError, match=r"register_rule\(Doubled, Gradient\(\)\).*Doubled"):
        explained(sequence(Doubled(name="twice")), x)
    # Behind it, relevance is found.
    assert explained(model, x, layer="memory")["lrp/memory"].shape == (3, 6, 5)


class Gated(keras.Model):
    def __init__(self, gate):
        super().__init__()
        self.values, self.weights_of = layers.Dense(4), layers.Dense(4, activation="sigmoid")
        self.out, self.gate = layers.Dense(2), gate

    def call(self, x):
        return self.out(self.gate([self.values(x), self.weights_of(x)]))


def test_what_is_not_linear_between_layers_is_named_too():
    x = images(5)
    for gate, named in (
        (lambda pair: pair[0] * pair[1], r"Mul \("),
        (lambda pair: ops.multiply(*pair), r"Mul \("),
        (lambda pair: ops.exp(pair[0]) + pair[1], r"Exp \("),
        (
            lambda pair: pair[0] / ops.sqrt(ops.sum(pair[0] ** 2, -1, keepdims=True)),
            r"Pow \(.*RealDiv",
        ),
    ):
        model = Gated(gate)
        model(x)
        with pytest.raises(ValueError, match=rf"such as keras.layers.Multiply.*without.*{named}"):
            explained(model, x)
    for gate in (
        layers.Multiply(),
        lambda pair: ops.maximum(*pair) - 0.5 * ops.relu(pair[0]) + ops.tanh(pair[1]),
        lambda pair: ops.where(pair[0] > 0, pair[0], ops.abs(pair[1])),
    ):
        model = Gated(gate)
        model(x)
        assert_conserves(model, x, composite=EpsilonEverywhere(1e-9))


def test_rules_can_be_registered_and_named():
    x = images(6, 4)
    model = sequence(Doubled(name="twice"), Squared(name="square"))
    given = {"twice": Gradient(), "square": Shares()}
    named = assert_conserves(model, x, composite=given)["lrp"]
    register_rule(Doubled, Gradient())
    register_rule(Squared, Shares())
    np.testing.assert_array_equal(relevance(model, x), named)
    with pytest.raises(ValueError, match="`rule` must be a rule. Received: 'gradient'"):
        register_rule(Doubled, "gradient")


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`composite` must be one of epsilon, epsilon_plus"):
        LRP(composite="zplus")
    with pytest.raises(ValueError, match="must have rules as its values.*Received: 'flat'"):
        LRP(composite={"conv": "flat"})
    with pytest.raises(ValueError, match="layers' names or classes as its keys. Received: 3"):
        LRP(composite={3: Z()})
    model, x = Functional(Residual()), images()
    with pytest.raises(ValueError, match=r"Flat to a layer that an input goes into.*'dense"):
        explained(model, x, composite={model.layers[-1].name: Flat()})
    with pytest.raises(ValueError, match=r"not linear, such as Gradient\(\).*Epsilon.*for ReLU"):
        explained(model, x, composite={layers.ReLU: Epsilon()})
    with pytest.raises(ValueError, match=r"`composite` names no layer.*Received: 'convv'"):
        explained(model, x, composite={"convv": Z()})
    hidden = keras.Sequential([keras.Input((8, 8, 3)), Squared(), layers.Conv2D(2, 3)])
    rules = {Squared: Gradient()}
    with pytest.raises(ValueError, match="the inputs go into, but none"):
        explained(hidden, x, composite=ByLayer(rules, EpsilonGammaBox(0, 1)))
    with pytest.raises(ValueError, match=r"does not broadcast|[Bb]roadcast"):
        explained(model, x, composite=EpsilonGammaBox(np.zeros(2), 1))


def test_its_options_are_kept_in_plain_words():
    box = EpsilonGammaBox(np.zeros(3), np.ones((9, 9, 3)))
    kept = LRP(composite=box).options()["composite"]
    assert (kept["kind"], kept["low"]) == ("EpsilonGammaBox", [0, 0, 0])
    assert kept["high"].startswith("array (9, 9, 3)")
    rules = {"conv": Flat(), (layers.Dense, layers.EinsumDense): Z()}
    assert LRP(composite=rules).options()["composite"] == {
        "conv": {"kind": "Flat", "stabilizer": 1e-6},
        "Dense, EinsumDense": {"kind": "Z"},
    }


def test_it_is_recorded_while_a_model_is_trained(tmp_path):
    model = sequence(
        layers.Conv1D(5, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU()
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = images(6, 4), np.array([0, 1, 1])
    methods = [LRP(), LRP(composite=EpsilonEverywhere(), layer="flat")]
    model.fit(x, y, epochs=2, verbose=0, callbacks=[Explain(tmp_path, (x, y), methods[:1])])
    run = keras_explain.Run(tmp_path)
    expected = keras_explain.explain(model, x, methods[0], labels=y)
    np.testing.assert_allclose(run.load("lrp", 1), expected["lrp"], rtol=2e-3, atol=1e-4)
    assert run.load("lrp/conservation", 1).shape == (3,)
    assert np.abs(run.diff("lrp", 0, 1).values).max() > 0
    model.fit(x, y, verbose=0, callbacks=[Explain(tmp_path / "other", (x, y), methods[1:])])
