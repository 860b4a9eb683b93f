"""Models of each way to build and connect them."""

import tempfile
from pathlib import Path

import keras
from keras import layers, ops

from .kinds import CLASSES, PROBES, classes, images, kind, series


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


@kind("two outputs", labels=two_labels, output="kind",
      loss={"kind": "sparse_categorical_crossentropy", "size": "mse"})  # fmt: skip
def two_outputs():
    image = keras.Input((8, 8, 3))
    x = layers.Flatten()(layers.Conv2D(4, 3, activation="relu", name="seen")(image))
    named = layers.Dense(CLASSES, activation="softmax", name="kind")(x)
    return keras.Model(image, {"kind": named, "size": layers.Dense(1, name="size")(x)})


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


@kind("transformer of tokens", lambda random: random.integers(1, 20, (PROBES, 7)),
      layers=("embedded",))  # fmt: skip
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
