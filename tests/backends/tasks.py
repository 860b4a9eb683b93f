"""Models of each task: what their outputs are, as the loss and the head say it."""

from functools import partial

import keras
import numpy as np
from keras import layers, losses

from .architectures import convolutions
from .kinds import CLASSES, PROBES, images, kind, series

task = partial(kind, group="What its output is")
ANCHORS = 6
POSITIVE_CAM_SEED = 4
"""A seed with evidence for the one class: without any, Grad-CAM is rightly zero."""


@task("logits", loss=losses.SparseCategoricalCrossentropy(from_logits=True))
def logits():
    return keras.Sequential([keras.Input((8, 8, 3)), *convolutions(), layers.Dense(CLASSES)])


@task("one logit", labels=lambda r: np.arange(PROBES) % 2,
      loss=losses.BinaryCrossentropy(from_logits=True), seed=POSITIVE_CAM_SEED)  # fmt: skip
def one_logit():
    return keras.Sequential([keras.Input((8, 8, 3)), *convolutions(), layers.Dense(1)])


@task("regression, of a table", lambda r: r.normal(size=(PROBES, 6)).astype("f4"),
      lambda r: r.normal(size=(PROBES, 1)).astype("f4"),
      loss="mse", target=0)  # fmt: skip
def regression():
    return keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(1)]
    )


@task("one sigmoid", labels=lambda r: np.arange(PROBES)[:, None] % 2,
      loss="binary_crossentropy", seed=POSITIVE_CAM_SEED)  # fmt: skip
def one_sigmoid():
    head = layers.Dense(1, activation="sigmoid")
    return keras.Sequential([keras.Input((8, 8, 3)), *convolutions(), head])


@task("multi-label", labels=lambda r: r.integers(0, 2, (PROBES, CLASSES)),
      loss="binary_crossentropy")  # fmt: skip
def multi_label():
    head = layers.Dense(CLASSES, activation="sigmoid")
    return keras.Sequential([keras.Input((8, 8, 3)), *convolutions(), head])


@task("segmentation", labels=lambda r: np.eye(CLASSES)[r.integers(0, CLASSES, (PROBES, 8, 8))],
      loss="categorical_crossentropy")  # fmt: skip
def segmentation():
    image = keras.Input((8, 8, 3))
    x = layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same", activation="relu")(image))
    x = layers.Conv2DTranspose(4, 2, strides=2, activation="relu", name="up")(x)
    return keras.Model(image, layers.Conv2D(CLASSES, 1, activation="softmax")(x))


@task("autoencoder", labels=images, loss="mse", target=0)
def autoencoder():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    x = layers.Conv2D(4, 3, padding="same", activation="tanh")(layers.UpSampling2D()(x))
    return keras.Model(image, layers.Conv2D(3, 3, padding="same")(x))


@task("forecast", series, lambda r: r.normal(size=(PROBES, 4, 2)).astype("f4"),
      loss="mse", target=0)  # fmt: skip
def forecast():
    x = keras.Input((10, 2))
    h = layers.Dense(8)(layers.GRU(6)(layers.Conv1D(4, 3, activation="relu")(x)))
    return keras.Model(x, layers.Reshape((4, 2))(h))


def boxes(random):
    return {
        "box": random.random((PROBES, ANCHORS, 4)).astype("f4"),
        "thing": random.integers(0, CLASSES, (PROBES, ANCHORS)),
    }


@task("detector", labels=boxes, output="thing",
      loss={"box": "huber", "thing": losses.SparseCategoricalCrossentropy(from_logits=True)},
)  # fmt: skip
def detector():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="trunk")(image)
    heads = {}
    for name, size in (("box", 4), ("thing", CLASSES)):
        own = layers.Conv2D(5, 3, activation="relu", name=f"of_{name}")(x)
        flat = layers.Dense(ANCHORS * size)(layers.Flatten()(own))
        heads[name] = layers.Reshape((ANCHORS, size), name=name)(flat)
    return keras.Model(image, heads)
