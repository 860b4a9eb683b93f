"""Models of every kind that people train, small, with examples for each.

The weights are drawn by NumPy, so that a kind has the same on every backend.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

CLASSES = 3
PROBES = 4


@dataclass(frozen=True)
class Kind:
    """How a kind of model is built, its examples and labels, and the loss that fits it."""

    build: Callable[[], keras.Model]
    examples: Callable[[np.random.Generator], object]
    labels: Callable[[np.random.Generator], object]
    loss: str = "sparse_categorical_crossentropy"


KINDS: dict[str, Kind] = {}


def images(random):
    return random.normal(size=(PROBES, 8, 8, 3)).astype("float32")


def classes(random):
    return np.arange(PROBES) % CLASSES


def kind(name, examples=images, labels=classes, loss=Kind.loss):
    def keep(build):
        KINDS[name] = Kind(build, examples, labels, loss)
        return build

    return keep


def convolutions():
    return [
        layers.Conv2D(4, 3, padding="same", activation="relu", name="first"),
        layers.BatchNormalization(name="normed"),
        layers.MaxPooling2D(name="pooled"),
        layers.Conv2D(6, 3, activation="relu", name="last"),
        layers.Flatten(name="flat"),
    ]


@kind("Sequential")
def sequential():
    head = layers.Dense(CLASSES, activation="softmax", name="head")
    return keras.Sequential([keras.Input((8, 8, 3)), *convolutions(), head])


@kind("Sequential, built by its first call")
def unbuilt():
    return keras.Sequential([*convolutions(), layers.Dense(CLASSES), layers.Softmax()])


@kind("Functional, residual")
def functional():
    image = keras.Input((8, 8, 3))
    a = layers.Conv2D(4, 3, padding="same", name="a")(image)
    b = layers.Conv2D(4, 3, padding="same", activation="relu", name="b")(a)
    x = layers.ReLU(name="sum")(layers.Add()([a, b]))
    x = layers.GlobalAveragePooling2D()(layers.SeparableConv2D(5, 3, name="c")(x))
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.parts = convolutions()
        self.head = layers.Dense(CLASSES, name="head")

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return ops.softmax(self.head(x))


kind("subclassed")(Subclassed)


@kind("nested two deep")
def nested():
    inner = keras.Sequential([keras.Input((8, 8, 3)), *convolutions()[:2]], name="inner")
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="behind")(inner(image))
    middle = keras.Model(image, x, name="middle")
    image = keras.Input((8, 8, 3))
    x = layers.Flatten()(middle(image))
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax", name="head")(x))


@kind("a layer shared")
def shared():
    image = keras.Input((8, 8, 3))
    twice = layers.Conv2D(3, 3, padding="same", activation="relu", name="twice")
    x = layers.Flatten()(layers.AveragePooling2D(2)(twice(twice(image))))
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))


def pictures_and_records(random):
    return {"picture": images(random), "record": random.normal(size=(PROBES, 5)).astype("f4")}


@kind("two inputs", pictures_and_records)
def two_inputs():
    picture, record = keras.Input((8, 8, 3), name="picture"), keras.Input((5,), name="record")
    x = layers.Conv2D(4, 3, activation="relu", name="seen")(picture)
    x = layers.Concatenate()([layers.Flatten()(x), layers.Dense(4, activation="relu")(record)])
    out = layers.Dense(CLASSES, activation="softmax")(x)
    return keras.Model({"picture": picture, "record": record}, out)


def two_labels(random):
    return {"kind": classes(random), "size": random.normal(size=(PROBES, 1)).astype("f4")}


@kind("two outputs", labels=two_labels,
      loss={"kind": "sparse_categorical_crossentropy", "size": "mse"})  # fmt: skip
def two_outputs():
    image = keras.Input((8, 8, 3))
    x = layers.Flatten()(layers.Conv2D(4, 3, activation="relu", name="seen")(image))
    named = layers.Dense(CLASSES, activation="softmax", name="kind")(x)
    return keras.Model(image, {"kind": named, "size": layers.Dense(1, name="size")(x)})


@kind("regression, of a table", lambda r: r.normal(size=(PROBES, 6)).astype("f4"),
      lambda r: r.normal(size=(PROBES, 1)).astype("f4"), "mse")  # fmt: skip
def regression():
    return keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(1)]
    )


@kind("one sigmoid", labels=lambda r: np.arange(PROBES)[:, None] % 2, loss="binary_crossentropy")
def one_sigmoid():
    head = layers.Dense(1, activation="sigmoid")
    return keras.Sequential([keras.Input((8, 8, 3)), *convolutions(), head])


@kind("multi-label", labels=lambda r: r.integers(0, 2, (PROBES, CLASSES)),
      loss="binary_crossentropy")  # fmt: skip
def multi_label():
    head = layers.Dense(CLASSES, activation="sigmoid")
    return keras.Sequential([keras.Input((8, 8, 3)), *convolutions(), head])


@kind("segmentation", labels=lambda r: np.eye(CLASSES)[r.integers(0, CLASSES, (PROBES, 8, 8))],
      loss="categorical_crossentropy")  # fmt: skip
def segmentation():
    image = keras.Input((8, 8, 3))
    x = layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same", activation="relu")(image))
    x = layers.Conv2DTranspose(4, 2, strides=2, activation="relu", name="up")(x)
    return keras.Model(image, layers.Conv2D(CLASSES, 1, activation="softmax")(x))


@kind("autoencoder", labels=images, loss="mse")
def autoencoder():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    x = layers.Conv2D(4, 3, padding="same", activation="tanh")(layers.UpSampling2D()(x))
    return keras.Model(image, layers.Conv2D(3, 3, padding="same")(x))


def series(random):
    return random.normal(size=(PROBES, 10, 2)).astype("float32")


@kind("recurrent", series)
def recurrent():
    return keras.Sequential(
        [
            keras.Input((10, 2)),
            layers.Conv1D(4, 3, activation="relu", name="seen"),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="both"),
            layers.GRU(4, name="memory"),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


@kind("transformer of tokens", lambda random: random.integers(1, 20, (PROBES, 7)))
def transformer():
    ids = keras.Input((7,), dtype="int32")
    x = layers.Embedding(20, 8, name="embedded")(ids)
    normed = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4, name="attention")(normed, normed)])
    x = layers.Dense(8, activation="gelu")(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(ids, layers.Dense(CLASSES, activation="softmax")(x))


@kind("channels first", lambda r: r.normal(size=(PROBES, 3, 8, 8)).astype("f4"))
def channels_first():
    first = {"data_format": "channels_first"}
    image = keras.Input((3, 8, 8))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="last", **first)(image)
    x = layers.GlobalAveragePooling2D(**first)(x)
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))


@kind("loaded from a file")
def loaded():
    with tempfile.TemporaryDirectory() as folder:
        sequential().save(Path(folder) / "model.keras")
        return keras.models.load_model(Path(folder) / "model.keras")


def made(name):
    """The model of a kind, with the weights that it has everywhere, its examples and labels."""
    one = KINDS[name]
    random = np.random.default_rng(3)
    model, x, y = one.build(), one.examples(random), one.labels(random)
    model(keras.tree.map_structure(ops.convert_to_tensor, x))
    model.compile("sgd", one.loss)
    for weight in model.weights:
        if not keras.backend.is_float_dtype(weight.dtype):
            continue
        fan = np.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 25
        drawn = random.normal(size=weight.shape) / np.sqrt(fan)
        is_scale = weight.name in ("gamma", "moving_variance")
        weight.assign(1 + np.abs(drawn) if is_scale else drawn)
    return model, x, y
