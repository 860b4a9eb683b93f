"""Occlusion: how much the score falls behind a window."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import Occlusion
from tests.agreement import agrees
from tests.reference.perturbation_reference import BASELINE

from .perturbed import REFERENCES, fitted, linear, of_pictures, of_tokens, reference, two_inputs

RNG = np.random.default_rng(9)


def test_a_linear_score_falls_by_what_lies_under_the_window():
    kernel = RNG.normal(size=(6, 6, 2)).astype("f4")
    x = RNG.normal(size=(3, 6, 6, 2)).astype("f4")
    found = keras_explain.explain(linear(kernel), x, Occlusion(2, baseline=0.5), target=0)
    blocks = (kernel * (x - 0.5)).reshape(3, 3, 2, 3, 2, 2).sum(axis=(2, 4, 5))
    agrees("occlusion", "closed form", found, np.kron(blocks, np.ones((2, 2))))


@pytest.mark.parametrize("name", REFERENCES)
def test_it_agrees_with_captum(name):
    given = reference(name)
    model, x, target = of_pictures(given), given["pictures"], given["targets"]
    found = keras_explain.explain(
        model, x, Occlusion((4, 3), (3, 2), baseline=BASELINE), target=target
    )
    agrees("occlusion", "Captum", found, given["captum/occlusion"])
    found = keras_explain.explain(model, x, Occlusion((3, 3, 1)), target=target)
    assert found.shape == x.shape
    agrees("occlusion", "Captum", found, given["captum/occlusion_channels"])


@pytest.mark.parametrize("shape", [(30, 2), (6, 5, 4, 2), (9,)])
def test_each_value_gets_the_mean_over_the_windows_that_cover_it(shape):
    model = keras.Sequential(
        [keras.Input(shape), layers.Flatten(), layers.Dense(5, "tanh"), layers.Dense(1)]
    )
    x = RNG.normal(size=(2, *shape)).astype("f4")
    space = shape[:-1] or shape
    found = keras_explain.explain(model, x, Occlusion(3, 2), target=0)
    assert found.shape == (2, *space)
    falls, cover = np.zeros((2, *space)), np.zeros(space)
    for at in np.ndindex(*(-(-(n - 3) // 2) + 1 for n in space)):
        window = tuple(slice(2 * i, 2 * i + 3) for i in at)
        hidden = x.copy()
        hidden[(slice(None), *window)] = 0
        fall = np.asarray(model(x) - model(hidden))[:, 0]
        falls[(slice(None), *window)] += fall.reshape(2, *(1 for _ in space))
        cover[window] += 1
    agrees("occlusion", "NumPy", found, falls / cover)


def test_a_value_that_is_not_used_gets_nothing():
    kernel = np.zeros((8, 8, 1), "f4")
    kernel[:4] = RNG.normal(size=(4, 8, 1))
    found = keras_explain.explain(
        linear(kernel), RNG.normal(size=(2, 8, 8, 1)).astype("f4"), Occlusion(2), target=0
    )
    assert np.abs(found[:, 4:]).max() == 0
    assert np.abs(found[:, :4]).min() > 0


def test_a_token_is_hidden_behind_the_id_of_the_baseline():
    model, words = of_tokens()
    ids = RNG.integers(1, 20, (3, 7))
    found = keras_explain.explain(model, ids, "occlusion", target=0)
    agrees("occlusion", "closed form", found, words[ids])
    found = keras_explain.explain(model, ids, Occlusion(baseline=4), target=0)
    agrees("occlusion", "closed form", found, words[ids] - words[4])


def test_of_several_inputs_one_is_hidden_at_a_time():
    model, x = two_inputs(RNG)
    method = Occlusion({"picture": 2, "table": 1}, baseline={"picture": 0, "table": x[1][0]})
    found = keras_explain.explain(model, x, method, target=1)
    assert found["occlusion/picture"].shape == (3, 4, 4)
    hidden = x[1].copy()
    hidden[:, 2] = x[1][0, 2]
    fall = np.asarray(model(x) - model([x[0], hidden]))[:, 1]
    np.testing.assert_allclose(found["occlusion/table"][:, 2], fall, atol=1e-6)
    assert found["occlusion/table"][0].max() == 0


def test_the_output_of_a_layer_is_hidden_if_one_is_named():
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(4, "relu", name="hidden"), layers.Dense(2)]
    )
    x = RNG.normal(size=(3, 5)).astype("f4")
    found = keras_explain.explain(model, x, Occlusion(layer="hidden"), target=1)
    hidden = np.asarray(keras.Model(model.inputs[0], model.layers[0].output)(x))
    expected = hidden * np.asarray(model.layers[1].kernel)[:, 1]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_wrong_windows_are_named():
    model, x = linear(np.ones((4, 4, 2), "f4")), np.zeros((1, 4, 4, 2), "f4")
    with pytest.raises(ValueError, match=r"`window` must be whole numbers.*Received: \(2,\)"):
        keras_explain.explain(model, x, Occlusion((2,)), target=0)
    with pytest.raises(ValueError, match=r"`stride` must be at most the `window`.*stride \(3, 3"):
        keras_explain.explain(model, x, Occlusion(2, 3), target=0)
    with pytest.raises(ValueError, match="`stride` must be whole numbers.*Received: 0"):
        keras_explain.explain(model, x, Occlusion(2, 0), target=0)


def test_a_training_keeps_it(tmp_path):
    kept, expected, _ = fitted(tmp_path, Occlusion())
    np.testing.assert_allclose(kept["occlusion"], expected["occlusion"], rtol=2e-3, atol=1e-4)
