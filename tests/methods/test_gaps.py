"""What is missing from a sum, as a share: of something, wherever the score does not change."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_explain
from keras_explain.methods.gaps import share_missing

X = np.random.default_rng(0).normal(size=(3, 4)).astype("f4")


def test_it_is_a_share_of_what_is_expected():
    share = share_missing(np.array([3.0, 2.0]), np.array([4.0, 2.0]), np.array([5.0, 2.0]))
    np.testing.assert_allclose(share, [-0.25, 0.0])


@pytest.mark.parametrize(
    ("total", "expected", "attributed", "scores", "share"),
    [
        (0.0, 0.0, 0.0, (0.0, 0.0), 0.0),
        (1e-20, 0.0, 1e-20, (2.0, 2.0), 5e-16),  # against the rounding of the scores
        (1.0, 0.0, 4.0, (0.0, 0.0), 250.0),  # against a thousandth of what is attributed
        (np.nan, 0.0, 1.0, (0.0, 0.0), np.nan),
    ],
)
def test_it_is_bounded_where_next_to_nothing_is_expected(
    total, expected, attributed, scores, share
):
    given = map(np.array, ([total], [expected], [attributed], *([s] for s in scores)))
    np.testing.assert_allclose(share_missing(*given), [share], rtol=1e-6)


class Flat(layers.Layer):
    """All that depends on the input is too small to change the score."""

    def call(self, x):
        return 3 + 1e-20 * ops.sum(x, axis=-1, keepdims=True)


@pytest.mark.parametrize("method", ["integrated_gradients", "deep_lift", "kernel_shap"])
def test_a_score_that_does_not_change_has_no_gap(method):
    x = keras.Input((4,))
    model = keras.Model(x, Flat()(x))
    gap = keras_explain.explain(model, X, method, target=0)[f"{method}/gap"]
    assert np.abs(gap).max() < 1e-6


WORDS = np.array([[3, 4, 5, 0], [1, 2, 0, 0]], "int32")


def masking(pooled):
    words = keras.Input((4,), dtype="int32")
    h = layers.Embedding(8, 3, mask_zero=True)(words)
    h = layers.GlobalAveragePooling1D()(h) if pooled else layers.LSTM(3)(h)
    return keras.Model(words, layers.Dense(2)(h))


@pytest.mark.parametrize("method", ["kernel_shap", "shapley_sampling", "lime", "occlusion", "rise"])
def test_padding_alone_as_a_baseline_is_refused_with_a_way_out(method):
    method = {"occlusion": keras_explain.methods.Occlusion(window=4)}.get(method, method)
    with pytest.raises(ValueError, match=r"`baseline` must leave a score .*\[UNK\]"):
        keras_explain.explain(masking(pooled=True), WORDS, method, target=0)


@pytest.mark.parametrize("method", ["KernelSHAP", "ShapleySampling", "LIME", "Occlusion"])
def test_another_word_as_a_baseline_is_taken(method):
    chosen = getattr(keras_explain.methods, method)(baseline=7)
    found = keras_explain.explain(masking(pooled=True), WORDS, chosen, target=0)
    for values in found.values() if isinstance(found, dict) else [found]:
        assert np.isfinite(values).all()


def test_padding_that_a_model_can_take_is_no_fault():
    found = keras_explain.explain(masking(pooled=False), WORDS, "kernel_shap", target=0)
    assert all(np.isfinite(values).all() for values in found.values())
