"""What a model computes between its layers, where no rule can be given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import keras

from ..model_view import ModelView, Place
from ..operations import Called
from ..tap import ACTIVATIONS
from .composites import Composite
from .registry import is_taken_whole

CALLS = frozenset({*ACTIVATIONS, "dot_product_attention", "mish", "tanh"})
"""Functions of the backend that have a rule wherever they are called."""


def without_rule(composite: Composite, model: ModelView, places: Iterable[Place]) -> list[str]:
    """Operations between layers, from the places to the output, by which relevance goes wrong."""
    if model.flow is None:
        return []
    chosen = {
        id(place.layer)
        for name, place in model.layers.items()
        if place.layer is not None and composite.rule(name.partition("#")[0], place.layer)
    }

    def is_known_layer(layer: keras.Layer) -> bool:
        return id(layer) in chosen or is_taken_whole(layer)

    def is_known_call(call: Called, varies: Sequence[bool]) -> bool:
        return call.name in CALLS

    found = model.flow.not_linear([p.name for p in places], is_known_layer, is_known_call)
    return [str(made) for made in found if not made.has_right_gradient]
