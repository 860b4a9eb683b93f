"""Which layers are explained where the user names none: by the data flow, not by their class.

All that goes from an input to the explained output passes some tensors: the *line* of the input.
Blocks end on it, branches do not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras

from ..model_view import EntryPlace
from .keras_internals import inner_layers

if TYPE_CHECKING:
    from ..model_view import ModelView, Place
    from .connections import Connections
    from .dataflow import Key

MOST = 6
"""Most layers that are chosen at once."""


@dataclass(frozen=True)
class Stop:
    """A place on the line of an input.

    Attributes:
        place: The place.
        mixed: Whether weights that mix channels or positions come in between the stop before and
            this one.
        is_last: Whether no such weights come in after it.
    """

    place: Place
    mixed: bool
    is_last: bool

    @property
    def positions(self) -> int:
        """Number of positions of a map."""
        return math.prod(self.place.space)

    @property
    def channels(self) -> int | None:
        """Number of channels of a map."""
        axis = self.place.channel_axis
        return None if axis is None else self.place.shape[axis - 1]


def finished_maps(model: ModelView) -> list[Place]:
    """The last feature maps that all that the head reads has passed: one for each tower.

    What lies behind a pooling layer counts as that which was pooled. Where what the head reads has
    passed no one map, as in a network of parallel branches, it is the last map of each branch.
    """
    connections = model.connections
    if connections is None:
        return []
    convolved = _after_convolutions(model, connections)
    found: dict[str, Place] = {}
    for name, sources in _sources(model).items():
        stops = [
            stop
            for stop in _stops(model, connections, sources)
            if connections.keys[stop.place.name] in convolved
            and stop.place.is_spatial
            and stop.channels
            and not (stop.is_last and _is_head(model, stop.place))
        ]
        chosen = [_finished(stops).place] if stops else _exits(model, connections, name, convolved)
        found |= {place.name: place for place in chosen}
    return list(found.values())


def spread_layers(model: ModelView, largest: int) -> list[Place]:
    """A few layers that cover the network evenly, each after its normalisation and activation.

    Args:
        model: The model.
        largest: Most positions along an axis of a map, if there are smaller ones.
    """
    connections = model.connections
    if connections is None:
        return []
    found: dict[str, Place] = {}
    heads = set(model.head)
    for sources in _sources(model).values():
        stops = list(_stops(model, connections, sources, whole=True))
        # A head that is a convolution at one position, and then reshaped, is a head.
        at_one = (stop for stop in stops if stop.is_last and stop.positions == 1)
        heads |= {stop.place.name for stop in at_one if _is_head(model, stop.place)}
        outer = [stop for stop in stops if not _is_part(stop.place, stops)]
        several = _grouped(outer)
        for place in several if len(several) > 2 else _grouped(stops):
            found[place.name] = place
    if not found:
        kernels = (p for p in model.layers.values() if p.is_leaf and model.reaches(p))
        found = {p.name: p for p in kernels if p.layer is not None and p.layer.weights}
    places = list(found.values())
    if any(place.is_spatial for place in places):
        places = [place for place in places if place.name not in heads] or places
    small = [place for place in places if max(place.space, default=0) <= largest]
    return evenly(small, MOST) or places[-1:]


def evenly(places: Sequence[Place], most: int) -> list[Place]:
    """So many of the places at most, the first and the last among them."""
    if len(places) <= most:
        return list(places)
    return [places[round(n * (len(places) - 1) / (most - 1))] for n in range(most)]


def _sources(model: ModelView) -> dict[str, list[str]]:
    """By the input's name, where its gradients begin."""
    found = {}
    for name, place in model.inputs.items():
        words = [one.name for one in model.embeddings.get(name, ())]
        own = [name] if place.differentiable else []
        sources = [one for one in own + words if model.connections_reach(one)]
        if sources:
            found[name] = sources
    return found


def _stops(
    model: ModelView, connections: Connections, sources: Iterable[str], whole: bool = False
) -> Iterator[Stop]:
    """The places on the line from the sources to the output, in order."""
    line = connections.line(sources)
    by_key = _named(model, connections, whole)
    mixed = False
    for index, (key, weights) in enumerate(zip(line.keys, line.weights, strict=True)):
        mixed = mixed or bool(weights & connections.kernels)
        place = by_key.get(key)
        if place is not None and place.differentiable:
            is_last = not line.weights_from(index) & connections.kernels
            is_table = index == 0 and isinstance(place.layer, keras.layers.Embedding)
            yield Stop(place, mixed or is_table, is_last)
            mixed = False


