"""Permutation importance: how much the scores fall when probes swap a feature."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, Place
from ..questions import Questions
from .base import Plan, register
from .perturbation import ByFeature
from .regions import are_shared


@register
@dataclass(frozen=True)
class PermutationImportance(ByFeature):
    """Let the probes swap one feature, and see how much the mean score of their targets falls.

    One map for all probes, signed, in score units `(1, height, width)`: each value gets the mean
    fall of its feature; of the input's size, without its channels unless the features divide
    them. Zero for a feature that the model does not use. Every probe gets the feature of another
    one, as in Fisher's "model reliance"; which one is drawn from the probes' values, alike at
    every step. Costs a forward pass over the probes for each repeat of each feature.

    Breiman 2001, https://doi.org/10.1023/A:1010933404324; Fisher et al. 2019,
    https://arxiv.org/abs/1801.01489

    Attributes:
        repeats: From how many others each probe gets the feature, one after another; from all
            where there are no more.
        seed: Of the draw.
        features: How values make up features, alike for all probes. If None, each column of a
            table and each token is one; else the cells of a grid (8 x 8 of a picture, 64 windows
            of a series, 4 x 4 x 4 of a volume). `"values"` makes each value one, a number (or a
            tuple, for the axes) patches of that size; an array says the feature of each value
            itself. A dict of these, by the input's name, for several.
        layer: Name of the layer whose output is swapped in parts; the inputs if None.
    """

    repeats: int = 4
    seed: int = 0

    title = "Permutation importance"
    quantity = "importance"
    unit = "score"

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise ValueError(f"`repeats` must be at least 1. Received: {self.repeats}")

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        plan = super().plan(model)
        if not are_shared(self.features, list(plan.places.values())):
            raise ValueError(
                "`features` of PermutationImportance must be alike for all probes. "
                f"Received: {self.features!r}"
            )
        rows = ("all probes",)
        specs = {key: dataclasses.replace(spec, rows=rows) for key, spec in plan.specs.items()}
        return dataclasses.replace(plan, specs=specs)

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        if ask.count < 2:
            raise ValueError(
                "PermutationImportance needs at least 2 probes that can swap. Received: 1"
            )
        players = self.players(ask, plan)
        features, repeats = players.counts[0], min(self.repeats, ask.count - 1)
        # Around a circle in an order that depends on the probes alone, each gets the feature of
        # the next, then of the one after it: never its own, and each probe's as often.
        draws = [ask.random(row, self.seed).random() for row in range(ask.count)]
        circle = np.argsort(draws, kind="stable")
        seat = np.argsort(circle)

        def vary(row: int, numbers: NDArray[np.int64]) -> dict[Place, NDArray[Any]]:
            # After all features comes one that no value belongs to: nothing is swapped.
            feature, repeat = np.divmod(numbers, repeats)
            giver = circle[(seat[row] + 1 + repeat) % ask.count]
            return {
                place: np.where(
                    ids[0] == np.expand_dims(feature, tuple(range(1, ids.ndim))),
                    players.values[place][giver],
                    players.values[place][row],
                )
                for place, ids in players.regions.items()
            }

        scores = ask.scores_of(features * repeats + 1, vary).astype(np.float64)
        falls = (scores[:, -1:] - scores[:, :-1]).reshape(ask.count, features, repeats)
        return self.found(plan, players.spread([falls.mean(axis=(0, 2))]))
