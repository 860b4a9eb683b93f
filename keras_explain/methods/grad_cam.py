"""Grad-CAM: where in the picture the evidence for the score lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from ..model_view import ModelView
from .base import Method, Needs, Plan, Seen, register


@register
@dataclass(frozen=True)
class GradCAM(Method):
    """Channels of a feature map, weighted by the mean gradient of the score at them, and summed.

    Unsigned (what speaks against the score is cut off at zero, as in the paper), in score units
    to first order, of the layer's own size `(probes, height, width)`: never resized. Also for
    series and volumes. Read off the common pass.

    Selvaraju et al. 2016, https://arxiv.org/abs/1610.02391

    Attributes:
        layer: Name of the layer whose output is weighted. If None, the finished feature map of
            the last convolution before the head: behind its normalisation and activation.
    """

    layer: str | None = None

    title = "Grad-CAM"

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        place = model.last_feature_map() if self.layer is None else model.layer(self.layer)
        if not place.channel_axis or not place.differentiable:
            maps = [p.name for p in model.layers.values() if p.is_spatial]
            raise ValueError(
                "`layer` of GradCAM must have maps with channels. "
                f"Known: {', '.join(maps)}. Received: {self.layer!r} of shape {place.shape}"
            )
        axes = tuple(axis for axis in place.axes if axis != "channel")
        spec = self.spec(model, place, f"{self.name}/{place.name}", axes=axes, signed=False)
        needs = Needs(gradients=frozenset({place}), values=frozenset({place}))
        return Plan(needs, {spec.key: spec}, {spec.key: place})

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:  # noqa: D102
        ((key, place),) = plan.places.items()
        gradient, activation = seen.gradients[place], seen.values[place]
        channel = place.channel_axis
        space = tuple(axis for axis in range(1, len(gradient.shape)) if axis != channel)
        weights = keras.ops.mean(gradient, axis=space, keepdims=True)
        return {key: keras.ops.relu(keras.ops.sum(weights * activation, axis=channel))}
