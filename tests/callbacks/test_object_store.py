"""A training that logs to an object store, which goes down and comes back."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.callbacks.recorder import ExplanationWarning
from tests.fixtures.object_store import BUCKET, ObjectStore

EPOCHS = 5
DOWN = {1, 2}
"""Epochs at whose end the store does not answer."""


@pytest.fixture(scope="module")
def store():
    server = ObjectStore()
    yield server
    server.shut()


def test_a_store_that_is_down_costs_its_steps_and_the_training_goes_on(store):
    x, y = np.random.default_rng(0).random((32, 6), "float32"), np.arange(32) % 3
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    watch = Explain(f"s3://{BUCKET}/trained", (x[:4], y[:4]), ["saliency"])

    def written():
        """Wait for the recorder's thread."""
        watch._fit.recorder._thread.submit(lambda: None).result()

    class Switch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            written()
            if epoch + 1 in DOWN and epoch not in DOWN:
                store.stop()
            if epoch in DOWN and epoch + 1 not in DOWN:
                store.start()

    with pytest.warns(ExplanationWarning, match="store failed at step 1, and training goes on"):
        history = model.fit(x, y, epochs=EPOCHS, verbose=0, callbacks=[watch, Switch()])
    assert len(history.history["loss"]) == EPOCHS
    run = keras_explain.Run(f"s3://{BUCKET}/trained")
    assert set(run.steps) == {-1, *range(EPOCHS)} - DOWN
    assert {(failure.step, failure.source) for failure in run.failures} == {
        (step, source) for step in DOWN for source in ("store", "event file")
    }
    assert run.problems == ()
    assert {step.attempt for step in run._index.steps} == {0}
    assert not [*run.folder.glob(".attempt-*")]
    (events,) = run.folder.parent.parent.glob("events.out.tfevents.*")
    assert events.read_bytes().count(b"keras_explain") >= EPOCHS + 1 - len(DOWN)


def test_a_store_that_cannot_be_spoken_to_is_refused_before_the_first_batch():
    with pytest.raises(ValueError, match="nonsense:// cannot be used here"):
        Explain("nonsense://bucket/run", (np.zeros((2, 3), "float32"), np.zeros(2, int)))
