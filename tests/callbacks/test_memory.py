"""Nothing grows with the number of epochs; `benchmarks/soak.py` does it 10,000 times."""

import gc
import os
import tracemalloc

import keras
import numpy as np
import pytest

from keras_explain.callbacks import Explain

WARM, MORE = 10, 20
"""Epochs until everything is set up, and epochs that may cost nothing."""


class Reading(keras.callbacks.Callback):
    """Bytes that Python holds, and open file descriptors, after `WARM` epochs and at the end."""

    def __init__(self):
        super().__init__()
        self.held, self.files = [], []

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in (WARM, WARM + MORE):
            gc.collect()
            self.held.append(tracemalloc.get_traced_memory()[0])
            self.files.append(len(os.listdir("/proc/self/fd")))


def reading_of(*callbacks):
    random = np.random.default_rng(0)
    x, y = random.uniform(size=(4, 8, 8, 1)).astype("float32"), np.arange(4)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    reading = Reading()
    tracemalloc.start()
    try:
        model.fit(x, y, epochs=WARM + MORE, verbose=0, callbacks=[*callbacks, reading])
    finally:
        tracemalloc.stop()
    return reading


def probes():
    return np.random.default_rng(1).uniform(size=(4, 8, 8, 1)).astype("float32"), np.arange(4)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="file descriptors are Linux's")
def test_memory_and_files_stay_where_they_are(tmp_path):
    bare = reading_of()
    # On the training thread: what waits in a queue is no growth.
    explained = reading_of(
        Explain(tmp_path, probes(), ["saliency", "weight_gradients"], strict=True)
    )
    assert explained.files[0] == explained.files[1]
    grown = (explained.held[1] - explained.held[0]) - (bare.held[1] - bare.held[0])
    assert grown / MORE < 1_000  # a MB in 1,000 epochs
