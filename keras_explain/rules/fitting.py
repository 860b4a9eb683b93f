"""Whether the rules of a composite fit a model; found out before it is trained."""

from __future__ import annotations

from collections.abc import Iterable

import keras

from ..model_view import ModelView, NotApplicableError, Place
from ..network.keras_internals import inner_layers
from .between import can_look_inside, without_rule
from .composites import Composite
from .layer_rules import Inside, Move, Pass
from .linear import is_linear
from .rule import FirstRule, LinearRule, Rule

MOST_NAMED = 5


def check_fits(composite: Composite, model: ModelView, at: Iterable[Place]) -> None:
    """See that every layer behind the places has a rule that it can have.

    Raises:
        ValueError: If one has not; it names the layer.
    """
    known = [_plain(name) for name in model.layers]
    for name in composite.names:
        if not any(one == name or one.endswith(f"/{name}") for one in known):
            raise ValueError(
                f"`composite` names no layer of this model. Known: {', '.join(known)}. "
                f"Received: {name!r}"
            )
    places = list(at)
    first = fed_by_inputs(composite, model)
    behind = _behind(model, places)
    unknown = {}
    for name, layer in behind.items():
        rule = composite.settled(_plain(name), layer, first=name in first)
        is_unknown = isinstance(rule, Inside) and not inner_layers(layer)
        if rule is None or (is_unknown and not can_look_inside(model)):
            raise NotApplicableError(no_rule(name, layer))
        if is_unknown:
            unknown[name] = layer
        _check_rule(rule, name, layer, is_first=name in first)
    ids = {id(layer) for layer in unknown.values()}
    between = without_rule(composite, model, places, whole=ids)
    if between:
        raise NotApplicableError(
            "LRP must have a rule for all that is not linear. Use a layer for what your model "
            "computes between layers, such as keras.layers.Multiply, or make your own and register "
            "its rule by `keras_explain.rules.register_rule`. "
            f"Received, without a rule: {', '.join(between[:MOST_NAMED])}"
        )
    if unknown and without_rule(composite, model, places):
        for name, layer in unknown.items():
            if without_rule(composite, model, places, whole=ids - {id(layer)}):
                raise NotApplicableError(no_rule(name, layer))
    waits = [name for name, layer in behind.items() if _has_first_rule(composite, name, layer)]
    if waits and not first & set(waits) and all(place.layer is None for place in places):
        raise NotApplicableError(
            "`composite` has a rule for the layer that the inputs go into, but none is called on "
            "them, or on what layers that move or rescale values make of them. "
            f"Known: {', '.join(waits)}. Received: {type(composite).__name__}"
        )


def fed_by_inputs(composite: Composite, model: ModelView) -> frozenset[str]:
    """Names of the linear layers that inputs go into, at most moved or rescaled on the way."""
    entries = {name for name, place in model.inputs.items() if place.differentiable}
    found = set()
    for name, place in model.layers.items():
        layer, sources = place.layer, model.fed_by.get(name, ())
        if layer is None or isinstance(layer, keras.layers.Embedding):
            entries.add(name)
        elif sources and entries.issuperset(sources):
            if is_linear(layer):
                found.add(name)
            elif isinstance(composite.settled(_plain(name), layer), Move | Pass) or (
                _is_normalization(layer) and composite.rule(_plain(name), layer) is None
            ):
                entries.add(name)
    return frozenset(found)


def no_rule(name: str, layer: keras.Layer) -> str:
    """What is said of a layer without a rule."""
    kind = type(layer).__name__
    return (
        f"LRP has no rule for layer {name!r}. Register one, such as "
        f"`keras_explain.rules.register_rule({kind}, Gradient())`, or name one in `composite`: "
        f"`{{{name!r}: Gradient()}}`. Received: {kind}"
    )


def _check_rule(rule: Rule, name: str, layer: keras.Layer, *, is_first: bool) -> None:
    if isinstance(rule, LinearRule | FirstRule) and not (
        is_linear(layer) or (isinstance(rule, LinearRule) and _is_normalization(layer))
    ):
        raise ValueError(
            f"`composite` must give layer {name!r} a rule for layers that are not linear, such as "
            f"Gradient() or Pass(). Received: {rule} for {type(layer).__name__}"
        )
    if isinstance(rule, FirstRule) and not is_first:
        raise ValueError(
            f"`composite` must give {type(rule).__name__} to a layer that an input goes into, at "
            f"most moved or rescaled. Received: {rule} for {name!r}"
        )


def _behind(model: ModelView, places: list[Place]) -> dict[str, keras.Layer]:
    """The layers that are called after the first of the places was reached."""
    order = list(model.layers)
    starts = [order.index(p.name) + 1 if p.name in order else 0 for p in places]
    return {
        name: place.layer
        for name in order[min(starts) :]
        if (place := model.layers[name]).differentiable and place.layer is not None
    }


def _has_first_rule(composite: Composite, name: str, layer: keras.Layer) -> bool:
    rule = composite.settled(_plain(name), layer, first=True)
    return is_linear(layer) and isinstance(rule, FirstRule)


def _is_normalization(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization)


def _plain(name: str) -> str:
    """The layer's own name, also where it is called again."""
    return name.partition("#")[0]
