"""Shapley values by playing out permutations of the features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..questions import Questions
from .base import Plan, register
from .coalitions import EXACT, drawn, every_coalition
from .perturbation import FeatureAttribution


@register
@dataclass(frozen=True)
class ShapleySampling(FeatureAttribution):
    """Add the features one after another, and give each the mean of what its coming gained.

    Signed, in score units, each value getting its feature's share: of the input's size, without
    its channels `(probes, height, width)` unless the features divide them. The shares of a probe
    sum to `score(inputs) - score(baseline)`. They are exact where all coalitions are asked: with 8
    features or fewer, or where that is no more than the permutations would ask. Else permutations
    are drawn in pairs with their reverse, the same at every step. Costs `features - 1` forward
    passes over the probes for each permutation.

    Castro et al. 2009, https://doi.org/10.1016/j.cor.2008.04.004; pairs: Mitchell et al. 2022,
    https://arxiv.org/abs/2104.12199

    Attributes:
        permutations: Permutations of the features for each probe.
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

    permutations: int = 8
    seed: int = 0

    title = "Shapley values"
    quantity = "attribution"
    unit = "score"

    def __post_init__(self) -> None:
        if self.permutations < 1:
            raise ValueError(f"`permutations` must be at least 1. Received: {self.permutations}")

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        game = self.game(ask, plan)

        @drawn
        def order(row: int) -> NDArray[np.int64]:
            return ranks(game.players.counts[row], self.permutations, ask.random(row, self.seed))

        def coalitions(row: int, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
            features = game.players.counts[row]
            if self._is_exact(features):
                return every_coalition(features)[numbers]
            # The empty one, the whole one, and then those on the way of each permutation.
            permutation, come = np.divmod(np.maximum(numbers - 2, 0), features - 1)
            found = order(row)[permutation] <= come[:, None]
            found[numbers == 0], found[numbers == 1] = False, True
            return found

        counts = [2**n if self._is_exact(n) else self._asked(n) for n in game.players.counts]
        scores = game.scores(counts, coalitions)
        shares = [
            shapley_values(of_row)
            if self._is_exact(game.players.counts[row])
            else _mean_gains(order(row), of_row)
            for row, of_row in enumerate(scores)
        ]
        return self.found(plan, game.players.spread(shares))

    def _asked(self, features: int) -> int:
        return 2 + self.permutations * (features - 1)

    def _is_exact(self, features: int) -> bool:
        return features <= EXACT or (features < 30 and 2**features <= self._asked(features))


def ranks(features: int, permutations: int, random: np.random.Generator) -> NDArray[np.int64]:
    """When each feature comes, `(permutations, features)`; each draw is followed by its reverse."""
    some = np.tile(np.arange(features), (-(-permutations // 2), 1))
    drawn_ranks = random.permuted(some, axis=1)
    pairs = np.stack([drawn_ranks, features - 1 - drawn_ranks], axis=1)
    return pairs.reshape(-1, features)[:permutations]


def shapley_values(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shapley values of a game from the scores of `every_coalition`."""
    features = len(scores).bit_length() - 1
    numbers = np.arange(len(scores))
    sizes = every_coalition(features).sum(axis=1)
    weights = np.array(
        [factorial(s) * factorial(features - 1 - s) / factorial(features) for s in range(features)]
    )
    shares = np.empty(features)
    for feature in range(features):
        without = numbers[numbers >> feature & 1 == 0]
        gains = scores[without | 1 << feature] - scores[without]
        shares[feature] = weights[sizes[without]] @ gains
    return shares


def _mean_gains(order: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    on_the_way = scores[2:].reshape(len(order), -1)
    ends = np.broadcast_to(scores[:2], (len(order), 2))
    gains = np.diff(np.concatenate([ends[:, :1], on_the_way, ends[:, 1:]], axis=1), axis=1)
    return np.take_along_axis(gains, order, axis=1).mean(axis=0)
