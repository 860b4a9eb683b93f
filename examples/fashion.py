"""The least it takes to watch a network: `fit`, and one callback.

    python examples/fashion.py
    tensorboard --logdir logs

Real garments before real photos, which ship with the package; half a minute on two cores.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its kernels crash on some models

import keras
from keras import layers

from keras_explain.callbacks import Explain
from keras_explain.demo.data import CLASSES, load

train, held_out = load("train"), load("held_out")
x, x_held_out = train.images / 255.0, held_out.images / 255.0

model = keras.Sequential(
    [
        keras.Input((48, 48, 3)),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(4),
        layers.Conv2D(32, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(len(CLASSES), activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

watched = slice(None, None, 20)  # 15 of the 300
explain = Explain(
    "logs/fashion", (x_held_out[watched], held_out.labels[watched]), class_names=CLASSES
)
model.fit(
    x, train.labels, epochs=5, validation_data=(x_held_out, held_out.labels), callbacks=[explain]
)
