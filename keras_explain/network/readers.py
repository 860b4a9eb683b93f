"""Which layers read an input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from .keras_internals import inner_layers

if TYPE_CHECKING:
    from ..tap import Tap


def readers_of(tap: Tap, tensor: Any) -> list[tuple[keras.Layer, tuple[int, ...]]]:
    """The layers that read an input, behind those that only scale it.

    Args:
        tap: What was heard of the model.
        tensor: The input.

    Returns:
        Each layer, and the shape of its output `(probes, ...)`.
    """
    same = [tensor]
    found = []
    for name, taken in tap.taken.items():
        layer, made = tap.layers[name], tap.outputs[name]
        if inner_layers(layer) or not any(one is other for one in taken for other in same):
            continue
        if isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization):
            same.append(made)
        else:
            found.append((layer, tuple(made.shape)))
    return found
