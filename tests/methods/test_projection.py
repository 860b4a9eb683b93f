"""Projections of features, and the decision boundary between them."""

import importlib.util
from unittest import mock

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import Projection
from keras_explain.methods.planes import principal_plane, procrustes
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from tests.agreement import agrees
from tests.seeds import seed

RNG = np.random.default_rng(23)
with_extra = pytest.mark.skipif(
    not (importlib.util.find_spec("sklearn") and importlib.util.find_spec("umap")),
    reason="keras-explain[features] is not installed",
)


def network():
    keras.utils.set_random_seed(seed(5))
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(10, activation="tanh", name="hidden"),
            layers.Dense(3, activation="softmax", name="out"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    return model


def hidden_of(model, x):
    return np.asarray(model.get_layer("hidden")(x))


def test_the_points_are_the_principal_components():
    model, x = network(), RNG.normal(size=(30, 6)).astype("f4")
    found = keras_explain.explain(model, x, Projection(), target=0)
    features = hidden_of(model, x).astype("f8")
    features -= features.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(features.T))
    points = features @ vectors[:, ::-1][:, :2]
    points *= np.sign(points[np.abs(points).argmax(axis=0), [0, 1]])
    agrees("projection", "NumPy", found["projection/pca/hidden"], points)
    shares = values[::-1] / values.sum()
    expected = [shares[0], shares[1], shares[0] + shares[1]]
    agrees("projection", "NumPy", found["projection/pca/hidden/figures"][0, 1:], expected)
    assert np.isnan(found["projection/pca/hidden/figures"][0, 0])


@with_extra
def test_agrees_with_scikit_learn():
    from sklearn.decomposition import PCA

    features = RNG.normal(size=(25, 40)) * np.geomspace(5, 0.1, 40)
    theirs = PCA(2)
    points = theirs.fit_transform(features)
    ours = principal_plane(features)
    agrees("projection", "scikit-learn", np.abs(ours.points), np.abs(points))
    agrees("projection", "scikit-learn", ours.shares, theirs.explained_variance_ratio_)
    np.testing.assert_allclose(
        ours.mean + ours.points @ ours.basis, theirs.inverse_transform(points)
    )


@pytest.mark.parametrize("mirrored", [1, -1])
def test_a_turned_picture_is_turned_back(mirrored):
    points = RNG.normal(size=(12, 2)) * [3, 1]
    points -= points.mean(axis=0)
    turn = np.array([[np.cos(2), -np.sin(2)], [np.sin(2), np.cos(2)]]) * [1, mirrored]
    turned = points @ turn
    agrees("projection", "closed form", turned @ procrustes(turned, points), points)
    # Lengths are not touched: what has grown stays grown.
    grown = 2 * turned @ procrustes(2 * turned, points)
    agrees("projection", "closed form", grown, 2 * points)


def test_a_rotation_of_all_features_does_not_move_the_points():
    x = RNG.normal(size=(20, 6)).astype("f4")
    linear = keras.Sequential(
        [keras.Input((6,)), layers.Dense(6, use_bias=False, name="f"), layers.Dense(2)]
    )
    made = Pass(linear, Probes.of((x, None)), [Projection()], "predicted")
    linear.layers[0].set_weights([np.eye(6)])
    before = made.run().readings[0]
    rotation = np.linalg.qr(RNG.normal(size=(6, 6)))[0]
    linear.layers[0].set_weights([rotation])
    after = made.run().readings[0]
    np.testing.assert_allclose(after["projection/pca/f"], before["projection/pca/f"], atol=1e-4)
    assert after["projection/pca/f/figures"][0, 0] < 1e-4
    linear.layers[0].set_weights([2 * rotation])
    grown = made.run().readings[0]
    np.testing.assert_allclose(grown["projection/pca/f"], 2 * before["projection/pca/f"], atol=1e-4)
    assert grown["projection/pca/f/figures"][0, 0] == pytest.approx(1, abs=1e-4)


