"""Expected gradients and GradientSHAP: exact expectations, and what is drawn.

Captum's and SHAP's figures are in test_gradient_shap.
"""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import (
    ExpectedGradients,
    GradientSHAP,
    IntegratedGradients,
    SmoothGrad,
)
from tests.agreement import agrees
from tests.seeds import seed

RNG = np.random.default_rng(17)
BOTH = (ExpectedGradients, GradientSHAP)


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(seed(6))


def network(shape=(7, 6, 2)):
    model = keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(5, 3, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(4, name="logits"),
            layers.Softmax(),
        ]
    )
    model.layers[0].bias.assign(RNG.normal(size=5))
    return model


def logits(model, x):
    return np.asarray(keras.Model(model.inputs[0], model.get_layer("logits").output)(x), "f8")


def maps_of(found):
    (key,) = [key for key in found if not key.endswith("/gap")]
    return found[key]


def halves():
    """score = sum of squares / 2."""
    square = layers.Lambda(lambda x: keras.ops.sum(x * x, axis=-1, keepdims=True) / 2)
    return keras.Sequential([keras.Input((5,)), square])


def expectation(logits_of, x, background, target):
    """Mean of the integrated gradients from each example, by the midpoint rule."""
    shares = ((np.arange(100) + 0.5) / 100).reshape(-1, *[1] * x.ndim)
    total = np.zeros(x.shape)
    for start in background:
        points = tf.constant((start + shares * (x - start)).astype("f4").reshape(-1, *x.shape[1:]))
        with tf.GradientTape() as tape:
            tape.watch(points)
            score = tf.reduce_sum(logits_of(points)[:, target])
        gradients = tape.gradient(score, points).numpy().reshape(100, *x.shape)
        total += gradients.mean(axis=0) * (x - start)
    return total / len(background)


def test_on_a_linear_model_it_is_exact():
    # The gradient is w everywhere, so the mean over x' of w * (x - x') is w * (x - mean x'), if
    # each of the 8 examples is drawn equally often, as in 32 samples.
    model = keras.Sequential([keras.Input((7,)), layers.Dense(3, activation="softmax")])
    x, background = RNG.normal(size=(3, 7)).astype("f4"), RNG.normal(size=(8, 7))
    found = keras_explain.explain(model, x, ExpectedGradients(background), target=2)
    weights = np.asarray(model.layers[0].kernel)[:, 2]
    expected = weights * (x - background.mean(axis=0))
    agrees("expected_gradients", "closed form", found["expected_gradients"], expected)
    np.testing.assert_allclose(found["expected_gradients/gap"], 0, atol=1e-4)
    found = keras_explain.explain(model, x, GradientSHAP(background, noise=0), target=2)
    agrees("gradient_shap", "closed form", found["gradient_shap"], expected)


def test_on_half_the_square_it_tends_to_half_the_difference_of_the_squares():
    # (x - x') (x' + a (x - x')) has the mean (x - x')(x + x') / 2 over a.
    x, background = RNG.normal(size=(3, 5)).astype("f4"), RNG.normal(size=(10, 5)).astype("f4")
    expected = (x**2 - (background**2).mean(axis=0)) / 2
    # 1000 shares, one in each thousandth, err by some 1e-3 / sqrt(1000) of (x - x')^2; the errors
    # of the 10 examples' unequal places along the way add some 1e-3 to it.
    found = keras_explain.explain(halves(), x, ExpectedGradients(background, samples=1000))
    agrees("expected_gradients", "closed form (sampled)", found["expected_gradients"], expected,
           within=0.01, sampled=True)  # fmt: skip
    gained = ((x**2).sum(axis=1) - (background**2).sum(axis=1).mean()) / 2
    gap = (found["expected_gradients"].sum(axis=1) - gained) / np.abs(gained)
    np.testing.assert_allclose(found["expected_gradients/gap"], gap, atol=1e-5)
    # With noise e: E (x + e - x')(x + e + x') / 2 = expected + variance / 2.
    found = keras_explain.explain(halves(), x, GradientSHAP(background, samples=1000, noise=0.1))
    variance = (0.1 * (x.max(axis=1) - x.min(axis=1))) ** 2
    # The noise errs by deviation * |x| / sqrt(1000), some 1 % of the largest; four times that.
    agrees("gradient_shap", "closed form (sampled)", found["gradient_shap"],
           expected + variance[:, None] / 2, within=0.04, sampled=True)  # fmt: skip


