"""Channel weights: how much each channel of a layer counts for the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from ..model_view import ModelView, NotApplicableError
from ..store import RecordSpec
from .activations import CONVOLUTIONS, chosen
from .base import Method, Needs, Plan, Seen, register
from .cam import channels_last, space_of


@register
@dataclass(frozen=True)
class ChannelWeights(Method):
    """The weights of Grad-CAM: mean over the places of the score's gradient at each channel.

    Signed, in score units per unit of the channel, `(probes, channels)`, all channels of a layer.
    A channel whose weight rises over the steps is one that the network comes to rely on. In a
    series or a volume the mean is over all places too. Read off the common pass.

    Selvaraju et al. 2016, https://arxiv.org/abs/1610.02391

    Attributes:
        layers: Names of the layers; `"convolutions"` for every convolution. If None, those that
            `Activations` chooses, so that the tab shows the weight beside the channel's map.
    """

    layers: Sequence[str] | str | None = None

    title = "Channel weights"
    quantity = "sensitivity"
    unit = "score per layer unit"
    formula = r"\alpha_k = \frac{1}{Z} \sum_{ij} \frac{\partial S_c}{\partial A^k_{ij}}"

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        places = [p for p in chosen(model, self.layers) if p.is_spatial and p.differentiable]
        if self.layers is None or self.layers == CONVOLUTIONS:
            places = [place for place in places if model.reaches(place)]
        places = [p if model.reaches(p) else model.layer_that_reaches(p.name) for p in places]
        if not places:
            maps = [p.name for p in model.layers.values() if p.is_spatial]
            fault = NotApplicableError if self.layers is None else ValueError
            raise fault(
                "`layers` of ChannelWeights must have maps with channels. "
                f"Known: {', '.join(maps) or 'none'}. Received: {self.layers!r}"
            )
        by_key = {f"{self.name}/{place.name}": place for place in places}
        specs = {
            key: RecordSpec(
                key=key,
                method=self.name,
                title=self.title,
                axes=("channel",),
                signed=True,
                layer=place.name,
                options=self.options(),
                quantity=self.quantity,
                unit=self.unit,
            )
            for key, place in by_key.items()
        }
        return Plan(Needs(gradients=frozenset(places)), specs, by_key)

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:  # noqa: D102
        gradients = {
            key: channels_last(seen.gradients[place], place) for key, place in plan.places.items()
        }
        return {key: keras.ops.mean(g, axis=space_of(g)) for key, g in gradients.items()}
