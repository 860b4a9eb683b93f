"""The decision boundary in the plane of the features."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import DecisionBoundary
from tests.agreement import agrees
from tests.seeds import seed

RNG = np.random.default_rng(29)


def network(features=7):
    keras.utils.set_random_seed(seed(5))
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(features, activation="tanh", name="hidden"),
            layers.Dense(3, activation="softmax", name="out"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.set_weights([RNG.normal(size=w.shape) for w in model.get_weights()])
    return model


def parts(found):
    return {key.partition("/")[2]: array for key, array in found.items()}


def test_before_a_linear_head_the_boundary_is_the_line_computed_by_hand():
    # Two features and no more: the plane is the feature space itself, only turned.
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(2, use_bias=False, name="features"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    w, b = np.array([1.5, -0.5], "f4"), np.array([0.2], "f4")
    model.set_weights([np.eye(2), w[:, None], b])
    x = RNG.normal(size=(25, 2)).astype("f4") * [2, 1]
    found = parts(keras_explain.explain(model, x, DecisionBoundary(resolution=40), target=0))
    centred = x.astype("f8") - x.mean(axis=0)
    directions = np.linalg.svd(centred)[2]
    points = centred @ directions.T
    signs = np.sign(points[np.abs(points).argmax(axis=0), [0, 1]])
    reach = 1.15 * np.abs(points).max()
    along = ((np.arange(40) + 0.5) / 20 - 1) * reach
    across, down = np.meshgrid(along, along)
    a, c = (directions * signs[:, None]) @ w, x.mean(axis=0) @ w + b
    line = across * a[0] + down * a[1] + c
    np.testing.assert_array_equal(found["class"][0], line > 0)
    agrees("decision_boundary", "closed form", found["margin"][0], np.abs(line))
    agrees(
        "decision_boundary",
        "closed form",
        found["probability"][0],
        1 / (1 + np.exp(-np.abs(line))),
    )
    agrees("decision_boundary", "closed form", found["points"], (points * signs / reach + 1) / 2)
    np.testing.assert_allclose(found["figures"], [[1, 1]], atol=1e-5)


def test_a_slice_of_many_features_is_what_the_rest_makes_of_them():
    model, x = network(), RNG.normal(size=(20, 5)).astype("f4")
    found = parts(keras_explain.explain(model, x, DecisionBoundary(resolution=9), target=0))
    features = np.asarray(model.get_layer("hidden")(x)).astype("f8")
    mean = features.mean(axis=0)
    directions = np.linalg.svd(features - mean)[2][:2]
    points = (features - mean) @ directions.T
    directions *= np.sign(points[np.abs(points).argmax(axis=0), [0, 1]])[:, None]
    points = (features - mean) @ directions.T
    reach = 1.15 * np.abs(points).max()
    kernel, bias = model.get_layer("out").get_weights()
    logits = np.empty((9, 9, 3))
    for row in range(9):
        for column in range(9):
            at = ((np.array([column, row]) + 0.5) / 9 * 2 - 1) * reach
            logits[row, column] = (mean + at @ directions) @ kernel + bias
    exponentials = np.exp(logits)
    expected = exponentials.max(axis=-1) / exponentials.sum(axis=-1)
    np.testing.assert_array_equal(found["class"][0], logits.argmax(axis=-1))
    agrees("decision_boundary", "NumPy", found["probability"][0], expected)
    ordered = np.sort(logits, axis=-1)
    agrees("decision_boundary", "NumPy", found["margin"][0], ordered[..., 2] - ordered[..., 1])
    projected = (mean + points @ directions) @ kernel + bias
    alike = projected.argmax(axis=1) == (features @ kernel + bias).argmax(axis=1)
    variance = (points**2).sum() / ((features - mean) ** 2).sum()
    np.testing.assert_allclose(found["figures"], [[variance, alike.mean()]], atol=1e-5)


def test_each_probe_lies_in_the_picture_where_its_class_is():
    # Features that vary in the plane alone: what is said of the plane is said of the probes.
    model, x = network(2), RNG.normal(size=(40, 5)).astype("f4")
    found = parts(keras_explain.explain(model, x, DecisionBoundary(resolution=200), target=0))
    column, row = np.floor(found["points"] * 200).astype(int).T
    classes = np.asarray(model(x)).argmax(axis=1)
    assert (found["class"][0][row, column] == classes).mean() > 0.94
    assert found["figures"][0, 1] == 1
    assert 0.05 < found["points"].min() < found["points"].max() < 0.95


def test_the_rest_of_a_convolutional_network_runs_from_the_layer():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(3, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(),
            layers.Flatten(name="flat"),
            layers.Dense(3),
        ]
    )
    x = RNG.normal(size=(6, 8, 8, 1)).astype("f4")
    at_conv = parts(keras_explain.explain(model, x, DecisionBoundary("conv", 8), target=0))
    assert at_conv["class"].shape == (1, 8, 8)
    at_head = parts(keras_explain.explain(model, x, DecisionBoundary(resolution=8), target=0))
    assert not np.array_equal(at_conv["points"], at_head["points"])


def test_a_training_is_watched_in_one_plane(tmp_path):
    model, x = network(), RNG.normal(size=(60, 5)).astype("f4")
    y = (x[:, 0] > 0).astype(int)
    callback = Explain(tmp_path, (x[:20], y[:20]), [DecisionBoundary(resolution=12)], strict=True)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    spec = run.specs["decision_boundary/class"]
    assert (spec.rows, spec.axes, spec.layer) == (("plane",), ("height", "width"), "hidden")
    assert set(np.unique(run.load("decision_boundary/class", 1))) <= {0, 1, 2}
    assert run.load("decision_boundary/points", 1).shape == (20, 2)
    # What training changes is small in two epochs; an unturned plane could be mirrored.
    moved = run.load("decision_boundary/points", 1) - run.load("decision_boundary/points", -1)
    assert np.abs(moved).max() < 0.2


def test_one_probe_has_a_picture_too():
    found = parts(
        keras_explain.explain(network(), np.ones((1, 5), "f4"), DecisionBoundary(), target=0)
    )
    np.testing.assert_array_equal(found["points"], 0.5)
    assert len(np.unique(found["class"])) == 1


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`resolution` must be at least 2"):
        DecisionBoundary(resolution=1)
    x = keras.Input((5,))
    hidden = layers.Dense(4, "tanh", name="hidden")(x)
    past = keras.Model(x, layers.Dense(3)(layers.Concatenate()([hidden, x])))
    data = RNG.normal(size=(4, 5)).astype("f4")
    with pytest.raises(ValueError, match="something goes past it. Received: 'hidden'"):
        keras_explain.explain(past, data, DecisionBoundary("hidden"), target=0)
