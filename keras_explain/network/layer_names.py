"""Layers by their place in the model: two trainings of the same code have the same names.

Keras counts the layers of a process: the first convolution of the second model is `conv2d_3`. Such
names are numbered anew within each model, in Keras's order, as in a process that built no other
model; names that the user gave stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import keras

from . import keras_internals


class Named(NamedTuple):
    """A layer inside a model.

    Attributes:
        layer: The layer.
        name: Its name by its place, `outer/inner` if nested.
        keras_name: The same in Keras's own names.
    """

    layer: keras.Layer
    name: str
    keras_name: str


def layers_inside(model: keras.Model) -> list[Named]:
    """Every layer inside `model`, outer ones before those that they hold.

    A layer that stands in several places has the name of the first.
    """
    found: list[tuple[keras.Layer, int | None]] = []  # each with the number of its parent
    seen = {id(model)}

    def walk(parent: Any, number: int | None) -> None:
        for layer in keras_internals.inner_layers(parent):
            if id(layer) in seen or isinstance(layer, keras.layers.InputLayer):
                continue
            seen.add(id(layer))
            found.append((layer, number))
            walk(layer, len(found) - 1)

    # A Sequential model keeps its layers a second time, inside the Functional model it runs.
    seen.add(id(keras_internals.functional_inside(model)))
    walk(model, None)
    layers = [layer for layer, _ in found]
    parents = [parent for _, parent in found]
    numbered = renumbered([layer.name for layer in layers], [type(one).__name__ for one in layers])
    by_place = _paths(numbered, parents)
    by_keras = _paths([layer.name for layer in layers], parents)
    return list(map(Named, layers, by_place, by_keras))


def renumbered(names: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """The names, where Keras made them from the kind and a number, with numbers from 0.

    Args:
        names: Names of layers or inputs of one model.
        kinds: Names of their classes.
    """
    numbers: dict[str, list[tuple[int, int]]] = {}
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        stem = _snake_case(kind)
        counted = re.fullmatch(rf"{re.escape(stem)}(?:_(\d+))?", name)
        if counted:
            numbers.setdefault(stem, []).append((int(counted[1] or 0), place))
    found = list(names)
    for stem, counted_ones in numbers.items():
        for rank, (_, place) in enumerate(sorted(counted_ones)):
            found[place] = f"{stem}_{rank}" if rank else stem
    return found


def _snake_case(kind: str) -> str:
    """How Keras turns the name of a class into that of a layer."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def _paths(names: Iterable[str], parents: Sequence[int | None]) -> Iterator[str]:
    paths: list[str] = []
    taken: set[str] = set()
    for name, parent in zip(names, parents, strict=True):
        path = name if parent is None else f"{paths[parent]}/{name}"
        twins, own = 1, path
        while path in taken:
            twins += 1
            path = f"{own}~{twins}"
        paths.append(path)
        taken.add(path)
    return iter(paths)
