"""Explaining in a training loop of one's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_explain
from keras_explain.callbacks import Explain
from tests.seeds import seed

from .test_explain import PROBES, X, Y, network


def train(model, explain=lambda epoch, loss: None, epochs=3):
    """Train by hand; the network before training is explained as epoch -1."""
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)
    loss_of = keras.losses.SparseCategoricalCrossentropy()

    @tf.function
    def learn(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    explain(-1, np.nan)
    for epoch in range(epochs):
        losses = [learn(X[at : at + 8], Y[at : at + 8]) for at in range(0, len(X), 8)]
        explain(epoch, np.mean(losses))


def built():
    keras.utils.set_random_seed(seed(3))
    return network(keras.Input((10, 10, 3)))


def test_each_logged_step_is_the_model_of_that_moment(tmp_path):
    model, expected = built(), {}
    with Explain(tmp_path, PROBES, strict=True) as explainer:

        def explain(epoch, loss):
            explainer.log(model, epoch, logs={"loss": loss})
            expected[epoch] = keras_explain.explain(model, X[:4], "saliency", labels=Y[:4])

        train(model, explain)
        assert explainer.traces == 1
    run = keras_explain.Run(tmp_path)
    assert run.steps == (-1, 0, 1, 2)
    assert np.isfinite(run.logs["loss"]).tolist() == [False, True, True, True]
    for step, maps in expected.items():
        np.testing.assert_allclose(run.load("saliency", step), maps, rtol=1e-3, atol=1e-7)
    assert {"grad_cam/conv", "activations/conv", "weight_gradients/statistics"} <= set(run.specs)


def test_the_training_is_the_same_to_the_last_bit(tmp_path):
    bare, watched = built(), built()
    train(bare)
    with Explain(tmp_path, PROBES) as explainer:
        train(watched, lambda epoch, loss: explainer.log(watched, epoch, logs={"loss": loss}))
    for one, other in zip(bare.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert explainer.failures == []


def test_steps_and_epochs_may_differ(tmp_path):
    model = built()
    with Explain(tmp_path, PROBES, ["saliency"]) as explainer:
        for step in (0, 50, 100):
            explainer.log(model, step, epoch=step // 50)
    run = keras_explain.Run(tmp_path)
    assert run.steps == (0, 50, 100)
    assert list(run.epochs) == [0, 1, 2]


def test_of_the_logs_single_numbers_are_kept(tmp_path):
    odd = {"text": "fine", "uneven": [[1.0], [1.0, 2.0]], "several": np.ones(3), "nothing": None}
    with Explain(tmp_path, PROBES, ["saliency"], strict=True) as explainer:
        explainer.log(built(), 0, logs={"loss": tf.constant(0.5), **odd})
    assert set(keras_explain.Run(tmp_path).logs) == {"loss"}


def test_what_was_logged_is_there_although_the_loop_breaks(tmp_path):
    model = built()

    def breaks(epoch, loss):
        explainer.log(model, epoch)
        if epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Explain(tmp_path, PROBES) as explainer:
        train(model, breaks)
    assert keras_explain.Run(tmp_path).steps == (-1, 0, 1)


def test_a_failure_does_not_stop_the_loop(tmp_path):
    model = built()
    with Explain(tmp_path / "run", PROBES) as explainer:
        explainer.log(model, 0)
        explainer._fit.made.run = lambda: 1 / 0
        with pytest.warns(UserWarning, match="division"):
            explainer.log(model, 1)
    assert len(explainer.failures) == 1


def test_an_unbuilt_model_is_built_or_refused(tmp_path):
    class Opaque(keras.Model):
        def build(self, shape):
            raise NotImplementedError

        def call(self, x):
            return x

    plain = keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.Flatten()])
    for name, model in (("compiled", network()), ("plain", plain)):
        with Explain(tmp_path / name, PROBES, ["saliency"], target=1) as explainer:
            explainer.log(model, 0)
        assert keras_explain.Run(tmp_path / name).load("saliency", 0).any()
    opaque = Opaque(name="opaque")
    with pytest.raises(ValueError, match="must be built: call it once. Received: 'opaque'"):
        Explain(tmp_path / "refused", PROBES).log(opaque, 0)


@pytest.mark.parametrize("step", [-2, 0.5, None])
def test_a_step_is_a_whole_number(tmp_path, step):
    with pytest.raises(ValueError, match="whole number from -1 on"):
        Explain(tmp_path, PROBES).log(built(), step)
