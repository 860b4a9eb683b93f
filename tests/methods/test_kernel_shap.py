"""Kernel SHAP: exact on small games, efficient always."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import KernelSHAP
from keras_explain.methods.kernel_shap import kernel, sampled
from tests.agreement import agrees
from tests.reference.perturbation_reference import BASELINE

from .perturbed import (
    REFERENCES,
    every_there,
    fitted,
    linear,
    of_tables,
    of_tokens,
    reference,
    shapley,
    two_inputs,
)

RNG = np.random.default_rng(12)


def test_a_product_is_shared_evenly_and_a_dummy_gets_nothing():
    inputs = keras.Input((4,))
    product = layers.Lambda(lambda x: (x[:, 0] * x[:, 1] * x[:, 2])[:, None])(inputs)
    x = RNG.normal(size=(5, 4)).astype("f4")
    found = keras_explain.explain(keras.Model(inputs, product), x, KernelSHAP(), target=0)
    expected = np.repeat(x[:, :3].prod(axis=1, keepdims=True) / 3, 4, axis=1) * [1, 1, 1, 0]
    agrees("kernel_shap", "closed form", found["kernel_shap"], expected)
    assert np.abs(found["kernel_shap/gap"]).max() < 1e-5


@pytest.mark.parametrize("name", REFERENCES)
def test_it_agrees_with_shap_and_captum(name):
    given = reference(name)
    model, x, target = of_tables(given), given["table"], given["targets"]
    found = keras_explain.explain(model, x, KernelSHAP(baseline=BASELINE), target=target)
    agrees("kernel_shap", "shap", found["kernel_shap"], given["shap/kernel_shap"])
    agrees("kernel_shap", "Captum's ShapleyValues", found["kernel_shap"], given["captum/shapley"])
    # Captum draws its 2000 coalitions with replacement: its own error, ours has none.
    agrees("kernel_shap", "Captum's KernelShap", found["kernel_shap"],
           given["captum/kernel_shap"], within=0.1, sampled=True)  # fmt: skip


def test_pictures_of_few_patches_are_exact():
    model = keras.Sequential(
        [keras.Input((4, 6, 2)), layers.Conv2D(3, 2, activation="tanh"), layers.Flatten(),
         layers.Dense(2)]
    )  # fmt: skip
    x = RNG.normal(size=(2, 4, 6, 2)).astype("f4")
    mask = np.repeat(np.repeat(np.arange(6).reshape(2, 3), 2, axis=0), 2, axis=1)
    found = keras_explain.explain(model, x, KernelSHAP(features=(2, 2), baseline=-1), target=[0, 1])
    assert found["kernel_shap"].shape == (2, 4, 6)
    for row in range(2):
        shown = np.where(every_there(6)[:, mask][..., None], x[row], -1)
        shares = shapley(np.asarray(model(shown))[:, row])
        agrees("kernel_shap", "NumPy", found["kernel_shap"][row], shares[mask])
    own = keras_explain.explain(model, x, KernelSHAP(features=mask, baseline=-1), target=[0, 1])
    np.testing.assert_array_equal(own["kernel_shap"], found["kernel_shap"])


def test_eight_features_are_exact_with_any_number_of_samples():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(9, "relu"), layers.Dense(1)])
    x = RNG.normal(size=(2, 8)).astype("f4")
    found = keras_explain.explain(model, x, KernelSHAP(samples=10), target=0)
    for row in range(2):
        scores = np.asarray(model(np.where(every_there(8), x[row], 0).astype("f4")))[:, 0]
        agrees("kernel_shap", "NumPy", found["kernel_shap"][row], shapley(scores))


def products(size):
    """The sum of the products of neighbours, `size` at a time, of 24 inputs."""
    inputs = keras.Input((24,))
    groups = layers.Reshape((24 // size, size))(inputs)
    total = layers.Lambda(lambda x: keras.ops.sum(keras.ops.prod(x, -1), -1, keepdims=True))(groups)
    return keras.Model(inputs, total)


def test_where_coalitions_are_drawn_sums_of_pairs_are_exact_and_others_near():
    weights = RNG.normal(size=24).astype("f4")
    x = RNG.normal(size=(3, 24)).astype("f4")
    found = keras_explain.explain(linear(weights), x, KernelSHAP(baseline=0.4), target=0)
    agrees("kernel_shap", "closed form", found["kernel_shap"], weights * (x - 0.4))

    def shares(size):
        return np.repeat(x.reshape(3, -1, size).prod(axis=-1) / size, size, axis=1)

    # With its complement a coalition cancels what pairs of features add, whichever are drawn.
    found = keras_explain.explain(products(2), x, KernelSHAP(samples=200), target=0)
    agrees("kernel_shap", "closed form", found["kernel_shap"], shares(2))
    # What three add is met by chance: the error of some 600 draws.
    found = keras_explain.explain(products(3), x, KernelSHAP(samples=600), target=0)
    size = np.abs(shares(3)).max()
    assert 1e-3 * size < np.abs(found["kernel_shap"] - shares(3)).max()
    agrees(
        "kernel_shap", "closed form, sampled", found["kernel_shap"], shares(3), 0.2, sampled=True
    )
    gained = np.asarray(products(3)(x))[:, 0]
    np.testing.assert_allclose(found["kernel_shap"].sum(axis=1), gained, rtol=1e-4, atol=1e-4)
    assert np.abs(found["kernel_shap/gap"]).max() < 1e-4


def test_what_is_drawn_is_paired_and_weighed_as_the_kernel_says():
    coalitions, weights = sampled(12, 400, np.random.default_rng(0))
    assert coalitions.shape == (400, 12)
    half = len(coalitions) // 2
    np.testing.assert_array_equal(coalitions[:half], ~coalitions[half:])
    sizes = coalitions.sum(axis=1)
    by_size = np.bincount(sizes, weights, 13)
    mass = np.array([0, *(11 / (s * (12 - s)) for s in range(1, 12)), 0])
    assert by_size[1] == pytest.approx(mass[1])
    assert by_size.sum() == pytest.approx(mass.sum())
    np.testing.assert_allclose(by_size, mass, atol=0.02)
    assert len(np.unique(coalitions[sizes == 1], axis=0)) == 12
    assert kernel(12)[1] == pytest.approx(11 / (12 * 11))


def test_the_middle_size_is_taken_once():
    coalitions, _ = sampled(4, 16, np.random.default_rng(0))
    assert len(np.unique(coalitions, axis=0)) == 16


def test_several_inputs_are_one_game():
    model, x = two_inputs(RNG)
    method = KernelSHAP(features={"picture": 2})
    found = keras_explain.explain(model, x, method, target=1)
    gained = np.asarray(model(x) - model([np.zeros_like(part) for part in x]))[:, 1]
    picture = found["kernel_shap/picture"][:, ::2, ::2].sum(axis=(1, 2))
    np.testing.assert_allclose(picture + found["kernel_shap/table"].sum(axis=1), gained, atol=1e-5)


def test_tokens_are_features():
    model, words = of_tokens()
    ids = RNG.integers(1, 20, (3, 7))
    found = keras_explain.explain(model, ids, "kernel_shap", target=0)
    agrees("kernel_shap", "closed form", found["kernel_shap"], words[ids])


def test_too_few_samples_are_named():
    with pytest.raises(ValueError, match="`samples` must be at least 42 for 20 features.*: 41"):
        keras_explain.explain(
            linear(np.ones(20, "f4")), np.zeros((1, 20), "f4"), KernelSHAP(41), target=0
        )


def test_a_training_keeps_it(tmp_path):
    kept, expected, (model, x, y) = fitted(tmp_path, KernelSHAP())
    by_hand = x * np.asarray(model.layers[0].kernel)[:, y].T
    np.testing.assert_allclose(expected["kernel_shap"], by_hand, atol=1e-5)
    np.testing.assert_allclose(kept["kernel_shap"], by_hand, rtol=2e-3, atol=1e-3)
    assert np.abs(kept["kernel_shap/gap"]).max() < 1e-4
