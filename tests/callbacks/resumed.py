"""A training that is killed and goes on, in a process of its own: see `test_log_dir.py`.

Prints the loss of each epoch. With a third argument it dies at the beginning of that epoch.
"""

import json
import os
import sys
import time

import keras
import numpy as np

import keras_explain
from keras_explain.callbacks import Explain
from tests.seeds import seed

EPOCHS = 6


class Die(keras.callbacks.Callback):
    """Ends the process without any clean-up, once the last step is on the disk."""

    def __init__(self, log_dir, epoch):
        super().__init__()
        self.log_dir, self.epoch = log_dir, epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            end = time.monotonic() + 120
            while keras_explain.Run(self.log_dir).steps[-1] < epoch - 1 and time.monotonic() < end:
                time.sleep(0.05)
            os._exit(9)

    def on_epoch_end(self, epoch, logs=None):
        print(json.dumps([epoch, logs["loss"]]), flush=True)


def main(folder, log_dir, dies_at=-1):
    keras.utils.set_random_seed(seed(0))
    x, y = np.random.default_rng(0).random((32, 6), "float32"), np.arange(32) % 3
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    callbacks = [
        Explain(log_dir, (x[:4], y[:4]), "saliency", summaries=False),
        keras.callbacks.BackupAndRestore(folder),
        Die(log_dir, int(dies_at)),
    ]
    model.fit(x, y, epochs=EPOCHS, verbose=0, callbacks=callbacks)


if __name__ == "__main__":
    main(*sys.argv[1:])
