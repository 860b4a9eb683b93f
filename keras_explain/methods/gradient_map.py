"""What all methods share that make an attribution of one gradient and one value."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..model_view import ModelView
from .base import Method, Needs, Plan, Seen, on_inputs_or_layer


@dataclass(frozen=True)
class GradientMap(Method):
    """An attribution on the inputs, or on a layer's output, by a formula of gradient and value.

    Attributes:
        layer: Name of the layer at whose output the gradient is taken; the inputs if None (the
            embedding's output where an input is token ids).
    """

    layer: str | None = None

    signed: ClassVar[bool]
    shown: ClassVar[str]

    @abstractmethod
    def attribute(self, gradient: Any, value: Any) -> Any:
        """The attribution, of the shape of both: `(probes, ...)`."""

    def plan(self, model: ModelView) -> Plan:
        """Needs the gradient at every place, and yields one record for each."""
        places = list(on_inputs_or_layer(model, self.layer))
        alone = len(model.inputs) == 1 and places[0].layer is None
        by_key = {self.name if alone else f"{self.name}/{p.name}": p for p in places}
        specs = {
            key: self.spec(
                model,
                place,
                key,
                signed=self.signed,
                shown=self.shown if place.channel_axis else "all",
            )
            for key, place in by_key.items()
        }
        return Plan(Needs(gradients=frozenset(places), values=frozenset(places)), specs, by_key)

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:
        """One attribution a record."""
        return {
            key: self.attribute(seen.gradients[place], seen.values[place])
            for key, place in plan.places.items()
        }
