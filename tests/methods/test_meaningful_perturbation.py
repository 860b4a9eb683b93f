"""Meaningful perturbation: the little that must go for the score to fall."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import keras_explain
from keras_explain.methods import MeaningfulPerturbation
from keras_explain.methods.linear_maps import blurred, stretched
from tests.agreement import agrees

from .perturbed import fitted, linear, two_inputs

RNG = np.random.default_rng(27)


def test_of_a_sum_those_parts_go_that_are_worth_their_price():
    parts = np.array([[0.4, 0.02, 0.3, 0.05, 0.2, 0.03], [3, 1, 1, 0, 1, 4]], "f4")
    found = keras_explain.explain(
        linear(np.ones(6, "f4")), parts, MeaningfulPerturbation(sparsity=1.0), target=0
    )
    # A mask of one in six costs a sixth of what deleting all would gain.
    worth = parts / parts.sum(axis=1, keepdims=True) > 1 / 6
    agrees("meaningful_perturbation", "closed form", found["meaningful_perturbation"], worth)
    fall = found["meaningful_perturbation/fall"]
    np.testing.assert_allclose(fall, (worth * parts).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("shape", [(9, 12, 2), (15, 3)])
def test_it_agrees_with_a_tape_and_keras_s_adam(shape):
    ndimage = pytest.importorskip("scipy.ndimage")
    model = keras.Sequential(
        [keras.Input(shape), layers.Flatten(), layers.Dense(6, "tanh"), layers.Dense(2)]
    )
    x = RNG.normal(size=(3, *shape)).astype("f4")
    options = {"steps": 40, "cells": 4, "sparsity": 0.3, "smoothness": 0.4, "learning_rate": 0.05}
    found = keras_explain.explain(model, x, MeaningfulPerturbation(**options), target=1)

    few = [min(4, -(-n // 2)) for n in shape[:-1]]
    behind, ones = x.astype("f8"), np.ones_like(x, "f8")
    for axis, size in enumerate(shape[:-1], start=1):
        behind, ones = (
            ndimage.gaussian_filter1d(a, 0.1 * size, axis, mode="constant", truncate=20)
            for a in (behind, ones)
        )
    behind = tf.constant((behind / ones).astype("f4"))
    mask = keras.Variable(np.ones((3, *few), "f4"))
    adam = keras.optimizers.Adam(0.05, epsilon=1e-8)

    def masked():
        wide = mask.value[..., None] if len(few) == 2 else mask.value[:, :, None, None]
        size = shape[:2] if len(few) == 2 else (shape[0], 1)
        wide = tf.image.resize(wide, size)
        wide = wide if len(few) == 2 else wide[:, :, 0]
        return wide, behind + wide * (x - behind)

    before, without = model(x)[:, 1], model(behind)[:, 1]
    can_fall = tf.abs(before - without)
    for _ in range(40):
        with tf.GradientTape() as tape:
            score = model(masked()[1])[:, 1]
            loss = tf.maximum(score, before - can_fall) / can_fall
            loss += 0.3 * tf.reduce_mean(1 - mask.value, axis=range(1, 1 + len(few)))
            rough = sum(
                tf.reduce_sum(tf.abs(np.diff(np.eye(n), axis=0).astype("f4") @ m) ** 3, axis=(1, 2))
                for m, n in zip(turned(mask.value), few, strict=True)
            )
            total = tf.reduce_sum(loss + 0.4 * rough / np.prod(few))
        adam.apply([tape.gradient(total, mask.value)], [mask])
        mask.assign(tf.clip_by_value(mask.value, 0, 1))
    agrees("meaningful_perturbation", "TensorFlow", found["meaningful_perturbation"],
           1 - masked()[0][..., 0])  # fmt: skip
    fall = before - model(masked()[1])[:, 1]
    np.testing.assert_allclose(found["meaningful_perturbation/fall"], fall, atol=1e-4)


def turned(mask):
    """The mask with each of its axes as the rows of a matrix."""
    if len(mask.shape) == 2:
        return [mask[..., None]]
    return [mask, tf.transpose(mask, (0, 2, 1))]


def test_what_is_not_used_is_not_deleted():
    kernel = np.zeros((16, 16, 1), "f4")
    kernel[3:6, 9:12] = 1
    x = RNG.uniform(size=(2, 16, 16, 1)).astype("f4")
    x[:, 3:6, 9:12] += 3
    found = keras_explain.explain(
        linear(kernel), x, MeaningfulPerturbation(cells=16, smoothness=0.01), target=0
    )["meaningful_perturbation"]
    assert found.shape == (2, 16, 16)
    assert found.min() >= 0
    assert found[:, 3:6, 9:12].min() > 0.5
    assert found[:, 9:].max() == 0
    nothing = keras_explain.explain(
        linear(0 * kernel), x, MeaningfulPerturbation(steps=3), target=0
    )
    assert not any(array.any() for array in nothing.values())


def test_where_the_blurred_input_scores_higher_the_score_is_still_taken_down():
    kernel = np.array([-2, 1, 1], "f4")
    found = keras_explain.explain(
        linear(kernel), np.ones((1, 3), "f4") * [[3, 1, 1]], MeaningfulPerturbation(), target=0
    )
    assert found["meaningful_perturbation"][0, 0] == 0
    assert found["meaningful_perturbation"][0, 1:].min() > 0.9
    assert found["meaningful_perturbation/fall"] > 1.9


def test_the_maps_along_an_axis_are_means():
    np.testing.assert_allclose(blurred(9, 2.0).sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(blurred(5, 0.0), np.eye(5))
    np.testing.assert_allclose(stretched(10, 4).sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(stretched(4, 2), [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])


def test_tokens_are_deleted_at_their_embedding_and_several_inputs_at_once():
    model = keras.Sequential(
        [
            keras.Input((8,), dtype="int32"),
            layers.Embedding(20, 6, name="words"),
            layers.Conv1D(4, 3, activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(3),
        ]
    )
    ids = RNG.integers(0, 20, (3, 8))
    found = keras_explain.explain(model, ids, "meaningful_perturbation", target=2)
    assert found["meaningful_perturbation/words"].shape == (3, 8)
    model, x = two_inputs(RNG)
    found = keras_explain.explain(model, x, "meaningful_perturbation", target=0)
    assert found["meaningful_perturbation/picture"].shape == (3, 4, 4)
    assert found["meaningful_perturbation/table"].shape == (3, 3)


def test_wrong_options_are_named():
    for options, message in [
        ({"steps": 0}, "`steps` must be at least 1. Received: 0"),
        ({"cells": 0}, "`cells` must be at least 1. Received: 0"),
        ({"sparsity": -1}, "`sparsity` must be at least 0. Received: -1"),
        ({"learning_rate": 0}, "`learning_rate` must be above 0. Received: 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            MeaningfulPerturbation(**options)
    with pytest.raises(ValueError, match="`baseline` must broadcast"):
        keras_explain.explain(
            linear(np.ones(4, "f4")), np.zeros((1, 4), "f4"),
            MeaningfulPerturbation(baseline=[1, 2, 3]), target=0,
        )  # fmt: skip


def test_a_training_keeps_it(tmp_path):
    kept, expected, _ = fitted(tmp_path, MeaningfulPerturbation(steps=10))
    for key, array in expected.items():
        np.testing.assert_allclose(kept[key], array, rtol=2e-3, atol=1e-3)
