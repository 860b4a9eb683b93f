"""LIME: a linear model of the score near the input, in terms of which features are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView
from ..questions import Questions
from .attribution import Figure
from .base import Plan, register
from .coalitions import check_most, drawn, solved
from .perturbation import FeatureAttribution

DISTANCES = ("cosine", "euclidean")


@register
@dataclass(frozen=True)
class LIME(FeatureAttribution):
    """Hide random halves of the features, and fit a ridge regression to what becomes of the score.

    Signed, in score units: each value gets the slope of its feature, what the feature's being
    there adds. Of the input's size, without its channels `(probes, height, width)` unless the
    features divide them. How well the linear model fits is recorded as `lime/fit`, its weighted
    R². The halves are the same at every step. Costs a forward pass over the probes for each
    sample.

    Ribeiro et al. 2016, https://arxiv.org/abs/1602.04938

    Attributes:
        samples: Random inputs for each probe, of which the first is the probe. If None, four times
            the features, at least 256.
        alpha: Strength of the ridge: it draws slopes towards zero.
        kernel_width: How far from the probe a sample still counts: the weight of one at distance d
            is `exp(-d**2 / (2 * kernel_width**2))`.
        distance: `"cosine"` of the features that are there to all of them, `1 - sqrt(share)`; or
            `"euclidean"`, the root of the number of features that are hidden.
        seed: Of the draw.
        features: How values make up features. If None, each column of a table and each token is
            one; else the cells of a grid (8 x 8 of a picture, 64 windows of a series, 4 x 4 x 4 of
            a volume). `"values"` makes each value one, `"superpixels"` the superpixels of each
            picture, a number (or a tuple, for the axes) patches of that size; an array says
            the feature of each value itself. A dict of these, by the input's name, for several.
        baseline: What stands where a feature is hidden, in the units of the input (or of the
            layer): a number, an array that broadcasts to the input, or a dict of them by the
            input's name. A token's id, where the input is token ids.
        layer: Name of the layer whose output is hidden in parts; the inputs if None.
    """

    samples: int | None = None
    alpha: float = 1.0
    kernel_width: float = 0.25
    distance: str = "cosine"
    seed: int = 0

    title = "LIME"
    quantity = "attribution"
    unit = "score"
    figures = {"fit": Figure("fit of the linear model", "share")}  # noqa: RUF012

    def __post_init__(self) -> None:
        if self.samples is not None and self.samples < 2:
            raise ValueError(f"`samples` must be at least 2, or None. Received: {self.samples}")
        if self.alpha < 0:
            raise ValueError(f"`alpha` must be at least 0. Received: {self.alpha}")
        if self.kernel_width <= 0:
            raise ValueError(f"`kernel_width` must be above 0. Received: {self.kernel_width}")
        if self.distance not in DISTANCES:
            raise ValueError(
                f"`distance` must be one of {', '.join(DISTANCES)}. Received: {self.distance!r}"
            )

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        plan = super().plan(model)
        check_most(self.features, list(plan.places.values()))
        return plan

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        game = self.game(ask, plan)
        counts = [
            max(256, 4 * n) if self.samples is None else self.samples for n in game.players.counts
        ]

        @drawn
        def coalitions(row: int) -> NDArray[np.bool_]:
            shape = (counts[row], game.players.counts[row])
            found = ask.random(row, self.seed).random(shape) < 0.5
            found[0] = True
            return found

        scores = game.scores(counts, lambda row, numbers: coalitions(row)[numbers])
        fits = [
            ridge(coalitions(row), self._weights(coalitions(row)), of_row, self.alpha)
            for row, of_row in enumerate(scores)
        ]
        fit = np.array([fit for _, fit in fits], np.float32)
        return self.found(plan, game.players.spread([slopes for slopes, _ in fits]), fit=fit)

    def _weights(self, coalitions: NDArray[np.bool_]) -> NDArray[np.float64]:
        if self.distance == "cosine":
            distance = 1 - np.sqrt(coalitions.mean(axis=1))
        else:
            distance = np.sqrt((~coalitions).sum(axis=1))
        return np.exp(-(distance**2) / (2 * self.kernel_width**2))


def ridge(
    rows: NDArray[Any], weights: NDArray[np.float64], scores: NDArray[np.float64], alpha: float
) -> tuple[NDArray[np.float64], float]:
    """Slopes of a weighted ridge regression whose intercept is free, and its weighted R²."""
    total = weights.sum()
    centred = rows - weights @ rows / total
    scores = scores - scores[0]  # scores that are all the same are then nothing at all
    rest = scores - weights @ scores / total
    squares = centred.T @ (weights[:, None] * centred) + alpha * np.eye(rows.shape[1])
    slopes = solved(squares, centred.T @ (weights * rest))
    variance = weights @ rest**2
    missed = weights @ (rest - centred @ slopes) ** 2
    return slopes, 1 - missed / variance if variance > 0 else 1.0
