"""Runs of the real recorder, without a training: one outcome of one pass, kept at every step."""

from __future__ import annotations

import warnings

import keras
import numpy as np

from keras_explain.callbacks.recorder import ExplanationWarning, Moment, Recorder
from keras_explain.methods import Saliency
from keras_explain.passes import Pass
from keras_explain.probes import Probes

STEPS = 20


class Recorded:
    """What a recorder is fed with; made once, as it takes TensorFlow a while."""

    def __init__(self):
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="softmax")])
        x = np.random.default_rng(0).random((2, 6), "float32")
        probes = Probes.of((x, np.array([0, 1])))
        self.made = Pass(model, probes, [Saliency()])
        self.outcome = self.made.run()
        self.maps = self.made._backend.numpy_of(self.outcome.readings[0]["saliency"])
        self.probes = probes.described(model, None, None)

    def run(self, place, steps=STEPS, before=lambda step: None, **options):
        """Keep every step, `before` each of which something happens; return the recorder."""
        options = {"summaries": True, "fsync": False, "strict": False, **options}
        recorder = Recorder(place, self.made, probes=self.probes, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExplanationWarning)
            for step in range(steps):
                recorder._thread.submit(lambda: None).result()  # what came before is written
                before(step)
                recorder.keep(Moment(step, step, step, {"loss": float(step)}), self.outcome, {})
            recorder.close()
        return recorder
