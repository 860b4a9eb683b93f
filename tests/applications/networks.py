"""The architectures of `keras.applications`, as they are explained: random, but not dead.

A network fresh from its constructor hides faults: its biases are 0, its scales 1 (or 1e-6), and
its batch normalizations pass on values so large or small that the score hardly depends on the
picture. So each vector of weights gets noise, and the moving statistics are those of pictures.
"""

import inspect
import sys

import keras
import numpy as np

CLASSES = 10
PROBES = 4
PICTURES = 16
"""Those that batch normalization takes its statistics from; the first ones are the probes."""
STEP, LARGEST = 32, 256


def architectures():
    """The function that builds each architecture, by its name."""
    return {
        name: build
        for name, build in sorted(vars(keras.applications).items())
        if inspect.isfunction(build)
    }


def families():
    """Names of the architectures, by the name of the module that has them."""
    found = {}
    for name, build in architectures().items():
        found.setdefault(build.__module__.rpartition(".")[2], []).append(name)
    return found


def map_before_the_head(model):
    """What the head reads, by Keras's own graph: what goes into the last pooling layer."""
    return [one for one in model.layers if "Pooling" in type(one).__name__][-1].input


def pictures(size):
    """Smooth random pictures with grain, `(PICTURES, size, size, 3)` from 0 to 255."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(30, 225, (PICTURES, 4, 4, 3)).astype("f4")
    smooth = keras.ops.convert_to_numpy(keras.ops.image.resize(coarse, (size, size)))
    return smooth + rng.uniform(-30, 30, smooth.shape).astype("f4")


def made(name):
    """The architecture on its smallest pictures, and pictures.

    That is the smallest multiple of 32 that it takes and of which its head reads a map, not one
    position.
    """
    build = architectures()[name]
    keras.utils.set_random_seed(0)
    for size in range(STEP, LARGEST + 1, STEP):
        keras.backend.clear_session()
        try:
            model = build(
                weights=None,
                classes=CLASSES,
                input_shape=(size, size, 3),
                classifier_activation=None,
            )
        except ValueError as error:
            if "Input size must be at least" not in str(error):
                raise
            continue
        if max(map_before_the_head(model).shape[1:3]) > 1:
            break
    x = sys.modules[build.__module__].preprocess_input(pictures(size))
    enliven(model, x)
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, x


def enliven(model, x):
    """Add noise to each vector of weights, and take the moving statistics from `x`."""
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        if len(weight.shape) == 1:
            noise = rng.normal(0, 0.1, weight.shape)
            weight.assign(keras.ops.convert_to_numpy(weight) + noise.astype("f4"))
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(x, training=True)
