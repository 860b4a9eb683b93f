"""The demo's network: four convolutions, nothing else."""

from __future__ import annotations

import keras
from keras import layers

from .data import CLASSES, SIDE


def build_model() -> keras.Model:
    """A small convolutional network for images `(48, 48, 3)` in [0, 1], compiled.

    40,000 parameters. The last feature map is 12x12, fine enough for Grad-CAM to
    point at a sticker of 6 pixels, and global average pooling leaves the network no
    other way to know where it is.
    """
    convolution = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Rescaling(4.0, offset=-1.4),  # about zero mean and unit variance
            layers.Conv2D(8, 3, name="conv1", **convolution),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, name="conv2", **convolution),
            layers.MaxPooling2D(),
            layers.Conv2D(40, 3, name="conv3", **convolution),
            layers.Conv2D(40, 3, name="conv4", **convolution),
            layers.GlobalAveragePooling2D(),
            layers.Dense(len(CLASSES), activation="softmax", name="classes"),
        ],
        name="demo",
    )
    model.compile(
        optimizer=keras.optimizers.Adam(2e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
