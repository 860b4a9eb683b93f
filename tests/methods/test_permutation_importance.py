"""Permutation importance: what falls when the probes swap a feature."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import PermutationImportance
from tests.agreement import agrees

from .perturbed import REFERENCES, fitted, linear, of_tables, of_tokens, reference, two_inputs

RNG = np.random.default_rng(24)


@pytest.mark.parametrize("name", REFERENCES)
def test_it_agrees_with_captum(name):
    given = reference(name)
    model, x, target = of_tables(given), given["table"], given["targets"]
    found = keras_explain.explain(model, x, PermutationImportance(2), target=target)
    assert found.shape == (1, 6)
    agrees("permutation_importance", "Captum", found, given["captum/permutation_importance"])


def test_with_all_others_it_is_the_mean_over_all_pairs():
    given = reference("table")
    model, x, target = of_tables(given), given["table"], given["targets"]
    found = keras_explain.explain(model, x, PermutationImportance(99), target=target)
    kernel, bias, out, _ = model.get_weights()

    def scores(rows, targets):
        return (np.maximum(rows @ kernel + bias, 0) @ out)[np.arange(len(rows)), targets]

    falls = np.zeros((4, 4, 6))
    for giver in range(4):
        for feature in range(6):
            swapped = x.copy()
            swapped[:, feature] = x[giver, feature]
            falls[:, giver, feature] = scores(x, target) - scores(swapped, target)
    agrees("permutation_importance", "NumPy", found[0], falls.sum(axis=(0, 1)) / 12)


def test_a_sum_loses_nothing_on_the_whole_and_a_product_its_covariance():
    x = RNG.normal(size=(20, 4)).astype("f4")
    found = keras_explain.explain(
        linear(RNG.normal(size=4).astype("f4")), x, "permutation_importance", target=0
    )
    np.testing.assert_allclose(found, 0, atol=1e-5)
    inputs = keras.Input((4,))
    product = layers.Lambda(lambda x: x[:, :1] * x[:, 1:2])(inputs)
    found = keras_explain.explain(
        keras.Model(inputs, product), x, PermutationImportance(19), target=0
    )
    covariance = np.cov(x[:, 0], x[:, 1])[0, 1]
    expected = [[covariance, covariance, 0, 0]]
    agrees("permutation_importance", "closed form", found, expected)
    assert np.abs(found[0, 2:]).max() == 0


def test_it_does_not_depend_on_the_order_of_the_probes():
    given = reference("table")
    model, x, target = of_tables(given), given["table"], given["targets"]
    found = keras_explain.explain(model, x, PermutationImportance(2), target=target)
    order = [2, 0, 3, 1]
    other = keras_explain.explain(model, x[order], PermutationImportance(2), target=target[order])
    np.testing.assert_allclose(other, found, atol=1e-6)


def test_pictures_tokens_and_several_inputs():
    picture = RNG.normal(size=(5, 8, 8, 3)).astype("f4")
    found = keras_explain.explain(
        linear(np.ones((8, 8, 3), "f4")), picture, PermutationImportance(features=4), target=0
    )
    assert found.shape == (1, 8, 8)
    ids = RNG.integers(1, 20, (5, 7))
    found = keras_explain.explain(of_tokens()[0], ids, "permutation_importance", target=0)
    assert found.shape == (1, 7)
    model, x = two_inputs(RNG)
    found = keras_explain.explain(model, x, "permutation_importance", target=0)
    assert found["permutation_importance/picture"].shape == (1, 4, 4)
    assert found["permutation_importance/table"].shape == (1, 3)


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`repeats` must be at least 1. Received: 0"):
        PermutationImportance(0)
    x, model = np.zeros((2, 4, 4, 3), "f4"), linear(np.ones((4, 4, 3), "f4"))
    each = np.zeros((2, 4, 4), int)
    for features in ("superpixels", each):
        with pytest.raises(ValueError, match="must be alike for all probes"):
            keras_explain.explain(model, x, PermutationImportance(features=features), target=0)
    with pytest.raises(ValueError, match="needs at least 2 probes"):
        keras_explain.explain(model, x[:1], "permutation_importance", target=0)


def test_a_training_keeps_it(tmp_path):
    kept, expected, _ = fitted(tmp_path, PermutationImportance(2), rows=6)
    found = kept["permutation_importance"]
    assert found.shape == (1, 6)
    size = np.abs(found).max()
    np.testing.assert_allclose(found, expected["permutation_importance"], atol=2e-3 * size)
