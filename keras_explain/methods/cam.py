"""What all class activation maps share: one map per probe from a layer's channels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from ..model_view import ModelView, NotApplicableError, Place, listed
from ..network.default_layers import finished_maps
from .base import Method, Needs, Plan, Seen


@dataclass(frozen=True)
class CAM(Method):
    """A map of the size of one layer's maps, from images, series or volumes.

    Attributes:
        layer: Name of the layer whose channels are put together. If None, the last feature map that
            all that the head reads has passed, after normalisation and activation: one for each
            input whose way to the head is its own.
    """

    layer: str | None = None

    of_score: ClassVar[bool] = True
    """Whether it says something of the score, so that the layer has to reach it."""

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        places = {f"{self.name}/{place.name}": place for place in self.places(model)}
        specs = {}
        for key, place in places.items():
            axes = tuple(axis for axis in place.axes if axis != "channel")
            specs[key] = self.spec(model, place, key, axes=axes, signed=self.is_signed(place))
        return Plan(self.needs(list(places.values())), specs, places)

    def places(self, model: ModelView) -> list[Place]:
        """The named layer, or the last map of each tower.

        Raises:
            ValueError: If the layer has no maps, or nothing of it reaches the score.
            NotApplicableError: If no layer is named and the model has no maps.
        """
        if self.layer is None:
            found = finished_maps(model)
            if not found:
                raise NotApplicableError(
                    "a class activation map needs a convolution before the head of the model, or "
                    f"`layer`. Known: {listed(model.layers)}. Received: layer=None"
                )
            return found
        place = model.layer(self.layer)
        if not place.channel_axis or not place.differentiable:
            maps = [p.name for p in model.layers.values() if p.is_spatial]
            raise ValueError(
                f"`layer` of {type(self).__name__} must have maps with channels. "
                f"Known: {', '.join(maps)}. Received: {self.layer!r} of shape {place.shape}"
            )
        return [model.layer_that_reaches(self.layer) if self.of_score else place]

    def is_signed(self, place: Place) -> bool:
        """Whether the map has both signs; mostly what speaks against the score is cut off."""
        return False

    def needs(self, places: Sequence[Place]) -> Needs:
        """What is read off the pass."""
        return Needs()


@dataclass(frozen=True)
class GradientCAM(CAM):
    """A class activation map by a formula of the layer's output and the gradient there."""

    def needs(self, places: Sequence[Place]) -> Needs:  # noqa: D102
        return Needs(gradients=frozenset(places), values=frozenset(places))

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:
        """The maps."""
        return {
            key: self.weigh(
                channels_last(seen.values[place], place),
                channels_last(seen.gradients[place], place),
            )
            for key, place in plan.places.items()
        }

    @abstractmethod
    def weigh(self, activation: Any, gradient: Any) -> Any:
        """The map `(probes, height, width)` from both, `(probes, height, width, channels)`."""


def channels_last(array: Any, place: Place) -> Any:
    """An array at `place`, `(probes, ...)`, with its channels last."""
    if place.channel_axis in (None, len(place.axes)):
        return array
    return keras.ops.moveaxis(array, place.channel_axis, -1)


def space_of(array: Any) -> tuple[int, ...]:
    """The space axes of an array whose first axis are the probes and whose last the channels."""
    return tuple(range(1, len(array.shape) - 1))
