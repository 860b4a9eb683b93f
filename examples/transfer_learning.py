"""What moves when a pretrained network is thawed? Frozen, then fine-tuned, and watched.

    python examples/transfer_learning.py
    tensorboard --logdir logs

A small base learns garments, which ship with the package, and is then nested two deep in a network
that tells real faces from clutter, of which there are only 200 (scikit-image ships them). Half a
minute on two cores.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its kernels crash on some models

import keras
import numpy as np
from keras import layers
from skimage.data import lfw_subset

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.demo.data import CLASSES, load
from keras_explain.methods import Activations, GradCAM

FROZEN, TOGETHER = 6, 6

keras.utils.set_random_seed(0)
garments = load("train")
base = keras.Sequential(
    [
        keras.Input((48, 48, 3)),
        layers.Rescaling(1 / 255),
        layers.Conv2D(16, 3, activation="relu", name="conv1"),
        layers.MaxPooling2D(name="pool1"),
        layers.Conv2D(24, 3, activation="relu", name="conv2"),
        layers.MaxPooling2D(name="pool2"),
        layers.Conv2D(32, 3, activation="relu", name="conv3"),
    ],
    name="base",
)
pretrained = keras.Sequential([base, layers.Flatten(), layers.Dense(len(CLASSES), "softmax")])
pretrained.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
pretrained.fit(garments.images[::2], garments.labels[::2], epochs=5, verbose=2)

# 25 x 25 grey, faces first: as large and of as many channels as the garments.
faces = np.round(255 * lfw_subset()).repeat(2, axis=1).repeat(2, axis=2)[:, 1:-1, 1:-1, None]
x, y = faces.repeat(3, axis=-1).astype("uint8"), np.repeat([1, 0], 100)
mixed = np.random.default_rng(0).permutation(len(x))
train, held_out = mixed[:100], mixed[100:]

features = keras.Sequential([base, layers.GlobalAveragePooling2D(name="pool")], name="features")
model = keras.Sequential([keras.Input((48, 48, 3)), features, layers.Dense(2, "softmax")])

explain = Explain(
    "logs/transfer_learning",
    (x[held_out[:24]], y[held_out[:24]]),
    [GradCAM(), Activations(), "saliency", "weight_gradients"],
    class_names=["clutter", "face"],
)


def train_to(epochs, begin, rate):
    """Go on from an epoch to another; what is trainable is settled when a model is compiled."""
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(
        x[train], y[train], batch_size=20, initial_epoch=begin, epochs=epochs, callbacks=[explain],
        validation_data=(x[held_out], y[held_out]), verbose=2,
    )  # fmt: skip


base.trainable = False
train_to(FROZEN, 0, 1e-2)
base.trainable = True
train_to(FROZEN + TOGETHER, FROZEN, 1e-3)

run = keras_explain.Run("logs/transfer_learning")
convolutions = [key for key in run.keys if key.startswith("activations/")]
for state, before, after in (("frozen", -1, FROZEN - 1), ("thawed", FROZEN - 1, run.steps[-1])):
    moved = [
        f"{key.rpartition('/')[2]} by {np.median(run.diff(key, before, after).cosine):.4f}"
        for key in convolutions
    ]
    right = run.logs["val_accuracy"][run.steps.index(after)]
    print(f"epoch {after}: {state}, it has moved the maps of {', '.join(moved)}; {right:.0%} right")
