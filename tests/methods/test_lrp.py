"""LRP: relevance is conserved in models of every kind.

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
    EpsilonEverywhere,
    EpsilonGammaBox,
    EpsilonPlus,
    Flat,
    Pass,
)
from tests.agreement import agrees
from tests.methods.relevance import (
    RNG,
    Functional,
    Residual,
    assert_conserves,
    begin,
    explained,
    images,
    relevance,
    sequence,
)


@pytest.fixture(autouse=True)
def seeded():
    begin()


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
        records = assert_conserves(model, x, layer=layer.name)
        (found,) = (a for key, a in records.items() if key != "lrp/conservation")
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
