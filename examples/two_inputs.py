"""Does the network come to know which input helps? Two of different kinds, watched while it learns.

    python examples/two_inputs.py
    tensorboard --logdir logs

Real garments before real photos, which ship with the package, each with what a shop might know of
it: a price, which is chance here, and the shelf that it lies on, right for four of five. Half a
minute on two cores.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its kernels crash on some models

import keras
import numpy as np
from keras import layers

import keras_explain
from keras_explain import Features
from keras_explain.callbacks import Explain
from keras_explain.demo.data import CLASSES, load
from keras_explain.methods import IntegratedGradients

RIGHT = 0.8
random = np.random.default_rng(0)


def records_of(labels):
    """Price and shelf of each garment: the price is chance, the shelf mostly its class."""
    astray = random.integers(0, len(CLASSES), len(labels))
    shelf = np.where(random.random(len(labels)) < RIGHT, labels, astray)
    price = random.normal(size=len(labels))
    return np.column_stack([price, np.eye(len(CLASSES))[shelf]]).astype("float32")


scenes, others = load("train"), load("held_out")
x = {"picture": scenes.images / 255.0, "record": records_of(scenes.labels)}
x_held_out = {"picture": others.images / 255.0, "record": records_of(others.labels)}

keras.utils.set_random_seed(0)
picture, record = keras.Input((48, 48, 3), name="picture"), keras.Input((6,), name="record")
seen = layers.MaxPooling2D(4)(layers.Conv2D(16, 3, activation="relu", name="first")(picture))
seen = layers.Flatten()(layers.Conv2D(32, 3, activation="relu", name="last")(seen))
both = layers.Concatenate()([layers.Dense(32, activation="relu")(seen), record])
outputs = layers.Dense(len(CLASSES), activation="softmax")(both)
model = keras.Model({"picture": picture, "record": record}, outputs)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

watched = slice(None, None, 15)
explain = Explain(
    "logs/two_inputs",
    ({name: values[watched] for name, values in x_held_out.items()}, others.labels[watched]),
    [IntegratedGradients(), "grad_cam", "weight_gradients"],
    class_names=CLASSES,
    inputs={"record": Features(["price", *(f"shelf: {name}" for name in CLASSES)])},
)
model.fit(x, scenes.labels, epochs=5, validation_data=(x_held_out, others.labels),
          callbacks=[explain], verbose=2)  # fmt: skip

run = keras_explain.Run("logs/two_inputs")
for step in (run.steps[0], run.steps[-1]):
    of_picture = np.abs(run.load("integrated_gradients/picture", step).sum(axis=(1, 2, 3))).mean()
    price, *shelves = np.abs(run.load("integrated_gradients/record", step)).mean(axis=0)
    whole = of_picture + price + sum(shelves)
    print(f"epoch {step}: it looks at the picture with {of_picture / whole:.0%}, at the shelf with "
          f"{sum(shelves) / whole:.0%}, at the price with {price / whole:.0%}")  # fmt: skip
