"""A disk that takes half a second for each write: `python -m tests.faults.slow_disk`.

Trains the same small network bare and explained, in turn, and prints how long an epoch takes the
one and the other, as medians over all epochs but the first, with what the callback says of itself.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from pathlib import Path

import keras
import numpy as np

from keras_explain import Run
from keras_explain.callbacks import Explain, ExplanationWarning
from tests.seeds import seed

from .disk import Disk


class Epochs(keras.callbacks.Callback):
    """When each epoch began; the hooks of all callbacks lie between two of these."""

    def __init__(self) -> None:
        super().__init__()
        self.begins: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self.begins.append(time.perf_counter())


def fit(x: np.ndarray, y: np.ndarray, epochs: int, callbacks: list[object]) -> list[float]:
    """Seconds of each epoch but the first and the last."""
    keras.utils.set_random_seed(seed(0))
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    times = Epochs()
    model.fit(x, y, epochs=epochs, batch_size=64, verbose=0, callbacks=[times, *callbacks])
    return np.diff(times.begins)[1:].tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each write")
    parser.add_argument("--budget", type=float, default=0.05)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ExplanationWarning)
    chance = np.random.default_rng(0)
    x, y = chance.random((1_000, 28, 28, 1), np.float32), chance.integers(0, 10, 1_000)
    bare, explained, told = [], [], {}

    def before(number: int, call: object) -> None:
        if call.name == "write":
            time.sleep(options.seconds)

    for round_ in range(options.rounds):
        bare += fit(x, y, options.epochs, [])
        with tempfile.TemporaryDirectory() as place, Disk(place, before):
            callback = Explain(place, (x[:16], y[:16]), budget=options.budget)
            explained += fit(x, y, options.epochs, [callback])
            run = Run(Path(place))
            told = dict(run.totals)
            share = run.seconds["explaining"][-2] / run.seconds["training"][-2]
        print(f"round {round_ + 1}: {np.median(bare):.3f} s, {np.median(explained):.3f} s", told)
    medians = {"bare": float(np.median(bare)), "explained": float(np.median(explained))}
    ratio, mean = medians["explained"] / medians["bare"], np.mean(explained) / np.mean(bare)
    found = {**medians, "ratio": ratio, "ratio of means": float(mean), "share told": float(share)}
    print(json.dumps({name: round(value, 4) for name, value in found.items()} | told))


if __name__ == "__main__":
    main()
