"""What all class activation maps share: one map a probe from one layer's channels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from ..model_view import ModelView, Place
from .base import Method, Needs, Plan, Seen


@dataclass(frozen=True)
class CAM(Method):
    """A map of the size of one layer's maps, from images, series or volumes.

    Attributes:
        layer: Name of the layer whose channels are put together. If None, the finished feature map
            of the last convolution before the head: behind its normalisation and activation.
    """

    layer: str | None = None

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        place = model.last_feature_map() if self.layer is None else model.layer(self.layer)
        if not place.channel_axis or not place.differentiable:
            maps = [p.name for p in model.layers.values() if p.is_spatial]
            raise ValueError(
                f"`layer` of {type(self).__name__} must have maps with channels. "
                f"Known: {', '.join(maps)}. Received: {self.layer!r} of shape {place.shape}"
            )
        axes = tuple(axis for axis in place.axes if axis != "channel")
        key = f"{self.name}/{place.name}"
        spec = self.spec(model, place, key, axes=axes, signed=self.is_signed(place))
        return Plan(self.needs(place), {key: spec}, {key: place})

    def is_signed(self, place: Place) -> bool:
        """Whether the map has both signs; mostly what speaks against the score is cut off."""
        return False

    def needs(self, place: Place) -> Needs:
        """What is read off the pass."""
        return Needs()


@dataclass(frozen=True)
class GradientCAM(CAM):
    """A class activation map by a formula of the layer's output and the gradient there."""

    def needs(self, place: Place) -> Needs:  # noqa: D102
        return Needs(gradients=frozenset({place}), values=frozenset({place}))

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:
        """The one map."""
        ((key, place),) = plan.places.items()
        both = (
            channels_last(seen.values[place], place),
            channels_last(seen.gradients[place], place),
        )
        return {key: self.weigh(*both)}

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
