"""LRP at the inputs: rules of the first layer, and what is done before it."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import LRP
from keras_explain.rules import (
    EpsilonGammaBox,
)
from tests.methods.relevance import (
    RNG,
    assert_conserves,
    begin,
    relevance,
)
from tests.seeds import seed


@pytest.fixture(autouse=True)
def seeded():
    begin()


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
        keras.utils.set_random_seed(seed(4))
        keras.config.set_dtype_policy(policy)
        try:
            model = preprocessed()
        finally:
            keras.config.set_dtype_policy("float32")
        found.append(relevance(model, x, composite=composite))
    assert np.abs(found[1] - found[0]).max() < 0.05 * np.abs(found[0]).max()


class OwnEmbedding(layers.Embedding):
    """An embedding of another name, as keras-hub's."""


def test_an_embedding_of_another_name_is_where_relevance_ends_too():
    found = []
    for kind in (layers.Embedding, OwnEmbedding):
        model = keras.Sequential(
            [keras.Input((5,)), kind(9, 4, name="words"), layers.Flatten(), layers.Dense(2)]
        )
        random = np.random.default_rng(6)
        model.set_weights([random.normal(size=w.shape) for w in model.get_weights()])
        ids = random.integers(0, 9, (3, 5))
        method = LRP(layer="words", composite="epsilon_plus_flat")
        found.append(keras_explain.explain(model, ids, method, target=1)["lrp/words"])
    assert np.abs(found[0]).max() > 0
    np.testing.assert_array_equal(*found)
