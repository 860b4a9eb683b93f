"""Eigen-CAM: closed form, sign, and what does not stop a pass."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import EigenCAM, Saliency
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from tests.agreement import agrees

RNG = np.random.default_rng(3)


def passed_on(channels, shape=(5, 4)):
    """A layer that shows the input as it is, and a head."""
    model = keras.Sequential(
        [
            keras.Input((*shape, channels)),
            layers.Conv2D(channels, 1, use_bias=False, name="same"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    model.layers[0].set_weights([np.eye(channels)[None, None]])
    return model


def test_a_feature_map_of_rank_one_is_found_again():
    # pattern x weights has one singular vector: weights / |weights|; the projection is
    # pattern * |weights|, and its sign is chosen so that it sums to no less than zero.
    pattern, weights = RNG.normal(size=(2, 5, 4)) - 0.5, np.array([3.0, -4.0, 0.0])
    x = (pattern[..., None] * weights).astype("f4")
    found = keras_explain.explain(passed_on(3), x, "eigen_cam")
    turned = np.sign(pattern.sum(axis=(1, 2), keepdims=True))
    agrees("eigen_cam", "closed form", found, pattern * 5 * turned)


@pytest.mark.parametrize("channels", [3, 20, 37])
def test_it_is_the_first_singular_vector_with_more_or_fewer_channels_than_places(channels):
    x = RNG.normal(size=(4, 5, 4, channels)).astype("f4") + 0.5
    found = keras_explain.explain(passed_on(channels), x, EigenCAM())
    for one, ours in zip(x.reshape(4, 20, channels).astype("f8"), found, strict=True):
        _, _, right = np.linalg.svd(one, full_matrices=False)
        expected = one @ right[0]
        expected *= np.sign(expected.sum())
        agrees("eigen_cam", "NumPy", ours, expected.reshape(5, 4))


def test_what_is_never_negative_gives_a_map_that_is_never_negative():
    model = keras.Sequential([passed_on(6).layers[0], layers.ReLU(), *passed_on(6).layers[1:]])
    x = RNG.normal(size=(3, 5, 4, 6)).astype("f4")
    found = keras_explain.explain(model, x, EigenCAM())
    expected = keras_explain.explain(passed_on(6), np.maximum(x, 0), EigenCAM())
    assert (found >= 0).all()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_dead_or_a_broken_map_stops_nothing():
    x = RNG.normal(size=(3, 5, 4, 6)).astype("f4")
    x[0], x[1, 0, 0, 0] = 0, np.nan
    made = Pass(passed_on(6), Probes.of((x,)), [EigenCAM(), Saliency()], 0)
    outcome = made.run()
    assert not outcome.faults
    found = np.asarray(outcome.readings[0]["eigen_cam/same"])
    assert (found[0] == 0).all()
    assert np.isnan(found[1]).any()
    assert np.isfinite(found[2]).all()


def test_a_small_map_is_as_exact_as_a_large_one():
    x = RNG.normal(size=(2, 5, 4, 3)).astype("f4")
    usual = keras_explain.explain(passed_on(3), x, EigenCAM())
    small = keras_explain.explain(passed_on(3), x * np.float32(1e-25), EigenCAM())
    np.testing.assert_allclose(small * 1e25, usual, rtol=1e-4, atol=1e-5)
