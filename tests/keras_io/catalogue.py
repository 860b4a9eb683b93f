"""What an example of keras.io is here: what builds it, and the maps that the defaults must keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from keras import losses

COUNT = 8
PROBES = 4
STRINGS = ("jax", "torch")
EXAMPLES: dict[str, Example] = {}


@dataclass(frozen=True)
class Example:
    """One of keras.io's examples in short: the same layers in the same places.

    Attributes:
        build: Builds `(model, x, y)`, compiled as the example is, from random numbers.
        maps: The keys of all saliency maps and class activation maps, with their inputs.
        options: What the callback is told beyond its defaults.
        dead: How the names of weights begin to which no gradient comes, as the example is built.
        not_on: Backends on which Keras itself does not train it; of strings only TensorFlow has
            tensors.
        live: Whether it takes long, and is left to `-m live`.
        check: Holds maps to their closed form: gets the run, the model, and the probes' x and y.
    """

    build: Callable[[np.random.Generator], tuple[Any, Any, Any]]
    maps: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    dead: tuple[str, ...] = ()
    not_on: tuple[str, ...] = ()
    live: bool = False
    check: Callable[..., None] | None = None


def example(name: str, maps: Mapping[str, str], **said: Any) -> Callable[[Any], Any]:
    """Keep what builds an example."""

    def keep(build: Any) -> Any:
        EXAMPLES[name] = Example(build, maps, **said)
        return build

    return keep


def pictures(random, *shape):
    return random.random((COUNT, *shape)).astype("f4")


def classes(count=2):
    """Labels, every class among the probes where there is room."""
    return np.arange(COUNT) % count


def from_logits():
    return losses.SparseCategoricalCrossentropy(from_logits=True)