def test_one_sample_is_anywhere_on_the_way_from_any_example():
    # From zero to x the one sample is a x^2, `a` being uniform in 0..1: its mean errs by 0.29 / 16.
    x = RNG.normal(size=(256, 5)).astype("f4")
    found = maps_of(keras_explain.explain(halves(), x, ExpectedGradients(samples=1)))
    shares = found[:, 0] / x[:, 0] ** 2
    assert 0 <= shares.min() < 0.05 < 0.95 < shares.max() <= 1
    np.testing.assert_allclose([shares.mean(), shares.std()], [0.5, np.sqrt(1 / 12)], atol=0.07)
    # On a linear model x - x' tells which of two examples was drawn.
    model = keras.Sequential([keras.Input((5,)), layers.Dense(1, kernel_initializer="ones")])
    method = ExpectedGradients([[0.0] * 5, [1.0] * 5], samples=1)
    drawn = (x - maps_of(keras_explain.explain(model, x, method)))[:, 0]
    assert 0.4 < drawn.mean() < 0.6


def test_it_is_the_mean_of_integrated_gradients_over_the_background():
    model, x = network(), RNG.normal(size=(2, 7, 6, 2)).astype("f4")
    background = RNG.normal(size=(6, 7, 6, 2)).astype("f4")
    inner = keras.Model(model.inputs[0], model.get_layer("logits").output)
    expected = expectation(inner, x, background, 1)
    few, many = (
        keras_explain.explain(model, x, ExpectedGradients(background, samples=n), target=1)
        for n in (30, 1920)
    )
    # Six examples with 320 evenly spread shares each; free draws would err by 2 % still.
    agrees("expected_gradients", "GradientTape (sampled)", many["expected_gradients"], expected,
           within=0.01, sampled=True)  # fmt: skip
    errors = [np.abs(found["expected_gradients"] - expected).max() for found in (few, many)]
    assert errors[1] < errors[0] / 3
    gained = logits(model, x)[:, 1] - logits(model, background)[:, 1].mean()
    for found in (few, many):
        gap = (found["expected_gradients"].sum(axis=(1, 2, 3)) - gained) / np.abs(gained)
        np.testing.assert_allclose(found["expected_gradients/gap"], gap, atol=1e-4)


@pytest.mark.parametrize("method", [ExpectedGradients, partial(GradientSHAP, noise=1e-3)])
def test_without_a_background_it_starts_from_zero(method):
    model, x = network(), RNG.normal(size=(3, 7, 6, 2)).astype("f4")
    found = keras_explain.explain(model, x, method(samples=500), target=0)
    expected = keras_explain.explain(model, x, IntegratedGradients(steps=128), target=0)
    expected = expected["integrated_gradients"]
    size = np.abs(expected).max()
    np.testing.assert_allclose(maps_of(found), expected, atol=0.02 * size)
    alone = keras_explain.explain(model, x[1:2], method(samples=500), target=0)
    np.testing.assert_allclose(maps_of(found)[1], maps_of(alone)[0], atol=1e-5 * size)


@pytest.mark.parametrize("method", BOTH)
def test_what_is_drawn_is_the_probe_s_own(method):
    model, x = network(), RNG.normal(size=(4, 7, 6, 2)).astype("f4")
    background = RNG.normal(size=(5, 7, 6, 2)).astype("f4")
    once, twice, other = (
        keras_explain.explain(model, x, method(background, 7, seed), target=1) for seed in (0, 0, 1)
    )
    for key, array in once.items():
        np.testing.assert_array_equal(array, twice[key])
    some = keras_explain.explain(model, x[[3, 0]], method(background, 7), target=1)
    np.testing.assert_allclose(maps_of(once)[[3, 0]], maps_of(some), rtol=1e-4, atol=1e-6)
    assert np.abs(maps_of(once) - maps_of(other)).max() > 0.001


@pytest.mark.parametrize("method", BOTH)
def test_an_input_that_is_not_used_gets_zero(method):
    model, x = network(), RNG.normal(size=(2, 7, 6, 2)).astype("f4")
    kernel = model.layers[0].get_weights()[0]
    kernel[:, :, 1] = 0
    model.layers[0].kernel.assign(kernel)
    found = maps_of(keras_explain.explain(model, x, method(RNG.normal(size=(3, 7, 6, 2)))))
    assert (found[..., 1] == 0).all()
    assert found[..., 0].any()


