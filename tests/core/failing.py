"""A method whose `read` fails now and then, on any backend: see `test_failing.py`."""

import json
import sys
import warnings
from dataclasses import dataclass
from typing import ClassVar

import keras
import numpy as np

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import Gradient, Saliency

FAILS_AT = (2, 5)
"""Steps at which it would fail; where the pass is traced, it is not read there any more."""


@dataclass(frozen=True)
class Flaky(Gradient):
    """Fails as for want of a graphics card's memory."""

    name = "flaky"
    calls: ClassVar[list[int]] = []
    failing: ClassVar[list[int]] = []

    def read(self, seen, plan):
        self.calls.append(1)
        if self.failing:
            raise RuntimeError("once only")
        return super().read(seen, plan)


class Fails(keras.callbacks.Callback):
    """Lets it fail at the end of some epochs; it stands before `Explain`."""

    def on_epoch_end(self, epoch, logs=None):
        Flaky.failing[:] = [epoch] if epoch in FAILS_AT else []


def main(log_dir):
    x, y = np.random.default_rng(0).random((16, 6), "float32"), np.arange(16) % 3
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    explain = Explain(log_dir, (x[:4], y[:4]), [Flaky(), Saliency()], summaries=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y, epochs=8, verbose=0, callbacks=[Fails(), explain])
    run = keras_explain.Run(log_dir)
    steps = run._index.steps
    kept = {key: [of.info.step for of in steps if key in of.layout] for key in run.keys}
    failed = [[failure.step, failure.source, failure.error] for failure in run.failures]
    print(json.dumps({"kept": kept, "failed": failed, "calls": len(Flaky.calls)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
