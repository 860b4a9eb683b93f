"""What all methods share that hide parts of the inputs and look what becomes of the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, NotApplicableError, Place
from ..questions import Questions
from .attribution import Attribution
from .base import Plan
from .baselines import Baseline, baseline_at
from .coalitions import Game, Players
from .regions import Features, are_single, check_features, splits_channels


@dataclass(frozen=True)
class Perturbation(Attribution):
    """An attribution found by changing parts of the inputs.

    Token ids are changed themselves, so the attribution lies on them. Where the channels change
    together it has no channel axis.

    Attributes:
        layer: Name of the layer whose output is changed in parts; the inputs if None.
    """

    signed = True
    shown = "sum"

    def places(self, model: ModelView) -> list[Place]:  # noqa: D102
        if self.layer is not None:
            return [model.layer_that_reaches(self.layer, gradient=False)]
        inputs = list(model.inputs.values())
        return [place for place in inputs if model.reaches(place, gradient=False)] or inputs

    def axes_at(self, place: Place) -> tuple[str, ...]:  # noqa: D102
        return tuple(axis for axis in place.axes if axis != "channel")


@dataclass(frozen=True)
class Hiding(Perturbation):
    """An attribution found by hiding parts of the inputs.

    Attributes:
        baseline: What stands where something is hidden, in the units of the input (or of the
            layer): a number, an array that broadcasts to the input, or a dict of them by the
            input's name. A token's id, where the input is token ids.
        layer: Name of the layer whose output is hidden in parts; the inputs if None.
    """

    baseline: Baseline = field(default=0.0, kw_only=True)

    def places(self, model: ModelView) -> list[Place]:
        """Where something is hidden: of a text, in the ids of its words."""
        found = []
        for place in super().places(model):
            ids = model.ids_of(place) if place.is_text else place
            if ids is None:
                raise NotApplicableError(
                    f"{place.name!r} holds strings, of which no part can be hidden; "
                    "`permutation_importance` swaps them between probes, or name a `layer`. "
                    f"Known: {', '.join(model.layers)}. Received: layer={self.layer!r}"
                )
            found.append(ids)
        return found

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        for place in self.places(model):
            given = self.baseline
            given = given.get(place.name, 0) if isinstance(given, Mapping) else given
            rows = len(given) if np.ndim(given) > len(place.shape) else 1
            baseline_at(self.baseline, place, np.broadcast_to(np.float32(0), (rows, *place.shape)))
        return super().plan(model)


@dataclass(frozen=True)
class ByFeature(Perturbation):
    """One number for each feature, which each of the feature's values gets whole.

    Attributes:
        features: How values make up features, as in `regions.Features`.
        layer: Name of the layer whose output is changed in parts; the inputs if None.
    """

    features: Features = field(default=None, kw_only=True)

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        check_features(self.features, self.places(model))
        return super().plan(model)

    def axes_at(self, place: Place) -> tuple[str, ...]:  # noqa: D102
        return place.axes if splits_channels(self.features, place) else super().axes_at(place)

    def unit_at(self, place: Place) -> str:  # noqa: D102
        alone = are_single(self.features, place, self.axes_at(place))
        return self.unit if alone else "score per region"

    def region_sizes(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        players = self.players(ask, plan)
        return {key: players.sizes(place) for key, place in plan.places.items()}

    def players(self, ask: Questions, plan: Plan) -> Players:
        """The features of all inputs together."""
        values = ask.values(list(plan.places.values()))
        return Players.of(values, self.features, ask.memory(self))


@dataclass(frozen=True)
class FeatureAttribution(ByFeature, Hiding):
    """One number for each feature, found by hiding features.

    Attributes:
        features: How values make up features, as in `regions.Features`.
        baseline: What stands where a feature is hidden.
        layer: Name of the layer whose output is hidden in parts; the inputs if None.
    """

    def game(self, ask: Questions, plan: Plan) -> Game:
        """The features of all inputs together, each there or hidden."""
        players = self.players(ask, plan)
        hidden = {p: baseline_at(self.baseline, p, x) for p, x in players.values.items()}
        return Game(ask, players, hidden, self.baseline)