def test_several_inputs_are_drawn_together():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    score = layers.Lambda(lambda x: keras.ops.sum(x, axis=-1, keepdims=True))(
        layers.Multiply()([a, b])
    )
    model = keras.Model([a, b], score)
    x = [RNG.normal(size=(4, 3)).astype("f4") for _ in range(2)]
    # In each example a' = -b': drawn apart, their product would have another mean.
    first = RNG.normal(size=(4, 3)).astype("f4")
    method = ExpectedGradients({"a": first, "b": -first}, samples=2000)
    found = keras_explain.explain(model, x, method, target=0)
    both = found["expected_gradients/a"] + found["expected_gradients/b"]
    expected = x[0] * x[1] + (first**2).mean(axis=0)
    np.testing.assert_allclose(both, expected, atol=0.02 * np.abs(expected).max())
    at_a = ((x[0][:, None] - first) * (x[1][:, None] - first) / 2).mean(axis=1)
    np.testing.assert_allclose(
        found["expected_gradients/a"], at_a, atol=0.02 * np.abs(expected).max()
    )
    np.testing.assert_allclose(found["expected_gradients/gap"], 0, atol=0.05)


def words():
    return keras.Sequential(
        [
            keras.Input((8,), dtype="int32"),
            layers.Embedding(20, 6, name="words"),
            layers.Conv1D(4, 3, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(3, name="logits"),
        ]
    )


@pytest.mark.parametrize("method", [*BOTH, SmoothGrad])
def test_token_ids_are_explained_at_their_embedding(method):
    model, ids = words(), RNG.integers(0, 20, (3, 8))
    background = RNG.integers(0, 20, (4, 8))
    behind = keras.Sequential(model.layers[1:])
    embedded, start = (np.asarray(model.layers[0](array)) for array in (ids, background))
    used = SmoothGrad(ExpectedGradients(background, 400), samples=2, noise=1e-6)
    used = used if method is SmoothGrad else method(background, samples=400)
    found = keras_explain.explain(model, ids, used, target=2)
    found = found if method is SmoothGrad else maps_of(found)
    expected = expectation(behind, embedded, start, 2)
    np.testing.assert_allclose(found, expected, atol=0.1 * np.abs(expected).max())


def test_the_gap_at_a_layer_and_behind_token_ids_is_that_of_the_score():
    model, ids = words(), RNG.integers(0, 20, (3, 8))
    background = RNG.integers(0, 20, (4, 8))
    gained = np.asarray(model(ids))[:, 2] - np.asarray(model(background))[:, 2].mean()
    for layer in (None, "conv"):
        method = ExpectedGradients(background, samples=8, layer=layer)
        found = keras_explain.explain(model, ids, method, target=2)
        gap = (maps_of(found).sum(axis=(1, 2)) - gained) / np.abs(gained)
        np.testing.assert_allclose(found["expected_gradients/gap"], gap, atol=1e-4)
    # Behind the convolution the model is linear: nothing is missing.
    np.testing.assert_allclose(found["expected_gradients/gap"], 0, atol=1e-3)


@pytest.mark.parametrize("method", BOTH)
def test_wrong_options_are_named(method):
    x = np.zeros((2, 7, 6, 2), "f4")
    with pytest.raises(ValueError, match="`samples` must be at least 1. Received: 0"):
        method(samples=0)
    for background in (x[:0], x[..., :1], 1.0):
        with pytest.raises(ValueError, match=r"must hold examples.*Known: input of shape \(7, 6"):
            keras_explain.explain(network(), x, method(background))
    with pytest.raises(ValueError, match="or name each input. Known: input. Received: other"):
        keras_explain.explain(network(), x, method({"other": x}))


def test_it_is_kept_at_every_epoch(tmp_path):
    model, x = network(), RNG.normal(size=(8, 7, 6, 2)).astype("f4")
    y = RNG.integers(0, 4, 8)
    model.compile("sgd", "sparse_categorical_crossentropy")
    methods = [ExpectedGradients(x[4:], 6), GradientSHAP(x[4:], 6)]
    model.fit(x, y, epochs=2, verbose=0, callbacks=[Explain(tmp_path, (x[:3], y[:3]), methods)])
    run = keras_explain.Run(tmp_path)
    assert not run.failures
    for method in methods:
        expected = keras_explain.explain(model, x[:3], method, labels=y[:3])
        for key, array in expected.items():
            size = np.abs(array).max()
            np.testing.assert_allclose(run.load(key, 1), array, rtol=2e-3, atol=2e-3 * size)
        assert str(run.specs[method.name].options["background"]).startswith("array (4, 7, 6, 2)")
