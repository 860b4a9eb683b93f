"""Shapley values: exact on small games, a mean over permutations on others."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import KernelSHAP, ShapleySampling
from keras_explain.methods.shapley_sampling import ranks, shapley_values
from tests.agreement import agrees
from tests.reference.perturbation_reference import BASELINE, draws

from .perturbed import (
    REFERENCES,
    fitted,
    linear,
    of_tables,
    of_tokens,
    reference,
    shapley,
    two_inputs,
)

RNG = np.random.default_rng(15)


@pytest.mark.parametrize("name", REFERENCES)
def test_it_agrees_with_captum(name):
    given = reference(name)
    model, x, target = of_tables(given), given["table"], given["targets"]
    found = keras_explain.explain(model, x, ShapleySampling(baseline=BASELINE), target=target)
    agrees("shapley_sampling", "Captum's ShapleyValues", found, given["captum/shapley"])
    # Captum's is a mean over 800 permutations: its own error, ours has none.
    agrees("shapley_sampling", "Captum's ShapleyValueSampling", found,
           given["captum/shapley_sampling"], within=0.1, sampled=True)  # fmt: skip


def test_games_of_eight_features_are_exact():
    scores = RNG.normal(size=256)
    agrees("shapley_sampling", "NumPy", shapley_values(scores), shapley(scores))
    model = keras.Sequential([keras.Input((8,)), layers.Dense(9, "relu"), layers.Dense(1)])
    x = RNG.normal(size=(3, 8)).astype("f4")
    found = keras_explain.explain(model, x, ShapleySampling(1), target=0)
    other = keras_explain.explain(model, x, KernelSHAP(), target=0)["kernel_shap"]
    agrees("shapley_sampling", "our KernelSHAP", found, other)


def test_symmetric_features_get_the_same_and_dummies_nothing():
    inputs = keras.Input((5,))
    highest = layers.Lambda(lambda x: keras.ops.max(x[:, :3], axis=1, keepdims=True))(inputs)
    found = keras_explain.explain(
        keras.Model(inputs, highest),
        np.array([[2, 2, 2, 7, 9]], "f4"),
        "shapley_sampling",
        target=0,
    )
    agrees("shapley_sampling", "closed form", found, [[2 / 3, 2 / 3, 2 / 3, 0, 0]])


def test_permutations_are_drawn_in_pairs_and_played_out():
    features, x = 12, RNG.normal(size=(2, 12)).astype("f4")
    model = keras.Sequential([keras.Input((features,)), layers.Dense(9, "tanh"), layers.Dense(1)])
    found = keras_explain.explain(model, x, ShapleySampling(3, seed=4), target=0)

    def score(there, row):
        return float(model(np.where(there, x[row], 0)[None].astype("f4"))[0, 0])

    for row in range(2):
        order = ranks(features, 3, draws(x[row], seed=4))
        np.testing.assert_array_equal(order[0], features - 1 - order[1])
        shares = np.zeros(features)
        for rank in order:
            for feature in range(features):
                gain = score(rank <= rank[feature], row) - score(rank < rank[feature], row)
                shares[feature] += gain / 3
        agrees("shapley_sampling", "NumPy", found[row], shares)


def test_it_is_efficient_and_linear_scores_are_exact():
    weights = RNG.normal(size=(9, 9, 2)).astype("f4")
    x = RNG.normal(size=(3, 9, 9, 2)).astype("f4")
    found = keras_explain.explain(
        linear(weights), x, ShapleySampling(2, baseline=0.2, features=3), target=0
    )
    blocks = (weights * (x - 0.2)).reshape(3, 3, 3, 3, 3, 2).sum(axis=(2, 4, 5))
    agrees("shapley_sampling", "closed form", found, np.kron(blocks, np.ones((3, 3))))


def test_tokens_and_several_inputs():
    model, words = of_tokens()
    ids = RNG.integers(1, 20, (3, 7))
    found = keras_explain.explain(model, ids, ShapleySampling(baseline=3), target=0)
    agrees("shapley_sampling", "closed form", found, words[ids] - words[3])
    model, x = two_inputs(RNG)
    found = keras_explain.explain(model, x, ShapleySampling(6), target=1)
    gained = np.asarray(model(x) - model([np.zeros_like(part) for part in x]))[:, 1]
    total = sum(part.reshape(3, -1).sum(axis=1) for part in found.values())
    np.testing.assert_allclose(total, gained, atol=1e-5)


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`permutations` must be at least 1. Received: 0"):
        ShapleySampling(0)


def test_a_training_keeps_it(tmp_path):
    kept, _, (model, x, y) = fitted(tmp_path, ShapleySampling())
    by_hand = x * np.asarray(model.layers[0].kernel)[:, y].T
    np.testing.assert_allclose(kept["shapley_sampling"], by_hand, rtol=2e-3, atol=1e-3)
