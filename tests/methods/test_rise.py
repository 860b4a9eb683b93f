"""RISE: mean scores behind random masks."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import RISE
from tests.agreement import agrees
from tests.reference.perturbation_reference import draws

from .perturbed import fitted, linear, of_tokens, two_inputs

RNG = np.random.default_rng(21)


def stretched(cells, size):
    """Linear interpolation to `size` along the first axis, cells being of equal width."""
    at = np.clip((np.arange(size) + 0.5) * len(cells) / size - 0.5, 0, len(cells) - 1)
    low = np.floor(at).astype(int)
    high, share = np.minimum(low + 1, len(cells) - 1), at - low
    share = share.reshape(-1, *(1 for _ in cells.shape[1:]))
    return cells[low] * (1 - share) + cells[high] * share


def masks_of(row, shape, count, cells, probability=0.5):
    """The paper's masks, one after another: stretched cells, cropped at a random shift."""
    random = draws(row)
    few = [min(cells, n) for n in shape]
    steps = [-(-n // s) for n, s in zip(shape, few, strict=True)]
    seen = random.random((count, *few)) < probability
    shifts = random.integers(0, steps, (count, len(shape)))
    for grid, shift in zip(seen.astype("f8"), shifts, strict=True):
        for axis, (n, step) in enumerate(zip(few, steps, strict=True)):
            grid = np.moveaxis(stretched(np.moveaxis(grid, axis, 0), (n + 1) * step), 0, axis)
        yield grid[tuple(slice(at, at + n) for at, n in zip(shift, shape, strict=True))]


@pytest.mark.parametrize("shape", [(13, 11, 2), (17, 3), (6, 5, 7, 1)])
def test_it_is_the_paper_s_formula_less_the_mean(shape):
    model = keras.Sequential(
        [keras.Input(shape), layers.Flatten(), layers.Dense(6, "tanh"), layers.Dense(2)]
    )
    x = RNG.normal(size=(2, *shape)).astype("f4")
    found = keras_explain.explain(model, x, RISE(70, cells=4, baseline=0.2), target=1)
    assert found["rise"].shape == (2, *shape[:-1])
    for row in range(2):
        masks = np.stack(list(masks_of(x[row], shape[:-1], 70, 4)))
        behind = 0.2 + masks[..., None] * (x[row] - 0.2)
        scores = np.asarray(model(behind.astype("f4")))[:, 1].astype("f8")
        paper = np.tensordot(scores, masks, axes=1) / masks.sum(axis=0)
        agrees("rise", "NumPy", found["rise"][row] + found["rise/mean"][row], paper)
        agrees("rise", "NumPy", found["rise"][row], paper - scores.mean())


def test_its_masks_are_those_of_scikit_image():
    transform = pytest.importorskip("skimage.transform")
    grid = np.random.default_rng(0).random((4, 4))
    size = (4 + 1) * 3
    expected = transform.resize(grid, (size, size), order=1, mode="edge", anti_aliasing=False)
    ours = stretched(stretched(grid, size).T, size).T
    np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_a_large_constant_in_the_score_changes_nothing():
    kernel = RNG.normal(size=(8, 8, 1)).astype("f4")
    x = RNG.normal(size=(2, 8, 8, 1)).astype("f4")
    model = linear(kernel)
    found = keras_explain.explain(model, x, RISE(100), target=0)
    bias = model.layers[-1].bias
    bias.assign(bias + 64)
    moved = keras_explain.explain(model, x, RISE(100), target=0)
    size = np.abs(found["rise"]).max()
    np.testing.assert_allclose(moved["rise"], found["rise"], atol=1e-4 * size)
    np.testing.assert_allclose(moved["rise/mean"], found["rise/mean"] + 64, rtol=1e-5)


def test_it_finds_what_counts():
    kernel = np.zeros((16, 16, 1), "f4")
    kernel[4:8, 8:12] = 1
    found = keras_explain.explain(
        linear(kernel), np.ones((1, 16, 16, 1), "f4"), RISE(1000), target=0
    )["rise"][0]
    assert kernel[..., 0][np.unravel_index(found.argmax(), found.shape)] == 1
    inside = found[4:8, 8:12].mean()
    # Far away only chance is left: 16 values of variance 1/4 in a few groups, over 1000 masks.
    assert np.abs(found[12:, :4]).max() < 0.2 * inside


def test_tokens_and_columns_are_there_or_hidden_each_by_itself():
    model, words = of_tokens()
    ids = RNG.integers(1, 20, (2, 7))
    found = keras_explain.explain(model, ids, RISE(300, baseline=5), target=0)["rise"]
    for row in range(2):
        there = draws(ids[row].astype("int32")).random((300, 7)) < 0.5
        scores = np.where(there, words[ids[row]], words[5]).sum(axis=1)
        paper = there.T @ scores / there.sum(axis=0) - scores.mean()
        agrees("rise", "NumPy", found[row], paper)


def test_several_inputs_are_masked_together():
    model, x = two_inputs(RNG)
    found = keras_explain.explain(model, x, RISE(64), target=0)
    assert found["rise/picture"].shape == (3, 4, 4)
    assert found["rise/table"].shape == (3, 3)
    assert np.abs(found["rise/table"]).min() > 0


def test_wrong_options_are_named():
    for options, message in [
        ({"masks": 0}, "`masks` must be at least 1. Received: 0"),
        ({"cells": 0}, "`cells` must be at least 1. Received: 0"),
        ({"probability": 1}, "`probability` must be between 0 and 1. Received: 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            RISE(**options)


def test_a_training_keeps_it(tmp_path):
    kept, expected, _ = fitted(tmp_path, RISE(64))
    np.testing.assert_allclose(kept["rise"], expected["rise"], rtol=2e-3, atol=1e-3)
    np.testing.assert_allclose(kept["rise/mean"], expected["rise/mean"], rtol=1e-5)
