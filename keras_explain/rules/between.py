"""What a model computes between its layers, where no rule can be given."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import keras

from .. import backends
from ..model_view import ModelView, Place
from .calls import has_rule, is_scale
from .composites import Composite
from .registry import is_taken_whole


def can_look_inside(model: ModelView) -> bool:
    """Whether the backend tells what a model does between its layers and inside of them."""
    flow = model.flow
    return flow is not None and backends.current().made_by(flow.logits) is not None


def without_rule(
    composite: Composite,
    model: ModelView,
    places: Iterable[Place],
    whole: Collection[int] = (),
) -> list[str]:
    """Operations from the places to the output by which relevance goes wrong.

    Args:
        composite: Chooses the rules.
        model: The model.
        places: Where the way begins.
        whole: Ids of layers into which not to look.
    """
    if model.flow is None:
        return []
    chosen = {
        id(place.layer)
        for name, place in model.layers.items()
        if place.layer is not None and composite.rule(name.partition("#")[0], place.layer)
    }

    def is_known_layer(layer: keras.Layer) -> bool:
        return id(layer) in chosen or id(layer) in whole or is_taken_whole(layer)

    found = model.flow.not_linear(
        [p.name for p in places],
        is_known_layer,
        has_rule,
        lambda call: is_scale(call.name, call.made),
    )
    return [str(made) for made in found if not made.has_right_gradient]
