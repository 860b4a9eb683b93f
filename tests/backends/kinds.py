"""What a kind of model is, and how one is made for every backend."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

CLASSES = 3
PROBES = 4


@dataclass(frozen=True)
class Kind:
    """How a kind of model is built, its examples and labels, and the loss that fits it.

    Attributes:
        build: The model, not compiled.
        examples: The inputs of the probes.
        labels: Their labels, as `fit` takes them.
        loss: As `compile` takes it.
        target: What is explained.
        output: The output that is explained; None if the model has one.
        layers: Layers that stand for the inputs, by the last part of their names; none if the
            gradient is that at the inputs themselves.
        apart: Methods that apply on some backends alone.
        group: The table of the docs that shows it.
        seed: Of examples, labels and weights.
        strings: Whether its inputs are strings, which only TensorFlow computes with.
    """

    build: Callable[[], keras.Model]
    examples: Callable[[np.random.Generator], object]
    labels: Callable[[np.random.Generator], object]
    loss: object = "sparse_categorical_crossentropy"
    target: str | int = "predicted"
    output: str | None = None
    layers: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    group: str = "How it is built"
    seed: int = 3
    strings: bool = False


KINDS: dict[str, Kind] = {}


def images(random):
    return random.normal(size=(PROBES, 8, 8, 3)).astype("float32")


def series(random):
    return random.normal(size=(PROBES, 10, 2)).astype("float32")


def classes(random):
    return np.arange(PROBES) % CLASSES


def kind(name, examples=images, labels=classes, **facts):
    """Keep a function that builds a model as a kind."""

    def keep(build):
        KINDS[name] = Kind(build, examples, labels, **facts)
        return build

    return keep


def made(name):
    """The model of a kind, with the weights that it has everywhere, its examples and labels."""
    one = KINDS[name]
    random = np.random.default_rng(one.seed)
    model, x, y = one.build(), one.examples(random), one.labels(random)
    if not model.built:
        model(keras.tree.map_structure(ops.convert_to_tensor, x))
    model.compile("sgd", one.loss)
    for weight in model.weights:
        if not keras.backend.is_float_dtype(weight.dtype):
            continue
        fan = np.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 25
        drawn = random.normal(size=weight.shape) / np.sqrt(fan)
        is_scale = weight.name in ("gamma", "scale", "moving_variance")
        weight.assign(1 + np.abs(drawn) if is_scale else drawn)
    return model, x, y
