"""Agreement between methods."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import Agreement, GradCAM, GradientTimesInput, Saliency
from tests.agreement import agrees
from tests.seeds import seed

RNG = np.random.default_rng(3)


def network():
    keras.utils.set_random_seed(seed(5))
    return keras.Sequential(
        [
            keras.Input((12, 12, 2)),
            layers.Conv2D(4, 3, padding="same", activation="relu", name="conv"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def test_maps_are_compared_on_the_coarser_grid_by_rank():
    model, x = network(), RNG.normal(size=(5, 12, 12, 2)).astype("f4")
    model.set_weights([np.abs(weight) for weight in model.get_weights()])  # no map is empty
    pair = Agreement([Saliency(), GradCAM(layer="pool")])
    found = keras_explain.explain(model, x, pair, target=1)
    saliency = keras_explain.explain(model, x, Saliency(), target=1).max(axis=-1)
    coarse = saliency.reshape(5, 6, 2, 6, 2).mean(axis=(2, 4)).reshape(5, -1)
    cam = keras_explain.explain(model, x, GradCAM(layer="pool"), target=1).reshape(5, -1)
    # Ranks by comparing all with all, ties in the middle.
    ranks = [
        (m[:, :, None] > m[:, None]).sum(axis=2) + (m[:, :, None] >= m[:, None]).sum(axis=2)
        for m in (coarse, cam)
    ]
    expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(*ranks, strict=True)]
    assert found.shape == (5, 1)
    agrees("agreement", "NumPy", found[:, 0], expected)


def test_each_pair_has_its_figure():
    model, x = network(), RNG.normal(size=(3, 12, 12, 2)).astype("f4")
    found = keras_explain.explain(model, x, Agreement(), target=0)
    assert found.shape == (3, 3)
    assert (np.abs(found) <= 1).all()
    for similarity, same in (("spearman", 1), ("cosine", 1), ("top10", 1)):
        twice = Agreement([GradientTimesInput(), "gradient_times_input"], similarity)
        agrees("agreement", "closed form", keras_explain.explain(model, x, twice, target=0),
               np.full((3, 1), same))  # fmt: skip


def test_methods_that_do_not_apply_are_left_out_only_if_not_named():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, "relu"), layers.Dense(2)])
    x = RNG.normal(size=(3, 6)).astype("f4")
    assert keras_explain.explain(model, x, Agreement(), target=0).shape == (3, 1)
    with pytest.raises(ValueError, match="needs a convolution"):
        keras_explain.explain(model, x, Agreement(["saliency", "grad_cam"]), target=0)


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`similarity` must be one of spearman"):
        Agreement(similarity="kendall")
    with pytest.raises(ValueError, match="`methods` must be at least two"):
        Agreement(["saliency"])
