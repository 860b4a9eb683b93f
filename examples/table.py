"""Does the network learn the disease, or the clinic? A table with a leak, watched while it learns.

    python examples/table.py
    tensorboard --logdir logs

Measurements of 569 tumours, which ship with scikit-learn, and one column more: the clinic. In the
training data nearly all malignant ones come from clinic B, as happens where one clinic gets the
hard cases; elsewhere they come from both alike. Some seconds on two cores.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its kernels crash on some models

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_breast_cancer

import keras_explain
from keras_explain import Features
from keras_explain.callbacks import Explain
from keras_explain.methods import IntegratedGradients

KINDS = ["malignant", "benign"]
TRAINED = 400

data = load_breast_cancer()
random = np.random.default_rng(0)
order = random.permutation(len(data.target))
measured, y = data.data[order].astype("float32"), data.target[order]
follows = random.random(len(y)) < np.where(np.arange(len(y)) < TRAINED, 0.98, 0.5)
clinic = np.where(follows, y == 0, y == 1).astype("float32")
x = np.column_stack([measured, clinic])
names = [*data.feature_names, "clinic"]
units = {name: "mm" for name in names if name.endswith(("radius", "perimeter"))}

keras.utils.set_random_seed(0)
scale = layers.Normalization(name="scale")
scale.adapt(x[:TRAINED])
model = keras.Sequential(
    [
        keras.Input((x.shape[1],)),
        scale,
        layers.Dense(32, activation="relu"),
        layers.Dense(len(KINDS), activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

watched = slice(TRAINED, TRAINED + 32)
explain = Explain(
    "logs/table",
    (x[watched], y[watched]),
    [IntegratedGradients(baseline=x[:TRAINED].mean(axis=0)), "permutation_importance"],
    class_names=KINDS,
    inputs=Features(names, units, {"clinic": ["A", "B"]}),
)
model.fit(x[:TRAINED], y[:TRAINED], epochs=20, validation_data=(x[TRAINED:], y[TRAINED:]),
          callbacks=[explain], verbose=2)  # fmt: skip

run = keras_explain.Run("logs/table")
for step in (run.steps[0], run.steps[-1]):
    by_column = np.abs(run.load("integrated_gradients", step)).mean(axis=0)
    first = ", ".join(names[column] for column in np.argsort(-by_column)[:3])
    share = by_column[-1] / by_column.sum()
    print(f"epoch {step}: it looks most at {first}; at the clinic with {share:.0%}")
