"""In which slices of a volume does a network look? A digit is hidden in two of eight.

    python examples/volume.py
    tensorboard --logdir logs

Handwritten digits of scikit-learn between slices of stone, brick and grass, which scikit-image
ships, at a depth that nobody tells the network. Half a minute on two cores.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its kernels crash on some models

import keras
import numpy as np
from keras import layers
from skimage import data
from sklearn.datasets import load_digits

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import GradCAM, IntegratedGradients

DEPTH, SIDE, THICK = 8, 16, 2
DIGITS = (0, 1, 4, 7)
random = np.random.default_rng(0)

digits = load_digits()
chosen = np.flatnonzero(np.isin(digits.target, DIGITS))
y = np.searchsorted(DIGITS, digits.target[chosen])
ink = (digits.images[chosen] / 16).repeat(2, axis=1).repeat(2, axis=2)
photos = [getattr(data, name)() / 255 for name in ("gravel", "brick", "grass")]


def slice_of(photo):
    """A piece of a photo at a random place."""
    top, left = (random.integers(size - SIDE) for size in photo.shape)
    return photo[top : top + SIDE, left : left + SIDE]


stone = [[slice_of(photos[random.integers(3)]) for _ in range(DEPTH)] for _ in y]
x = 0.6 * np.array(stone, "float32")
first = random.integers(0, DEPTH - THICK + 1, len(y))
holds = (np.arange(DEPTH) >= first[:, None]) & (np.arange(DEPTH) < first[:, None] + THICK)
x = np.where(holds[:, :, None, None], np.maximum(x, ink[:, None]), x)[..., None].astype("float32")

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((DEPTH, SIDE, SIDE, 1), name="volume"),
        layers.Conv3D(8, 3, padding="same", activation="relu", name="conv1"),
        layers.MaxPooling3D((1, 2, 2), name="pool1"),
        layers.Conv3D(16, 3, padding="same", activation="relu", name="conv2"),
        layers.GlobalMaxPooling3D(name="pool2"),
        layers.Dense(len(DIGITS), activation="softmax"),
    ]
)
model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])

train, held_out = slice(0, 580), slice(580, None)
watched = np.arange(580, len(x))[::6]
explain = Explain(
    "logs/volume",
    (x[watched], y[watched]),
    [IntegratedGradients(), GradCAM(), "weight_gradients"],
    class_names=[str(digit) for digit in DIGITS],
)
model.fit(x[train], y[train], epochs=5, validation_data=(x[held_out], y[held_out]),
          callbacks=[explain], verbose=2)  # fmt: skip

run = keras_explain.Run("logs/volume")
for step in (run.steps[0], run.steps[-1]):
    maps = np.abs(run.load("integrated_gradients", step)).sum(axis=(2, 3, 4))
    share = (maps * holds[watched]).sum(axis=1) / maps.sum(axis=1)
    print(f"epoch {step}: of what it looks at, {share.mean():.0%} lies in the two slices of eight "
          "that hold the digit")  # fmt: skip