def test_the_points_of_a_training_follow_one_another(tmp_path):
    model, x = network(), RNG.normal(size=(60, 6)).astype("f4")
    y = (x[:, 0] > 0).astype(int)
    callback = Explain(tmp_path, (x[:20], y[:20]), [Projection()], strict=True)
    model.fit(x, y, epochs=3, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    steps = [run.load("projection/pca/hidden", step).astype("f8") for step in run.steps]
    for before, after, step in zip(steps, steps[1:], run.steps[1:], strict=False):
        # No turn brings the points any closer.
        closest = after @ procrustes(after, before)
        np.testing.assert_allclose(after, closest, atol=1e-4)
        moved = np.sqrt(((after - before) ** 2).sum() / (before**2).sum())
        found = run.load("projection/pca/hidden/figures", step)
        assert found[0, 0] == pytest.approx(moved, rel=1e-3)
    assert run.specs["projection/pca/hidden"].labels == {"coordinate": ("x", "y")}
    features = hidden_of(model, x[:20])
    expected = principal_plane(features).points
    lengths = [np.linalg.norm(points, axis=1) for points in (steps[-1], expected)]
    np.testing.assert_allclose(*lengths, atol=1e-4)


@with_extra
@pytest.mark.parametrize("kind", ["tsne", "umap"])
def test_neighbours_stay_neighbours_and_chance_is_fixed(kind):
    model = network()
    x = np.repeat(4 * RNG.normal(size=(3, 6)), 10, axis=0) + 0.1 * RNG.normal(size=(30, 6))
    method = Projection(kind=kind)
    state = np.random.get_state()[1].tolist()  # noqa: NPY002, it must stay as it is
    found, again = (
        keras_explain.explain(model, x.astype("f4"), method, target=0)[f"projection/{kind}/hidden"]
        for _ in range(2)
    )
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
    np.testing.assert_array_equal(found, again)
    distances = np.linalg.norm(found[:, None] - found, axis=-1) + 1e9 * np.eye(30)
    assert (distances.argmin(axis=1) // 10 == np.arange(30) // 10).all()
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-4)


@with_extra
@pytest.mark.parametrize(("kind", "stirred"), [("tsne", 0.02), ("umap", 0.3)])
def test_a_layout_stays_while_the_features_do_and_follows_them(kind, stirred):
    rng = np.random.default_rng(0)
    x = np.repeat(4 * rng.normal(size=(3, 6)), 10, axis=0) + 0.1 * rng.normal(size=(30, 6))
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(6, use_bias=False, name="f"), layers.Dense(2)]
    )
    model.layers[0].set_weights([np.eye(6)])
    made = Pass(model, Probes.of((x.astype("f4"), None)), [Projection(kind=kind)], "predicted")
    key = f"projection/{kind}/f"
    first, second, third = (made.run().readings[0] for _ in range(3))
    assert np.isnan(first[f"{key}/figures"]).all()
    still = max(found[f"{key}/figures"][0, 0] for found in (second, third))
    assert still < stirred
    # Without the directions in which the groups differ, they are mixed.
    groups = np.linalg.svd(x - x.mean(axis=0))[2][:2]
    model.layers[0].set_weights([np.eye(6) - groups.T @ groups])
    mixed = [made.run().readings[0] for _ in range(5)]
    assert mixed[0][f"{key}/figures"][0, 0] > 2 * still  # UMAP differs from machine to machine
    points = [found[key].reshape(3, 10, 2) for found in (third, mixed[-1])]
    apart = [p.mean(axis=1).std() / p.std() for p in points]
    assert apart[1] < 0.7 * apart[0]


@pytest.mark.parametrize("probes", [1, 2, 3])
def test_few_probes_and_dead_layers_have_a_place_too(probes):
    model, x = network(), RNG.normal(size=(probes, 6)).astype("f4")
    kinds = ["pca"] + ["tsne"] * bool(importlib.util.find_spec("sklearn"))
    for kind in kinds:
        found = keras_explain.explain(model, x, Projection(kind=kind), target=0)
        assert np.isfinite(found[f"projection/{kind}/hidden"]).all()
    model.get_layer("hidden").kernel.assign(np.zeros((6, 10)))
    found = keras_explain.explain(model, x, Projection(), target=0)
    np.testing.assert_array_equal(found["projection/pca/hidden"], 0)


def test_maps_and_tokens_are_laid_out_too():
    model = keras.Sequential(
        [
            keras.Input((8,), dtype="int32"),
            layers.Embedding(20, 6),
            layers.Conv1D(4, 3, name="conv"),
            layers.GlobalMaxPooling1D(name="pool"),
            layers.Dense(3),
        ]
    )
    x = RNG.integers(0, 20, (5, 8))
    assert keras_explain.explain(model, x, Projection(), target=0)["projection/pca/pool"].any()
    found = keras_explain.explain(model, x, Projection("conv"), target=0)
    features = np.asarray(model.get_layer("conv")(model.layers[0](x))).reshape(5, -1)
    expected = np.abs(principal_plane(features).points)
    np.testing.assert_allclose(np.abs(found["projection/pca/conv"]), expected, atol=1e-5)


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`kind` must be one of pca, tsne, umap"):
        Projection(kind="isomap")
    with pytest.raises(ValueError, match="`neighbors` must be at least 2"):
        Projection(neighbors=1)
    with pytest.raises(ValueError, match="`perplexity` must be above 0"):
        Projection(perplexity=0)
    with pytest.raises(ValueError, match="`layer` names no layer"):
        keras_explain.explain(network(), np.zeros((2, 6), "f4"), Projection("hiden"), target=0)
    with (
        mock.patch("keras_explain.methods.projection.find_spec", return_value=None),
        pytest.raises(ImportError, match=r"pip install 'keras-explain\[features\]'"),
    ):
        keras_explain.explain(network(), np.zeros((2, 6), "f4"), Projection(kind="umap"), target=0)
