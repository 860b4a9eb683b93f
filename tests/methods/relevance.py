"""What the tests of LRP share: networks, and what is asked of their relevance."""

import keras
import numpy as np
from keras import layers, ops

import keras_explain
from keras_explain.methods import LRP
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from tests.seeds import seed

RNG = np.random.default_rng(21)
_start = RNG.bit_generator.state


def begin():
    """Weights and data are a test's own, whichever tests ran before it."""
    keras.utils.set_random_seed(seed(4))
    RNG.bit_generator.state = _start


def images(*shape):
    return RNG.normal(size=(3, *(shape or (8, 8, 3)))).astype("f4")


def explained(model, x, layer=None, **options):
    return keras_explain.explain(model, x, LRP(layer=layer, **options), target=0)


def relevance(model, x, **options):
    found = explained(model, x, **options)
    return next(array for key, array in found.items() if key != "lrp/conservation")


def assert_conserves(model, x, within=1e-4, **options):
    """All of the score is handed back; where it is about zero, a share of it says little."""
    found = explained(model, x, **options)
    told = found.pop("lrp/conservation")
    scores = np.asarray(Pass(model, Probes.of((x, None)), [], target=0).run().scores, "f8")
    total = sum(array.reshape(len(told), -1).sum(axis=1, dtype="f8") for array in found.values())
    assert all(np.isfinite(array).all() for array in found.values())
    # Rounding is a share of all that went about, which in a deep network nearly cancels.
    sizes = (np.abs(array).reshape(len(told), -1) for array in found.values())
    moved = sum(one.sum(axis=1, dtype="f8") for one in sizes)
    assert np.abs(total - scores).max() < within * max(np.abs(scores).max(), 1e-2 * moved.max())
    large = np.abs(scores) > 0.1 * np.abs(scores).max()
    assert np.abs(told[large]).max() < 10 * within
    for array in found.values():
        assert np.abs(array).max() > 0
    return found


class Residual(keras.Model):
    """A subclassed model with a shared layer and sums outside of layers."""

    def __init__(self):
        super().__init__()
        self.stem = layers.Conv2D(4, 3, padding="same", activation="relu")
        self.block = keras.Sequential(
            [layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()]
        )
        self.out = layers.Dense(3)

    def call(self, x):
        x = self.stem(x)
        for _ in range(2):
            x = ops.relu(self.block(x) + x)
        return self.out(ops.mean(x, axis=(1, 2)))


class Functional:
    """The same of layers alone."""

    def __new__(cls, model):
        x = inputs = keras.Input((8, 8, 3))
        x = model.stem(x)
        for _ in range(2):
            x = layers.ReLU()(layers.Add()([model.block(x), x]))
        return keras.Model(inputs, model.out(layers.GlobalAveragePooling2D()(x)))


def sequence(*between):
    return keras.Sequential(
        [keras.Input((6, 4)), *between, layers.Flatten(name="flat"), layers.Dense(2)]
    )
