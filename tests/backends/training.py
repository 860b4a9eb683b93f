"""Trainings on one backend, bare and watched.

    KERAS_BACKEND=torch python -m tests.backends.training FOLDER

Trains once with the callback, once without, once with a method that fails, and logs in a loop by
hand. Writes the weights of each fit.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers

from keras_explain.callbacks import Explain
from keras_explain.methods import Saliency

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(8, 16, 16, 3)).astype("float32")
Y = np.arange(8) % 4


@dataclass(frozen=True)
class Broken(Saliency):
    """A method that fails at every step."""

    def records(self, plan, arrays):
        raise RuntimeError("no records today")


Broken.name = "broken"


def compiled(jit_compile="auto"):
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(6, 3, activation="relu", name="first"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, activation="relu", name="last"),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(16, activation="relu"),
            layers.Dense(4),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=jit_compile,
    )
    return model


def trained(callbacks=(), jit_compile="auto"):
    keras.utils.set_random_seed(1)
    model = compiled(jit_compile)
    model.fit(X, Y, batch_size=4, epochs=3, verbose=0, callbacks=list(callbacks))
    return [np.asarray(weight) for weight in model.get_weights()]


def logged(log_dir):
    """A step of a loop of one's own, whose loss gradients still flow through."""
    model = compiled()
    loss = keras.ops.mean(keras.ops.square(model(X, training=True)))
    with Explain(log_dir, (X, Y), ["saliency"], strict=True) as explainer:
        explainer.log(model, 0, logs={"loss": loss})


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    logged(folder / "loop")
    often = {"every": 1, "unit": "batch"}
    fits = {
        "bare": [],
        "watched": [Explain(folder / "run", (X, Y), strict=True)],
        "between batches": [Explain(folder / "batches", (X, Y), **often, strict=True)],
        "failing": [Explain(folder / "failing", (X, Y), ["saliency", Broken()])],
    }
    for name, callbacks in fits.items():
        np.savez(folder / f"{name}.npz", *trained(callbacks))
