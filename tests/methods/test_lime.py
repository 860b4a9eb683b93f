"""LIME: a weighted ridge regression near the input."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import LIME
from tests.agreement import agrees
from tests.reference.perturbation_reference import BASELINE, SAMPLES, draws

from .perturbed import REFERENCES, fitted, linear, of_tables, of_tokens, reference, two_inputs

RNG = np.random.default_rng(18)


def test_without_a_ridge_a_linear_score_is_found_exactly():
    kernel = RNG.normal(size=(8, 8, 2)).astype("f4")
    x = RNG.normal(size=(3, 8, 8, 2)).astype("f4")
    found = keras_explain.explain(linear(kernel), x, LIME(alpha=0, baseline=0.5), target=0)
    agrees("lime", "closed form", found["lime"], (kernel * (x - 0.5)).sum(axis=-1))
    np.testing.assert_allclose(found["lime/fit"], 1, atol=1e-5)


@pytest.mark.parametrize("name", REFERENCES)
def test_it_agrees_with_lime_and_captum_on_the_same_samples(name):
    given = reference(name)
    model, x, target = of_tables(given), given["table"], given["targets"]
    found = keras_explain.explain(model, x, LIME(SAMPLES, baseline=BASELINE), target=target)
    agrees("lime", "lime", found["lime"], given["lime/lime"])
    agrees("lime", "lime", found["lime/fit"], given["lime/fit"])
    agrees("lime", "Captum", found["lime"], given["captum/lime"])


def test_euclidean_distances_count_the_hidden_features():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(9, "tanh"), layers.Dense(1)])
    x = RNG.normal(size=(2, 5)).astype("f4")
    method = LIME(80, alpha=0.3, kernel_width=1.5, distance="euclidean", seed=7)
    found = keras_explain.explain(model, x, method, target=0)
    for row in range(2):
        there = draws(x[row], seed=7).random((80, 5)) < 0.5
        there[0] = True
        scores = np.asarray(model(np.where(there, x[row], 0).astype("f4")))[:, 0]
        weights = np.exp(-(5 - there.sum(axis=1)) / (2 * 1.5**2))
        columns = np.column_stack([np.ones(80), there])
        squares = columns.T @ (weights[:, None] * columns) + 0.3 * np.diag([0, 1, 1, 1, 1, 1])
        slopes = np.linalg.solve(squares, columns.T @ (weights * scores))[1:]
        agrees("lime", "NumPy", found["lime"][row], slopes)


def test_a_feature_that_is_not_used_gets_nothing():
    weights = RNG.normal(size=30).astype("f4")
    weights[::3] = 0
    x = RNG.normal(size=(2, 30)).astype("f4")
    found = keras_explain.explain(linear(weights), x, LIME(alpha=1e-6), target=0)["lime"]
    assert np.abs(found[:, ::3]).max() < 1e-4 * np.abs(found).max()


def test_a_score_that_never_changes_is_fitted_by_zero():
    found = keras_explain.explain(
        linear(np.zeros(4, "f4")), np.ones((1, 4), "f4"), "lime", target=0
    )
    assert np.abs(found["lime"]).max() == 0
    assert found["lime/fit"] == 1


def test_tokens_and_several_inputs():
    model, words = of_tokens()
    ids = RNG.integers(1, 20, (3, 7))
    found = keras_explain.explain(model, ids, LIME(alpha=0), target=0)
    agrees("lime", "closed form", found["lime"], words[ids])
    model, x = two_inputs(RNG)
    found = keras_explain.explain(model, x, LIME(features={"picture": "values"}), target=0)
    assert found["lime/picture"].shape == (3, 4, 4, 1)
    assert found["lime/table"].shape == (3, 3)


def test_wrong_options_are_named():
    for options, message in [
        ({"samples": 1}, "`samples` must be at least 2, or None. Received: 1"),
        ({"alpha": -1}, "`alpha` must be at least 0. Received: -1"),
        ({"kernel_width": 0}, "`kernel_width` must be above 0. Received: 0"),
        ({"distance": "l1"}, "`distance` must be one of cosine, euclidean. Received: 'l1'"),
    ]:
        with pytest.raises(ValueError, match=message):
            LIME(**options)


def test_a_training_keeps_it(tmp_path):
    kept, _, (model, x, y) = fitted(tmp_path, LIME(alpha=0))
    by_hand = x * np.asarray(model.layers[0].kernel)[:, y].T
    np.testing.assert_allclose(kept["lime"], by_hand, rtol=2e-3, atol=1e-3)
