"""Which layer's output are a model's features."""

from __future__ import annotations

from ..model_view import ModelView, NotApplicableError, Place, listed


def features_place(model: ModelView, layer: str | None) -> Place:
    """The output of `layer`; by default the input of the explained output's last weighted layer.

    Raises:
        ValueError: If the model has no such layer, or the layer holds no floating-point numbers.
        NotApplicableError: If there is nothing before the last layer with weights.
    """
    if layer is not None:
        place = model.layer(layer)
        if not place.differentiable:
            raise ValueError(f"`layer` must hold floating-point numbers. Received: {layer!r}")
        return place
    order = [
        place
        for place in model.layers.values()
        if place.is_leaf
        and place.differentiable
        # A softmax comes after the logits, which are what is reached.
        and (place.name in model.head or model.reaches(place))
    ]
    if order:
        heads = [at for at, place in enumerate(order) if place.name in model.head]
        head = heads[0] if heads else len(order) - 1
        weighted = [at for at, place in enumerate(order) if place.is_weighted and at <= head]
        end = weighted[-1] if weighted else head
        taken = model.fed_by.get(order[end].name, ())
        if len(taken) == 1 and taken[0] in model.layers and model.layers[taken[0]].differentiable:
            return model.layers[taken[0]]
        if end > 0:
            return order[end - 1]
    inputs = [place for place in model.inputs.values() if place.differentiable]
    if len(inputs) != 1:
        raise NotApplicableError(
            "the model has no features before its last layer; name a `layer`. "
            f"Known: {listed(model.layers)}. Received: layer=None"
        )
    return inputs[0]
