"""Regions: which values make up one feature."""

import numpy as np
import pytest

import keras_explain
from keras_explain.methods import KernelSHAP, Occlusion, ShapleySampling
from keras_explain.methods.regions import are_shared, most_features, regions_at, splits_channels
from keras_explain.model_view import Place, axes_of

from .perturbed import linear

RNG = np.random.default_rng(1)


def place(*shape, dtype="float32", name="input"):
    return Place(name, axes_of(len(shape)), shape, differentiable=dtype.startswith("float"))


def regions(features, *shape, rows=2):
    values = RNG.normal(size=(rows, *shape)).astype("f4")
    return regions_at(features, place(*shape), values, {})


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        ((9,), 9),
        ((300,), 300),
        ((200, 3), 64),
        ((28, 28, 1), 64),
        ((5, 30, 3), 40),
        ((9, 9, 9, 2), 64),
    ],
)
def test_the_default_is_one_column_or_a_cell_of_a_grid(shape, count):
    found = regions(None, *shape)
    np.testing.assert_array_equal(np.unique(found), np.arange(count))
    assert len(found) == 1
    sizes = np.bincount(found.ravel())
    assert sizes.max() <= 2 ** max(1, len(shape) - 1) * sizes.min()
    assert most_features(None, [place(*shape)]) == count


def test_patches_have_the_size_that_was_asked_for():
    np.testing.assert_array_equal(regions(2, 5)[0], [0, 0, 1, 1, 2])
    np.testing.assert_array_equal(regions((3,), 4, 2)[0], [[0], [0], [0], [1]])
    found = regions((2, 3), 4, 4, 2)[0]
    assert found.shape == (4, 4, 1)
    np.testing.assert_array_equal(found[::2, :, 0], [[0, 0, 0, 1], [2, 2, 2, 3]])
    assert regions((4, 4, 1), 4, 4, 2)[0].shape == (4, 4, 2)


def test_values_are_features_each_with_their_channels_apart():
    np.testing.assert_array_equal(regions("values", 2, 2, 3)[0].ravel(), np.arange(12))
    assert splits_channels("values", place(2, 2, 3))
    assert not splits_channels(None, place(2, 2, 3))


def test_a_mask_of_ones_own_may_be_numbered_in_any_way():
    mask = np.array([[7, 7, -1], [7, 9, 9]])
    np.testing.assert_array_equal(regions(mask, 2, 3, 4)[0, ..., 0], [[1, 1, 0], [1, 2, 2]])
    assert not splits_channels(mask, place(2, 3, 4))
    np.testing.assert_array_equal(regions(mask.tolist(), 2, 3)[0], [[1, 1, 0], [1, 2, 2]])
    of_each = np.stack([mask, np.arange(6).reshape(2, 3)])
    assert regions(of_each, 2, 3, 4).shape == (2, 2, 3, 1)
    assert not are_shared(of_each, [place(2, 3, 4)])
    assert are_shared(mask, [place(2, 3, 4)])
    channels = np.arange(4).reshape(1, 1, 4)
    assert splits_channels(channels, place(2, 3, 4))


def test_superpixels_follow_the_edges_of_each_picture():
    pytest.importorskip("skimage")
    picture = np.zeros((2, 32, 32, 3), "f4")
    picture[0, :, 13:] = [1, 0, 0]
    picture[1, 9:] = [0, 0, 1]
    memory = {}
    found = regions_at("superpixels", place(32, 32, 3), picture, memory)
    assert found.shape == (2, 32, 32, 1)
    for ids, colour in zip(found[..., 0], picture.sum(axis=-1), strict=True):
        assert 20 <= ids.max() + 1 <= 100
        means = np.bincount(ids.ravel(), colour.ravel()) / np.bincount(ids.ravel())
        assert np.mean((means < 0.01) | (means > 0.99)) > 0.95
    again = regions_at("superpixels", place(32, 32, 3), picture, memory)
    np.testing.assert_array_equal(found, again)
    volume = RNG.normal(size=(1, 8, 8, 8, 1)).astype("f4")
    assert regions_at("superpixels", place(8, 8, 8, 1), volume, {}).shape == (1, 8, 8, 8, 1)


def test_probes_with_different_numbers_of_superpixels_play_one_game():
    pytest.importorskip("skimage")
    x = RNG.normal(size=(3, 24, 24, 3)).astype("f4")
    x[1, 5:15, 5:15] += 8
    kernel = RNG.normal(size=(24, 24, 3)).astype("f4")
    ids = regions_at("superpixels", place(24, 24, 3), x, {})[..., 0]
    for method in (KernelSHAP(features="superpixels"), ShapleySampling(2, features="superpixels")):
        found = keras_explain.explain(linear(kernel), x, method, target=0)
        found = found["kernel_shap"] if isinstance(found, dict) else found
        for row in range(3):
            shares = np.bincount(ids[row].ravel(), (kernel * x[row]).sum(axis=-1).ravel())
            np.testing.assert_allclose(found[row], shares[ids[row]], atol=2e-3)


def test_features_that_do_not_fit_are_named_before_the_training():
    x, model = np.zeros((2, 4, 4, 2), "f4"), linear(np.ones((4, 4, 2), "f4"))
    for features, received in [
        ("pixels", "Received: 'pixels'"),
        (0, "Received: 0"),
        ((2, 2, 2, 2), r"Received: \(2, 2, 2, 2\) for 'input' of shape \(4, 4, 2\)"),
        (np.zeros((3, 4), int), r"Received: an array of int64 of shape \(3, 4\)"),
        (np.zeros((4, 4)), "Received: an array of float64"),
    ]:
        with pytest.raises(ValueError, match=f"`features` must be None, 'values'.*{received}"):
            keras_explain.explain(model, x, KernelSHAP(features=features), target=0)
    with pytest.raises(ValueError, match="`features` must name inputs. Known: input. Received"):
        keras_explain.explain(model, x, KernelSHAP(features={"picture": 2}), target=0)
    with pytest.raises(ValueError, match="have a row for each of 2 probes"):
        keras_explain.explain(model, x, KernelSHAP(features=np.zeros((3, 4, 4), int)), target=0)
    table = linear(np.ones(4, "f4"))
    with pytest.raises(ValueError, match="only of an input of pictures or volumes"):
        keras_explain.explain(table, x[:, 0, :, 0], KernelSHAP(features="superpixels"), target=0)
    with pytest.raises(ValueError, match=r"at most 1024 features.*Received: 'values', 1250"):
        keras_explain.explain(
            linear(np.ones((25, 25, 2), "f4")), np.zeros((1, 25, 25, 2), "f4"),
            KernelSHAP(features="values"), target=0,
        )  # fmt: skip
    with pytest.raises(ValueError, match=r"`baseline` must broadcast to \(1, 4, 4, 2\)"):
        keras_explain.explain(model, x, Occlusion(baseline=[1, 2, 3]), target=0)
    with pytest.raises(ValueError, match="`baseline` must name each input. Missing: 'input'"):
        keras_explain.explain(model, x, Occlusion(baseline={"x": 0}), target=0)