def _named(model: ModelView, connections: Connections, whole: bool) -> dict[Key, Place]:
    """The place of each tensor: of the layer that made it, or of that which takes it.

    Args:
        model: The model.
        connections: Its data flow.
        whole: Whether a layer that holds others stands for its last one.
    """
    recurrent = [n for n, p in model.layers.items() if isinstance(p.layer, keras.layers.RNN)]
    by_key: dict[Key, list[Place]] = {}
    for name, place in model.layers.items():
        if not any(name.startswith(f"{outer}/") for outer in recurrent):
            by_key.setdefault(connections.keys[name], []).append(place)
    found: dict[Key, Place] = {connections.keys[n]: p for n, p in model.entries.items()}
    for key, places in by_key.items():
        once = [place for place in places if "#" not in place.name] or places
        made = [place for place in once if once[0].name.startswith(f"{place.name}/")]
        wrappers = [place for place in made if not isinstance(place.layer, keras.Model)]
        leaves = [place for place in once if place.is_leaf]
        found[key] = wrappers[-1] if whole and wrappers else (leaves or once)[0]
    return found


def _is_part(place: Place, stops: Iterable[Stop]) -> bool:
    """Whether the place lies inside of a layer that is on the line as a whole."""
    # What goes into a layer lies before it.
    name = place.name.removesuffix("/input") if isinstance(place, EntryPlace) else place.name
    return any(
        name.startswith(f"{stop.place.name}/") and not isinstance(stop.place.layer, keras.Model)
        for stop in stops
    )


def _grouped(stops: Iterable[Stop]) -> list[Place]:
    """One place for each stage: after the last operation that leaves the stage's shape."""
    found: list[Place] = []
    is_open = False
    for stop in stops:
        if stop.mixed:
            found.append(stop.place)
            is_open = True
        elif is_open and stop.place.shape == found[-1].shape:
            found[-1] = stop.place
        else:
            is_open = False
    return found


def _after_convolutions(model: ModelView, connections: Connections) -> set[Key]:
    """Every tensor that was computed from a convolution's output, and those themselves."""
    found = {connections.keys[p.name] for p in model.layers.values() if _holds_convolution(p.layer)}
    for key in connections.flow.order:
        if any(parent in found for parent in connections.flow.parents[key]):
            found.add(key)
    return found


def _holds_convolution(layer: keras.Layer | None) -> bool:
    if layer is None:
        return False
    return "Conv" in type(layer).__name__ or any(map(_holds_convolution, inner_layers(layer)))


def _is_head(model: ModelView, place: Place) -> bool:
    """Whether a map has one channel for each class: it is what the model says, not what it sees."""
    axis = place.channel_axis
    return place.name in model.head or (axis is not None and place.shape[axis - 1] == model.classes)


def _finished(stops: Sequence[Stop]) -> Stop:
    """The last map; of a picture its last map with as many axes, unless that became tokens."""
    axes = max(len(stop.place.space) for stop in stops)
    at = max(n for n, stop in enumerate(stops) if len(stop.place.space) == axes)
    is_cut_up = any(
        stop.positions >= stops[at].positions and stop.channels == stops[at].channels
        for stop in stops[at + 1 :]
    )
    at = len(stops) - 1 if is_cut_up else at
    while at > 0 and not stops[at].mixed:
        before = stops[at - 1]
        if before.positions <= stops[at].positions or before.channels != stops[at].channels:
            break
        at -= 1
    return stops[at]


def _exits(
    model: ModelView, connections: Connections, name: str, convolved: set[Key]
) -> list[Place]:
    """The last map of each branch that leads from an input to the output."""
    maps = {
        key: place
        for key, place in _named(model, connections, whole=False).items()
        if key in convolved
        and place.is_spatial
        and place.channel_axis
        and place.differentiable
        and not _is_head(model, place)
        and name in connections.flow.inputs_of(key)
    }
    found: list[Place] = []
    seen: set[Key] = set()
    ahead = [connections.flow.output]
    while ahead:
        key = ahead.pop()
        if key in seen or key not in connections.flow.carrying:
            continue
        seen.add(key)
        if key in maps:
            found.append(maps[key])
        else:
            ahead += connections.flow.parents[key]
    return found[:MOST]
