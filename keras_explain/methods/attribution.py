"""What all methods share that yield an attribution on the inputs, or on a layer's output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from numpy.typing import NDArray

from ..model_view import ModelView, Place
from ..store import RecordSpec
from ..store.format.meaning import at_layer
from .base import Method, Needs, Plan, on_inputs_or_layer


class Figure(NamedTuple):
    """A number per probe that is recorded beside an attribution."""

    title: str
    unit: str


@dataclass(frozen=True)
class Attribution(Method):
    """One attribution a place, and single numbers beside them.

    Attributes:
        layer: Name of the layer on whose output the attribution lies; the inputs if None (the
            embedding's output where an input is token ids).
    """

    layer: str | None = field(default=None, kw_only=True)

    signed: ClassVar[bool]
    shown: ClassVar[str]
    figures: ClassVar[Mapping[str, Figure]] = {}
    """Numbers per probe that are recorded too, by the end of their key."""

    def plan(self, model: ModelView) -> Plan:
        """Yields one record for each place, and one for each of the figures."""
        places = self.places(model)
        by_key = self.keys(model, places)
        specs = {}
        for key, place in by_key.items():
            axes = self.axes_at(place)
            shown = self.shown if "channel" in axes else "all"
            specs[key] = self.spec(model, place, key, axes=axes, signed=self.signed, shown=shown)
        specs |= {f"{self.name}/{end}": self.figure(end, places[0]) for end in self.figures}
        return Plan(self.needs(places), specs, by_key)

    def places(self, model: ModelView) -> list[Place]:
        """Where the attributions lie."""
        return list(on_inputs_or_layer(model, self.layer))

    def axes_at(self, place: Place) -> tuple[str, ...]:
        """Names of the axes of one attribution at `place`."""
        return place.axes

    def needs(self, places: Sequence[Place]) -> Needs:
        """What is read off the pass at these places."""
        return Needs()

    def keys(self, model: ModelView, places: Sequence[Place]) -> dict[str, Place]:
        """The records' keys: the method's name alone, where that is plain."""
        alone = len(model.inputs) == len(places) == 1 and places[0].layer is None
        return {self.name if alone else f"{self.name}/{p.name}": p for p in places}

    def figure(self, end: str, place: Place) -> RecordSpec:
        """The description of a number per probe, beside attributions at such a place."""
        title, unit = self.figures[end]
        return RecordSpec(
            key=f"{self.name}/{end}",
            method=self.name,
            title=f"{self.title}: {title}",
            axes=(),
            signed=True,
            options=self.options(),
            precision="float32",
            quantity="figure",
            unit=unit if place.layer is None else at_layer(unit),
        )

    def found(
        self, plan: Plan, attributions: Mapping[Place, NDArray[Any]], **figures: NDArray[Any]
    ) -> dict[str, NDArray[Any]]:
        """What `compute` returns: attributions by place and figures by name, under their keys."""
        by_key = {key: attributions[place] for key, place in plan.places.items()}
        return by_key | {f"{self.name}/{end}": array for end, array in figures.items()}
