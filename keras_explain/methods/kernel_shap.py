"""Kernel SHAP: Shapley values by one weighted regression over coalitions of features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView
from ..questions import Questions
from .attribution import Figure
from .base import Plan, register
from .coalitions import EXACT, check_most, drawn, every_coalition, solved
from .gaps import share_missing
from .perturbation import FeatureAttribution


@register
@dataclass(frozen=True)
class KernelSHAP(FeatureAttribution):
    """Fit a sum of the features' shares to the scores of coalitions, in Shapley's weights.

    Signed, in score units, each value getting its feature's share: of the input's size, without
    its channels `(probes, height, width)` unless the features divide them. The shares of a probe
    sum to `score(inputs) - score(baseline)`; what is missing by rounding is recorded as
    `kernel_shap/gap`, a share of that difference (of a thousandth of all shares, or a
    hundred-thousandth of the scores, if that is more). They are exact where all coalitions are
    asked:
    with 8 features or fewer, or `2 ** features <= samples`. Else coalitions are drawn in pairs
    with their complements, the same at every step; what one feature or two of them add is exact
    even then. Costs a forward pass over the probes for each coalition.

    Lundberg & Lee 2017, https://arxiv.org/abs/1705.07874; pairs: Covert & Lee 2021,
    https://arxiv.org/abs/2012.01536

    Attributes:
        samples: Coalitions asked of each probe. If None, four times the features, at least 256;
            not fewer than twice the features.
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
    seed: int = 0

    title = "Kernel SHAP"
    quantity = "attribution"
    unit = "score"
    figures = {"gap": Figure("efficiency gap", "share")}  # noqa: RUF012

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        plan = super().plan(model)
        features = check_most(self.features, list(plan.places.values()))
        # Of a pair, the second says no more about the shares than the first.
        least = 2 + 2 * features
        if self.samples is not None and self.samples < least and features > EXACT:
            raise ValueError(
                f"`samples` must be at least {least} for {features} features. "
                f"Received: {self.samples}"
            )
        return plan

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        game = self.game(ask, plan)

        @drawn
        def coalitions(row: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
            features = game.players.counts[row]
            if self._is_exact(features):
                return weighted(every_coalition(features))
            return sampled(features, self._samples(features), ask.random(row, self.seed))

        counts = [2**n if self._is_exact(n) else self._samples(n) for n in game.players.counts]
        scores = game.scores(counts, lambda row, numbers: coalitions(row)[0][numbers])
        shares, ends = [], np.empty((2, ask.count))
        for row, of_row in enumerate(scores):
            there, weights = coalitions(row)
            shares.append(shapley_fit(there, weights, of_row))
            ends[:, row] = of_row[there.all(axis=1)][0], of_row[~there.any(axis=1)][0]
        total = np.array([share.sum() for share in shares])
        moved = np.array([np.abs(share).sum() for share in shares])
        gap = share_missing(total, ends[0] - ends[1], moved, *ends)
        return self.found(plan, game.players.spread(shares), gap=gap)

    def _samples(self, features: int) -> int:
        # An even number: all but the empty and the whole coalition come in pairs.
        samples = max(256, 4 * features) if self.samples is None else self.samples
        return samples + samples % 2

    def _is_exact(self, features: int) -> bool:
        return features <= EXACT or (features < 30 and 2**features <= self._samples(features))


def kernel(features: int) -> NDArray[np.float64]:
    """Shapley's weight of one coalition by its size; none for the empty and the whole one."""
    weights = np.zeros(features + 1)
    for size in range(1, features):
        # Divided as whole numbers: the count alone may be too large for a float.
        weights[size] = (features - 1) / (comb(features, size) * size * (features - size))
    return weights


def weighted(coalitions: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """All coalitions and their weights."""
    return coalitions, kernel(coalitions.shape[1])[coalitions.sum(axis=1)]


def sampled(
    features: int, samples: int, random: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Coalitions `(samples, features)` and their weights: the empty one, the whole one, and pairs.

    From the outside in, a size whose coalitions all fit into the samples that its weight deserves
    is taken whole; from the sizes left over, coalitions are drawn by their weight.
    """
    sizes = list(range(1, features // 2 + 1))
    mass = {s: (1 + (2 * s != features)) * (features - 1) / (s * (features - s)) for s in sizes}
    pairs = (samples - 2) // 2
    chosen = [np.zeros((1, features), bool)]
    weights = [np.zeros(1)]
    while sizes:
        size = sizes[0]
        count = comb(features, size) // (1 + (2 * size == features))
        if count > pairs * mass[size] / sum(mass[s] for s in sizes):
            break
        # Of the middle size, the second half are the complements of the first.
        whole = np.zeros((count, features), bool)
        for row, members in zip(whole, combinations(range(features), size), strict=False):
            row[list(members)] = True
        chosen.append(whole)
        weights.append(np.full(count, mass[size] / (2 * count)))
        pairs -= count
        sizes.remove(size)
    if sizes:
        left = np.array([mass[size] for size in sizes])
        # One draw in each of equal parts of the mass: sizes come as often as they should.
        at = (np.arange(pairs) + random.random(pairs)) / pairs
        drawn_sizes = np.array(sizes)[np.searchsorted(np.cumsum(left[:-1]) / left.sum(), at)]
        order = random.permuted(np.tile(np.arange(features), (pairs, 1)), axis=1)
        chosen.append(order < drawn_sizes[:, None])
        weights.append(np.full(pairs, left.sum() / (2 * pairs)))
    half, weight = np.concatenate(chosen), np.concatenate(weights)
    return np.concatenate([half, ~half]), np.concatenate([weight, weight])


def shapley_fit(
    coalitions: NDArray[np.bool_], weights: NDArray[np.float64], scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The weighted least squares fit of the scores whose shares sum to what the whole gains."""
    features = coalitions.shape[1]
    gained = _gained(coalitions, scores)
    there = coalitions.mean(axis=1)
    nothing = scores[~coalitions.any(axis=1)][0]
    # The share that is equal for all is taken off; what is left sums to zero, as do these rows.
    rows = coalitions - there[:, None]
    rest = scores - nothing - there * gained
    squares = rows.T @ (weights[:, None] * rows)
    # What is equal for all is not in the rows; with it the equations have one solution.
    squares += np.trace(squares) / features**2
    return gained / features + solved(squares, rows.T @ (weights * rest))


def _gained(coalitions: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    whole, empty = coalitions.all(axis=1), ~coalitions.any(axis=1)
    return float(scores[whole][0] - scores[empty][0])
