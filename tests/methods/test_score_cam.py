"""Score-CAM: closed form, axioms, and the choice of channels."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import ScoreCAM
from keras_explain.methods.enlarging import enlarged
from tests.agreement import agrees

RNG = np.random.default_rng(9)


def pointwise(kernel, dense):
    """1x1 convolution, global sum, dense: the score of a masked input is plain."""
    model = keras.Sequential(
        [
            keras.Input((4, 3, kernel.shape[0])),
            layers.Conv2D(kernel.shape[1], 1, use_bias=False, name="conv"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(dense.shape[1], use_bias=False),
        ]
    )
    model.set_weights([kernel[None, None], dense])
    return model


def test_score_cam_of_a_linear_model_by_hand():
    kernel, dense = RNG.normal(size=(2, 5)), RNG.normal(size=(5, 3))
    x = RNG.normal(size=(3, 4, 3, 2)).astype("f4")
    found = keras_explain.explain(pointwise(kernel, dense), x, ScoreCAM(), target=1)
    for one, ours in zip(x.astype("f8"), found, strict=True):
        maps = one @ kernel
        masks = (maps - maps.min((0, 1))) / (maps.max((0, 1)) - maps.min((0, 1)))
        # The map is as large as the input, so that nothing is enlarged.
        scores = np.array(
            [(masks[..., k, None] * one @ kernel @ dense[:, 1]).mean() for k in range(5)]
        )
        shares = np.exp(scores) / np.exp(scores).sum()
        agrees("score_cam", "closed form", ours, np.maximum(maps @ shares, 0))


def test_a_channel_that_is_the_same_everywhere_counts_nothing():
    kernel, dense = np.array([[1.0, 0.0]]), np.array([[1.0], [50.0]])
    x = RNG.normal(size=(2, 4, 3, 1)).astype("f4")
    found = keras_explain.explain(pointwise(kernel, dense), x, ScoreCAM())
    np.testing.assert_allclose(found, np.maximum(x[..., 0], 0), rtol=1e-5)
    assert (keras_explain.explain(pointwise(kernel, dense), 0 * x, ScoreCAM()) == 0).all()


def test_the_channels_that_vary_most_are_tried():
    kernel = np.array([[0.1, 2.0, 0.0, -3.0, 0.5]])
    dense = RNG.normal(size=(5, 2))
    x = RNG.normal(size=(2, 4, 3, 1)).astype("f4")
    found = keras_explain.explain(pointwise(kernel, dense), x, ScoreCAM(channels=2), target=0)
    # The same score, but only channels 1 and 3 have a map: the others are constant.
    kept = kernel * [0, 1, 0, 1, 0]
    maps = x.astype("f8") @ kept
    masks = maps - maps.min((1, 2), keepdims=True)
    masks /= np.maximum(masks.max((1, 2), keepdims=True), 1e-12)
    scores = np.einsum("phwk,phwc,cd,d->pk", masks, x, kernel, dense[:, 0])[:, [1, 3]] / 12
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    expected = np.maximum(np.einsum("phwk,pk->phw", maps[..., [1, 3]], shares), 0)
    agrees("score_cam", "NumPy", found, expected)


def test_each_of_several_pictures_is_masked():
    a, b = keras.Input((8, 8, 1), name="a"), keras.Input((4, 4, 1), name="b")
    extra = keras.Input((3,), name="extra")
    joined = layers.Add()([layers.Conv2D(2, 3, strides=2, padding="same")(a), b])
    last = layers.Conv2D(3, 3, name="last", activation="relu")(joined)
    flat = layers.Concatenate()([layers.Flatten()(last), extra])
    model = keras.Model([a, b, extra], layers.Dense(2)(flat))
    x = [RNG.normal(size=(2, *part.shape[1:])).astype("f4") for part in (a, b, extra)]
    found = keras_explain.explain(model, x, ScoreCAM(), target=0)
    maps = np.asarray(keras.Model(model.inputs, last)(x))
    for row in range(2):
        scores = []
        for k in range(3):
            one = maps[row, ..., k][None]
            one = (one - one.min()) / (one.max() - one.min()) if one.max() > one.min() else 0 * one
            seen = [x[0][[row]] * enlarged(one, (8, 8))[..., None],
                    x[1][[row]] * enlarged(one, (4, 4))[..., None], x[2][[row]]]  # fmt: skip
            scores.append(float(model(seen)[0, 0]) if one.any() else -np.inf)
        shares = np.exp(scores) / np.exp(scores).sum()
        np.testing.assert_allclose(found[row], np.maximum(maps[row] @ shares, 0), rtol=1e-4)


def test_enlarging_is_bilinear():
    # Half-pixel centres: 0.25 of the way at the second of four, and edges held.
    np.testing.assert_allclose(
        enlarged(np.array([[0.0, 4.0]], "f4"), (4,)), [[0, 1, 3, 4]], atol=1e-6
    )
    maps = RNG.normal(size=(3, 2, 5)).astype("f4")
    np.testing.assert_array_equal(enlarged(maps, (2, 5)), maps)
    assert enlarged(np.ones((2, 3, 4), "f4"), (7, 9)).shape == (2, 7, 9)
    np.testing.assert_allclose(enlarged(np.ones((2, 3, 4), "f4"), (7, 9)), 1, rtol=1e-6)


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`channels` must be at least 1, or None.*Received: 0"):
        ScoreCAM(channels=0)
    model = keras.Sequential(
        [
            keras.Input((16,)),
            layers.Reshape((4, 4, 1)),
            layers.Conv2D(2, 3),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    with pytest.raises(ValueError, match="must have as many space axes as an input has"):
        keras_explain.explain(model, np.zeros((1, 16), "f4"), ScoreCAM())
