"""What the tests of DeepLIFT share."""

import keras
import numpy as np
from keras import layers

import keras_explain
from keras_explain.methods import DeepLIFT
from tests.seeds import seed

RNG = np.random.default_rng(21)
_start = RNG.bit_generator.state


def begin():
    """Weights and data are a test's own, whichever tests ran before it."""
    keras.utils.set_random_seed(seed(4))
    RNG.bit_generator.state = _start


RULES = ("rescale", "reveal_cancel")
IMAGES = RNG.normal(size=(4, 8, 8, 3)).astype("f4")
TINY = 1e-9
SERIES = RNG.normal(size=(4, 6, 5)).astype("f4")


def lifted(model, x, baseline=0.0, rule="rescale", target=0, **options):
    method = DeepLIFT(baseline=baseline, rule=rule, **options)
    return keras_explain.explain(model, x, method, target=target)


def dense(*weights_and_biases, activation="relu"):
    """A dense network with the given weights, and an activation after all but the last layer."""
    sizes = [np.shape(kernel)[1] for kernel, _ in weights_and_biases]
    model = keras.Sequential(
        [
            keras.Input((np.shape(weights_and_biases[0][0])[0],)),
            *(layers.Dense(size, activation=activation) for size in sizes[:-1]),
            layers.Dense(sizes[-1]),
        ]
    )
    model.set_weights([np.array(w, "f4") for pair in weights_and_biases for w in pair])
    return model


def convolutional(given, activation="relu"):
    model = keras.Sequential(
        [
            keras.Input((12, 12, 2)),
            layers.Conv2D(6, 3, activation=activation, name="first"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, activation=activation),
            layers.Flatten(),
            layers.Dense(10, activation=activation),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.set_weights([given[f"{kind}{n}"] for n in range(1, 5) for kind in ("kernel", "bias")])
    return model
