"""Activation maps: what each layer makes of the probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..model_view import ModelView, NotApplicableError, Place
from ..network.default_layers import spread_layers
from .base import Method, Needs, Plan, Seen, register

LARGEST = 64
CONVOLUTIONS = "convolutions"


@register
@dataclass(frozen=True)
class Activations(Method):
    """Outputs of layers, at their own size: `(probes, height, width, channels)`.

    In the units of the layer. Signed, unless the layer ends with a ReLU, a sigmoid or the like.
    Costs no computation, but room: a map of 32x32 with 16 channels takes 32 kB a probe and step.

    Attributes:
        layers: Names of the layers; `"convolutions"` for every convolution. If None, six
            at most that cover the network evenly, each after its normalisation and activation: the
            blocks through which all has to pass; maps of up to 64x64, if there are such.
        channels: Most channels kept of a layer; they are spread evenly, and the same at every step.
            None keeps all.
    """

    layers: Sequence[str] | str | None = None
    channels: int | None = 16

    title = "Activations"
    quantity = "activation"
    unit = "layer"

    def __post_init__(self) -> None:
        if self.channels is not None and self.channels < 1:
            raise ValueError(
                f"`channels` must be at least 1, or None for all. Received: {self.channels}"
            )

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        places = {f"{self.name}/{place.name}": place for place in chosen(model, self.layers)}
        specs = {
            key: self.spec(
                model,
                place,
                key,
                signed=place.is_signed,
                labels=self._channel_labels(place),
                # A range that is left at its ends is told from one that has none.
                options={**self.options(), "activation": place.activation},
            )
            for key, place in places.items()
        }
        needs = Needs(values=frozenset(places.values()))
        return Plan(needs, specs, places)

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:  # noqa: D102
        return {key: self._kept(seen.values[place], place) for key, place in plan.places.items()}

    def _step(self, place: Place) -> int:
        if place.channel_axis is None or self.channels is None:
            return 1
        return -(-place.shape[place.channel_axis - 1] // self.channels)

    def _channel_labels(self, place: Place) -> dict[str, tuple[int, ...]]:
        if place.channel_axis is None:
            return {}
        return {"channel": tuple(range(0, place.shape[place.channel_axis - 1], self._step(place)))}

    def _kept(self, value: Any, place: Place) -> Any:
        step = self._step(place)
        if step == 1:
            return value
        # A strided slice, where `take` would gather value by value.
        return value[(slice(None),) * (place.channel_axis or 0) + (slice(None, None, step),)]


def chosen(model: ModelView, layers: Sequence[str] | str | None) -> list[Place]:
    """The layers that are named, or the choice that stays small."""
    if layers == CONVOLUTIONS:
        return model.convolutions
    if layers is not None:
        names = [layers] if isinstance(layers, str) else layers
        return [model.layer(name) for name in names]
    found = spread_layers(model, LARGEST)
    if not found:
        raise NotApplicableError(
            "no layer with weights reaches the explained output; name `layers`. "
            f"Known: {', '.join(model.layers)}. Received: layers=None"
        )
    return found
