"""The networks that several benchmarks measure; Keras is imported only when one is built."""

from __future__ import annotations

from typing import Any


def small_cnn() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((48, 48, 3)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu", name="last"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(5),
        ]
    )


def mobile_net() -> Any:
    import keras

    return keras.applications.MobileNetV2(
        (96, 96, 3), weights=None, classes=5, classifier_activation=None
    )
