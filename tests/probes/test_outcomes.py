"""What a run says of each example's prediction is what NumPy makes of `model.predict`.

Of raw outputs, one logit, margins, whole-number regressions, forecasts and pictures alike: nothing
is taken for a class or a probability because of its shape.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, losses

import keras_explain
from keras_explain.callbacks import Explain

pytestmark = pytest.mark.every_backend

RNG = np.random.default_rng(0)
COUNT = 8
TABLE = RNG.normal(size=(COUNT, 6)).astype("f4")
SERIES = RNG.normal(size=(COUNT, 10, 3)).astype("f4")
PICTURES = RNG.random((COUNT, 8, 8, 3)).astype("f4")
FLAGS = np.arange(COUNT) % 2
IDS = np.arange(COUNT) % 3


@dataclass(frozen=True)
class Training:
    """What is trained on, the layers of the network, its loss and the labels."""

    x: np.ndarray
    layers: list[Any]
    loss: Any
    y: np.ndarray


def dense(units, activation=None):
    return [layers.Dense(8, activation="relu"), layers.Dense(units, activation=activation)]


def forecast():
    return [layers.LSTM(5), layers.Dense(8), layers.Reshape((4, 2))]


def pictures(channels, activation="sigmoid"):
    return [
        layers.Conv2D(5, 3, padding="same", activation="relu", name="conv"),
        layers.Conv2D(channels, 3, padding="same", activation=activation),
    ]


def heat_maps():
    """Of two key points; at each position both sum to 1, as probabilities would."""
    first = RNG.random((COUNT, 8, 8, 1)).astype("f4")
    return np.concatenate([first, 1 - first], axis=-1)


def binary_from_logits():
    return losses.BinaryCrossentropy(from_logits=True)


JUDGED = {
    "one logit": lambda: Training(TABLE, dense(1), binary_from_logits(), FLAGS.astype("f4")),
    "a margin": lambda: Training(TABLE, dense(1), losses.Hinge(), 2.0 * FLAGS - 1),
    "logits": lambda: Training(
        TABLE, dense(3), losses.SparseCategoricalCrossentropy(from_logits=True), IDS),
    "logits of labels": lambda: Training(
        TABLE, dense(3), binary_from_logits(), RNG.integers(0, 2, (COUNT, 3)).astype("f4")),
}  # fmt: skip

MEASURED = {
    "ages": lambda: Training(TABLE, dense(1), "mse", RNG.integers(1, 90, COUNT).astype("f4")),
    "counts": lambda: Training(
        TABLE, dense(1, "exponential"), "poisson", RNG.integers(0, 5, COUNT)),
    "ratings of 0 and 1": lambda: Training(TABLE, dense(1), "mae", FLAGS),
    "a forecast": lambda: Training(SERIES, forecast(), "mse", RNG.normal(size=(COUNT, 4, 2))),
    "a forecast of shares": lambda: Training(
        SERIES, forecast(), losses.Huber(), RNG.dirichlet([1, 1], (COUNT, 4))),
    "colours": lambda: Training(PICTURES, pictures(3), "mse", PICTURES),
    "heat maps": lambda: Training(PICTURES, pictures(2), "mse", heat_maps()),
    "depths": lambda: Training(PICTURES, pictures(1, None), "mae", RNG.random((COUNT, 8, 8, 1))),
}  # fmt: skip


def trained(folder, one):
    model = keras.Sequential([keras.Input(one.x.shape[1:]), *one.layers])
    model.compile("sgd", one.loss)
    methods = ["saliency", "gradient_times_input"]
    callback = Explain(folder, (one.x, one.y), methods, strict=True)
    model.fit(one.x, one.y, verbose=0, callbacks=[callback])
    return keras_explain.Run(folder), model.predict(one.x, verbose=0)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype("f8")))


@pytest.mark.parametrize("name", JUDGED)
def test_raw_outputs_are_judged_as_their_loss_takes_them(tmp_path, name):
    one = JUDGED[name]()
    run, outputs = trained(tmp_path, one)
    outcome = run.outcome(0)
    if name == "logits":
        powers = np.exp(outputs.astype("f8"))
        chances = powers / powers.sum(axis=1, keepdims=True)
        right = outputs.argmax(axis=1) == IDS
    else:
        said = outputs > 0
        right = (said == (one.y.reshape(said.shape) > 0)).mean(axis=1).astype("f4")
        chances = sigmoid(outputs)
        if name != "logits of labels":
            chances = np.concatenate([1 - chances, chances], axis=1)
    sure = (np.abs(outputs) > 1e-4).all(axis=1)
    np.testing.assert_array_equal(outcome.right[sure], right[sure])
    if name != "a margin":  # its outputs are no logarithms of odds, yet their sign decides
        np.testing.assert_allclose(outcome.chances, chances, rtol=1e-4, atol=1e-6)
    assert outcome.error is None
    assert run.task.scale == "logits"
    present = {"logits": np.eye(3)[IDS], "logits of labels": one.y}.get(name, 1)
    scores = (outputs * present).sum(axis=1)
    np.testing.assert_allclose(run.load("scores", 0), scores, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MEASURED)
def test_numbers_have_an_error_and_no_class(tmp_path, name):
    one = MEASURED[name]()
    run, outputs = trained(tmp_path, one)
    assert run.task.kind == "numbers"
    assert run.probes.labels is None
    outcome = run.outcome(0)
    assert outcome.predicted is None
    assert np.isnan(outcome.right).all()
    errors = outputs - one.y.reshape(outputs.shape)
    np.testing.assert_allclose(outcome.error.reshape(errors.shape), errors, rtol=1e-4, atol=1e-5)
    means = outputs.reshape(COUNT, -1).mean(axis=1)
    np.testing.assert_allclose(run.load("scores", 0), means, rtol=1e-3, atol=1e-5)
    maps = run.load("saliency", 0).reshape(COUNT, -1)
    assert (maps.max(axis=1) > 0).all()


def test_a_bounded_number_is_explained_itself(tmp_path):
    """Not what goes into its sigmoid, as of a probability."""
    shares = RNG.random((COUNT, 1))
    run, outputs = trained(tmp_path, Training(TABLE, [layers.Dense(1, "sigmoid")], "mse", shares))
    np.testing.assert_allclose(run.load("scores", 0), outputs[:, 0], rtol=1e-4)
    slopes = run.load("saliency", 0)
    found = run.load("gradient_times_input", 0)
    np.testing.assert_allclose(np.abs(found), slopes * np.abs(TABLE), rtol=5e-3, atol=1e-5)
    # Of a sigmoid: p (1 - p) times the weight, which is the same for all.
    weights = slopes / (outputs * (1 - outputs))
    np.testing.assert_allclose(weights, np.broadcast_to(weights[0], weights.shape), rtol=5e-3)
