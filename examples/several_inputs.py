"""Does the network come to know which input helps? Three of different kinds, watched meanwhile.

    python examples/several_inputs.py
    tensorboard --logdir logs

Real garments before real photos, which ship with the package, each with what a shop might know of
it: a price, which is chance here, the shelf that it lies on, right for four of five, and a line in
word pieces, right for three of five. Half a minute on two cores.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its kernels crash on some models

import keras
import numpy as np
from keras import layers

import keras_explain
from keras_explain import Features, Tokens
from keras_explain.callbacks import Explain
from keras_explain.demo.data import CLASSES, load
from keras_explain.methods import IntegratedGradients

SHELF_RIGHT, LINE_RIGHT = 0.8, 0.6
PIECES = [
    "[PAD]", "short", "long", "sleeve", "##s", "skirt", "button", "##button", "##ed", "collar",
    "strap", "zip", "##per", "un", "and",
]  # fmt: skip
LINES = {
    "T-shirt": "short sleeve ##s un ##button ##ed",
    "Dress": "long skirt and zip ##per",
    "Coat": "long sleeve ##s and button ##ed",
    "Shirt": "collar and button ##s",
    "Bag": "strap ##s and zip ##per",
}
random = np.random.default_rng(0)


def mostly(labels, share):
    """The labels, but for some that are any."""
    astray = random.integers(0, len(CLASSES), len(labels))
    return np.where(random.random(len(labels)) < share, labels, astray)


def records_of(labels):
    """Price and shelf of each garment: the price is chance, the shelf mostly its class."""
    shelf = mostly(labels, SHELF_RIGHT)
    price = random.normal(size=len(labels))
    return np.column_stack([price, np.eye(len(CLASSES))[shelf]]).astype("float32")


def lines_of(labels):
    """A line of six word pieces about each garment, often about its class."""
    lines = [[PIECES.index(piece) for piece in LINES[name].split()] for name in CLASSES]
    filled = np.array([line + [0] * (6 - len(line)) for line in lines], "int32")
    return filled[mostly(labels, LINE_RIGHT)]


def inputs_of(scenes):
    """What the network gets of each garment."""
    return {
        "picture": scenes.images / 255.0,
        "record": records_of(scenes.labels),
        "line": lines_of(scenes.labels),
    }


scenes, others = load("train"), load("held_out")
x, x_held_out = inputs_of(scenes), inputs_of(others)

keras.utils.set_random_seed(0)
picture, record = keras.Input((48, 48, 3), name="picture"), keras.Input((6,), name="record")
line = keras.Input((6,), dtype="int32", name="line")
seen = layers.MaxPooling2D(4)(layers.Conv2D(16, 3, activation="relu", name="first")(picture))
seen = layers.Flatten()(layers.Conv2D(32, 3, activation="relu", name="last")(seen))
read = layers.Flatten()(layers.Embedding(len(PIECES), 8, name="pieces")(line))
together = layers.Concatenate()([layers.Dense(32, activation="relu")(seen), record, read])
outputs = layers.Dense(len(CLASSES), activation="softmax")(together)
model = keras.Model({"picture": picture, "record": record, "line": line}, outputs)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

watched = slice(None, None, 15)
explain = Explain(
    "logs/several_inputs",
    ({name: values[watched] for name, values in x_held_out.items()}, others.labels[watched]),
    [IntegratedGradients(), "grad_cam", "weight_gradients"],
    class_names=CLASSES,
    inputs={
        "record": Features(["price", *(f"shelf: {name}" for name in CLASSES)]),
        "line": Tokens(PIECES),
    },
)
model.fit(x, scenes.labels, epochs=5, validation_data=(x_held_out, others.labels),
          callbacks=[explain], verbose=2)  # fmt: skip

run = keras_explain.Run("logs/several_inputs")
for step in (run.steps[0], run.steps[-1]):
    of_picture = np.abs(run.load("integrated_gradients/picture", step).sum(axis=(1, 2, 3))).mean()
    of_line = np.abs(run.load("integrated_gradients/pieces", step).sum(axis=(1, 2))).mean()
    price, *shelves = np.abs(run.load("integrated_gradients/record", step)).mean(axis=0)
    whole = of_picture + of_line + price + sum(shelves)
    print(f"epoch {step}: it looks at the picture with {of_picture / whole:.0%}, at the shelf with "
          f"{sum(shelves) / whole:.0%}, at the line with {of_line / whole:.0%}, at the price with "
          f"{price / whole:.0%}")  # fmt: skip
