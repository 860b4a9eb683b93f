"""Weight gradients: closed form, a hand-written tape, and exact histograms."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods.weight_gradients import (
    EDGES,
    STATISTICS,
    WeightGradients,
    histogram_of,
    statistics_of,
)
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from tests.agreement import agrees

RNG = np.random.default_rng(8)


def test_gradient_of_linear_regression_is_known():
    x, y = RNG.normal(size=(10, 4)).astype("float32"), RNG.normal(size=(10, 1)).astype("float32")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, name="fit")])
    model.compile(loss="mse")
    found = keras_explain.explain(model, x, "weight_gradients", labels=y, target=0)
    residual = np.asarray(model(x)) - y
    kernel = next(a for name, a in found.items() if name.endswith("kernel"))
    # d/dw mean((xw - y)^2) = 2/n x'(xw - y)
    agrees("weight_gradients", "closed form", kernel[0], 2 / 10 * x.T @ residual)


def network():
    model = keras.Sequential(
        [
            keras.Input((10, 10, 2)),
            layers.Conv2D(4, 3, kernel_regularizer="l2", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", name="head"),
        ]
    )
    model.compile(loss="sparse_categorical_crossentropy")
    return model


def test_it_agrees_with_a_hand_written_tape():
    model, y = network(), RNG.integers(0, 3, 7)
    x = RNG.normal(size=(7, 10, 10, 2)).astype("float32")
    found = keras_explain.explain(model, x, "weight_gradients", labels=y)
    with tf.GradientTape() as tape:
        losses = keras.losses.sparse_categorical_crossentropy(y, model(x, training=False))
        loss = tf.reduce_mean(losses) + sum(model.losses)
    weights = model.trainable_variables
    by_hand = tape.gradient(loss, [weight.value for weight in weights])
    statistics = found["weight_gradients/statistics"]
    for row, weight, expected in zip(statistics, weights, by_hand, strict=True):
        expected = expected.numpy()
        if expected.ndim > 1:
            layer = weight.path.split("/")[-2]
            raw = found[f"weight_gradients/{layer}/{weight.name}"][0]
            largest = np.abs(expected).max()
            np.testing.assert_allclose(raw, expected, rtol=1e-5, atol=1e-6 * largest)
            agrees("weight_gradients", "GradientTape", raw, expected)
        figures = dict(zip(STATISTICS, row, strict=True))
        assert figures["norm"] == pytest.approx(np.linalg.norm(expected), rel=1e-4)
        assert figures["mean"] == pytest.approx(expected.mean(), abs=1e-6)
        assert figures["std"] == pytest.approx(expected.std(), rel=1e-3, abs=1e-6)
        assert figures["weight_norm"] == pytest.approx(np.linalg.norm(weight), rel=1e-5)
        assert figures["size"] == expected.size
    counts = found["weight_gradients/histogram"]
    assert counts.shape == (len(weights), len(EDGES) - 1)
    np.testing.assert_array_equal(counts.sum(axis=1), [np.prod(w.shape) for w in weights])


def test_frozen_weights_have_no_row():
    model = network()
    model.get_layer("conv").trainable = False
    x, y = np.zeros((2, 10, 10, 2), "float32"), np.zeros(2, int)
    found = keras_explain.explain(model, x, "weight_gradients", labels=y)
    assert len(found["weight_gradients/statistics"]) == len(model.trainable_variables) == 4


def test_it_needs_labels_and_a_loss():
    x = np.zeros((2, 10, 10, 2), "float32")
    with pytest.raises(ValueError, match="labels with the probes, and a model that is compiled"):
        keras_explain.explain(network(), x, "weight_gradients")


FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(arrays(np.float32, st.integers(1, 60), elements=FLOATS))
def test_histogram_counts_as_numpy_does(values):
    finite = values[np.isfinite(values)].astype(float)
    inside = np.clip(finite, -(2.0**15.5), 2.0**15.5)  # beyond the last edge is in the last bin
    sizes, edges = np.abs(inside), np.array(EDGES)[len(EDGES) // 2 :]
    # By magnitude, so that an edge itself belongs outwards on both sides.
    place = np.searchsorted(edges, sizes, side="right") * np.where(np.signbit(inside), -1, 1)
    expected = np.bincount(place + len(edges) - 1, minlength=len(EDGES) - 1)
    np.testing.assert_array_equal(histogram_of(values), expected)


@given(
    arrays(
        np.float32,
        st.integers(1, 60),
        elements=st.floats(width=32, allow_nan=False, min_value=-(2.0**60), max_value=2.0**60),
    )
)
def test_statistics_are_those_of_numpy(values):
    figures = dict(zip(STATISTICS, statistics_of(values, values), strict=True))
    wide = values.astype(np.float64)
    assert figures["norm"] == pytest.approx(np.linalg.norm(wide), rel=1e-5, abs=1e-44)
    assert figures["mean"] == pytest.approx(wide.mean(), rel=1e-5, abs=1e-44)
    assert figures["zero_share"] == pytest.approx((wide == 0).mean())
    assert (figures["min"], figures["max"]) == (values.min(), values.max())


def line_fit(tmp_path, method, epochs=3):
    """Linear regression by plain gradient descent, one batch an epoch, explained on that batch."""
    x, y = RNG.normal(size=(10, 4)).astype("float32"), RNG.normal(size=(10, 1)).astype("float32")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, use_bias=False, name="fit")])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    explain = Explain(tmp_path, (x, y), [method], target=0, strict=True)
    model.fit(x, y, batch_size=10, epochs=epochs, shuffle=False, verbose=0, callbacks=[explain])
    return model, x, y, explain


def figures_of(log_dir, name):
    run = keras_explain.Run(log_dir)
    names = run.specs["weight_gradients/statistics"].labels["statistic"]
    rows = [run.load("weight_gradients/statistics", step)[0] for step in run.steps]
    return np.array(rows)[:, names.index(name)]


def test_the_update_of_gradient_descent_is_its_rate_times_the_gradient(tmp_path):
    line_fit(tmp_path, WeightGradients())
    norms, updates = figures_of(tmp_path, "norm"), figures_of(tmp_path, "update_norm")
    assert np.isnan(updates[0])
    np.testing.assert_allclose(updates[1:], 0.1 * norms[:-1], rtol=1e-4)
    agrees("weight_gradients", "closed form of the update", updates[1:], 0.1 * norms[:-1])


def test_updates_are_not_measured_across_two_trainings(tmp_path):
    model, x, y, explain = line_fit(tmp_path, WeightGradients(), epochs=2)
    model.fit(x, y, initial_epoch=2, epochs=4, verbose=0, callbacks=[explain])
    assert keras_explain.Run(tmp_path).steps == (-1, 0, 1, 2, 3)
    # The second `fit` explains step 1 anew, before its first batch: nothing came before it.
    assert np.isnan(figures_of(tmp_path, "update_norm")).tolist() == [
        True,
        False,
        True,
        False,
        False,
    ]


def test_without_updates_no_copy_of_the_weights_is_kept(tmp_path):
    _, _, _, explain = line_fit(tmp_path, WeightGradients(updates=False))
    assert (
        "update_norm"
        not in (
            keras_explain.Run(tmp_path).specs["weight_gradients/statistics"].labels["statistic"]
        )
    )
    (plan,) = explain._fit.made.built.plans.values()
    assert plan.memory == {}


def test_what_is_remembered_is_a_copy(tmp_path):
    _, _, _, explain = line_fit(tmp_path, WeightGradients())
    (plan,) = explain._fit.made.built.plans.values()
    (kept,) = plan.memory.values()
    assert kept.dtype == np.float32
    assert kept.flags.owndata


class Scaled(layers.Layer):
    """Has a scale that is used as it is, and a table that nothing uses."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")
        self.unused = self.add_weight(shape=(3, 2), name="unused")

    def call(self, x):
        return x * self.scale


@pytest.mark.every_backend
def test_weights_that_the_loss_does_not_depend_on_are_skipped():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(5, name="first"),
            layers.BatchNormalization(name="normed"),
            Scaled(name="scaled"),
            layers.Dense(3, activation="softmax", name="head"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.random.default_rng(0).normal(size=(4, 4)).astype("f4"), np.array([0, 1, 2, 0])
    made = Pass(model, Probes.of((x, y)), [WeightGradients()])
    specs = {spec.key: spec for plan in made.built.plans.values() for spec in plan.specs.values()}
    assert specs["weight_gradients/statistics"].rows == (
        "first/kernel", "first/bias", "normed/gamma", "normed/beta", "scaled/scale",
        "head/kernel", "head/bias",
    )  # fmt: skip
    assert "weight_gradients/scaled/unused" not in specs
