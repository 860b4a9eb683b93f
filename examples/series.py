"""Which hour of the day gives the season away? A convolution over time, watched while it learns.

    python examples/series.py
    tensorboard --logdir logs

Electricity used in Italy at each hour of a day; the network is to say in which half of the year the
day lies. Some seconds on two cores.
"""

import csv
import os
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its kernels crash on some models

import keras
import numpy as np
from keras import layers

import keras_explain
from keras_explain import Features
from keras_explain.callbacks import Explain
from keras_explain.methods import IntegratedGradients, Occlusion

SEASONS = ["summer", "winter"]

with (Path(__file__).parent / "data" / "power_demand.csv").open() as file:
    _, *rows = csv.reader(file)
x = np.array([row[1:] for row in rows], "float32")[..., None]
y = np.array([SEASONS.index(row[0]) for row in rows])
train, held_out = slice(0, 800), slice(800, None)

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((24, 1)),
        layers.Conv1D(16, 3, padding="same", activation="relu"),
        layers.Conv1D(16, 3, padding="same", activation="relu", name="last"),
        layers.Flatten(),
        layers.Dense(len(SEASONS), activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

explain = Explain(
    "logs/series",
    (x[held_out][::10], y[held_out][::10]),
    ["saliency", IntegratedGradients(), Occlusion(window=2, stride=1), "weight_gradients"],
    class_names=SEASONS,
    inputs=Features(["demand"]),
)
model.fit(x[train], y[train], epochs=15, validation_data=(x[held_out], y[held_out]),
          callbacks=[explain], verbose=2)  # fmt: skip

run = keras_explain.Run("logs/series")
for step in (run.steps[0], run.steps[-1]):
    by_hour = np.abs(run.load("integrated_gradients", step)).mean(axis=(0, 2))
    hours = ", ".join(f"{hour}h" for hour in np.argsort(-by_hour)[:3])
    print(f"epoch {step}: it looks most at {hours}")
