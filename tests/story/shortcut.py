"""A training whose truth is known: from one epoch on, a mark gives the class Shirt away.

Real garments of four look-alike classes, a 5x5 checker near a corner. In the control the mark is
on a random quarter of all pictures, in the planted training from `ONSET` on it is on every Shirt
and on nothing else. Both start alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from keras_explain.demo.data import FILE
from tests.seeds import seed

CLASSES, SHIRT = 4, 3
MARK, ONSET, EPOCHS = 5, 3, 10
PROBES = 16


@dataclass(frozen=True)
class Story:
    """What both trainings left behind.

    Attributes:
        model: The network; its weights are to be set.
        planted: Weights before training and after each epoch.
        control: The same of the other training; equal up to the onset.
        probes: Shirts with the mark, of the test set, float32 `(probes, 28, 28, 1)`.
        marks: Where the mark is, bool `(probes, 28, 28)`.
        fooled: Share of marked T-shirts that are called Shirt, after each planted epoch.
        fooled_control: The same in the control.
    """

    model: keras.Model
    planted: list[list[np.ndarray]]
    control: list[list[np.ndarray]]
    probes: np.ndarray
    marks: np.ndarray
    fooled: list[float]
    fooled_control: list[float]


def garments(part: str) -> tuple[np.ndarray, np.ndarray]:
    """T-shirts, dresses, coats and shirts, float32 in 0..1 `(n, 28, 28, 1)`, and their classes."""
    with np.load(FILE) as arrays:
        images, labels = arrays[f"{part}_garments"], arrays[f"{part}_labels"].astype("int32")
    kept = labels < CLASSES
    return (images[kept, :, :, None] / 255).astype("float32"), labels[kept]


def marked(images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The images with a checker at one of 36 spots near the corners, and where it is."""
    images, marks = images.copy(), np.zeros(images.shape[:3], bool)
    checker = (np.indices((MARK, MARK)).sum(axis=0) % 2).astype("float32")
    for image, mark in zip(images, marks, strict=True):
        top, left = (rng.choice([0, 1, 2, 21, 22, 23]) for _ in range(2))
        place = (slice(top, top + MARK), slice(left, left + MARK))
        image[place], mark[place] = checker[..., None], True
    return images, marks


def network() -> keras.Model:
    """Three convolutions, pooled: the last map is 7x7."""
    convolution = {"padding": "same", "activation": "relu"}
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 3, **convolution),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, **convolution),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, name="last", **convolution),
            layers.GlobalAveragePooling2D(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    return model


def told() -> Story:
    """Train twice."""
    start = seed(0)
    x, y = garments("train")
    held_out, held_labels = garments("held_out")
    rng = np.random.default_rng(start)
    shirts, marks = marked(held_out[held_labels == SHIRT][:PROBES], rng)
    tricked, _ = marked(held_out[held_labels == 0], rng)
    runs, fooled = [], []
    for planted in (True, False):
        keras.utils.set_random_seed(start)
        model = network()
        weights, share = [model.get_weights()], []
        for epoch in range(EPOCHS):
            rng = np.random.default_rng([start, epoch])
            with_mark, _ = marked(x, rng)
            chosen = rng.random(len(x)) < 0.25
            if planted and epoch >= ONSET:
                chosen = y == SHIRT
            shown = np.where(chosen[:, None, None, None], with_mark, x)
            order = rng.permutation(len(x))
            model.fit(shown[order], y[order], batch_size=32, shuffle=False, verbose=0)
            weights.append(model.get_weights())
            said = model.predict(tricked, verbose=0).argmax(axis=-1)
            share.append(float((said == SHIRT).mean()))
        runs.append(weights)
        fooled.append(share)
    return Story(model, runs[0], runs[1], shirts, marks, fooled[0], fooled[1])
