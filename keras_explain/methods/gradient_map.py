"""What all methods share that make an attribution of one gradient and one value."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..model_view import Place
from .attribution import Attribution
from .base import Needs, Plan, Seen


@dataclass(frozen=True)
class GradientMap(Attribution):
    """An attribution on the inputs, or on a layer's output, by a formula of gradient and value."""

    @abstractmethod
    def attribute(self, gradient: Any, value: Any) -> Any:
        """The attribution, of the shape of both: `(probes, ...)`."""

    def needs(self, places: Sequence[Place]) -> Needs:
        """Gradient and value at every place."""
        return Needs(gradients=frozenset(places), values=frozenset(places))

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:
        """One attribution a record."""
        return {
            key: self.attribute(seen.gradients[place], seen.values[place])
            for key, place in plan.places.items()
        }
