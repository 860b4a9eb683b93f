"""What happens to the score while positions of an input are removed: curves and subsets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import Place
from ..questions import Questions
from . import quality_figures as figures
from .position_maps import sizes_of


@dataclass(frozen=True)
class Removal:
    """How positions are removed.

    Attributes:
        points: Steps of the curves; no curves if 0.
        subsets: Number of random subsets.
        share: How much of the positions a subset holds.
        seed: Of the subsets.
    """

    points: int
    subsets: int
    share: float
    seed: int

    def judge(
        self,
        ask: Questions,
        place: Place,
        baseline: NDArray[Any],
        shown: NDArray[Any],
        explained: NDArray[Any],
    ) -> dict[str, NDArray[np.float64]]:
        """The figures by name, `(rows,)` each.

        Args:
            ask: The rows that are explained.
            place: The input.
            baseline: What stands for what is removed, of the input's shape.
            shown: What orders the positions and is summed over subsets, `(rows, *sizes)`.
            explained: By how much the score drops without each position, as the map has it.
        """
        shown, explained = (a.reshape(ask.count, -1) for a in (shown, explained))
        size = shown.shape[1]
        x = ask.values([place])[place]
        curves = 2 * max(self.points - 1, 0)
        sums, foretold = np.zeros((2, ask.count, self.subsets), np.float32)

        @lru_cache(maxsize=1)
        def kept(row: int) -> NDArray[np.bool_]:
            """Which positions stay: all, none, those of the curves, those outside the subsets."""
            masks = np.ones((2 + curves + self.subsets, size), bool)
            masks[1] = False
            if curves:
                rank = np.empty(size, int)
                rank[np.argsort(-shown[row], kind="stable")] = np.arange(size)
                gone = np.round(np.arange(1, self.points) / self.points * size)[:, None]
                masks[2 : 2 + curves] = np.concatenate([rank >= gone, rank < gone])
            if self.subsets:
                chosen = self._chosen(ask.random(row, self.seed), size)
                np.put_along_axis(masks[2 + curves :], chosen, False, axis=1)
                sums[row] = shown[row][chosen].sum(axis=1)
                foretold[row] = explained[row][chosen].sum(axis=1)
            return masks

        def vary(row: int, variants: NDArray[np.int64]) -> dict[Place, NDArray[Any]]:
            mask = kept(row)[variants].reshape(-1, *sizes_of(place))
            if place.channel_axis is not None:
                mask = np.expand_dims(mask, place.channel_axis)
            return {place: np.where(mask, x[row], baseline[row])}

        scores = ask.scores_of(2 + curves + self.subsets, vary)
        whole, nothing, without = scores[:, :1], scores[:, 1:2], scores[:, 2 + curves :]
        judged = {}
        if curves:
            deleted, inserted = np.split(scores[:, 2 : 2 + curves], 2, axis=1)
            judged["deletion"] = figures.area_under(np.hstack([whole, deleted, nothing]))
            judged["insertion"] = figures.area_under(np.hstack([nothing, inserted, whole]))
        if self.subsets:
            drops = whole - without
            judged["faithfulness"] = figures.correlation(sums, drops)
            judged["infidelity"] = figures.infidelity(foretold, drops)
            judged["scaled_infidelity"] = figures.infidelity(foretold, drops, scaled=True)
        return judged

    def _chosen(self, chance: np.random.Generator, size: int) -> NDArray[np.intp]:
        """Random subsets of the positions, `(subsets, positions of each)`."""
        count = min(max(1, round(self.share * size)), max(1, size - 1))
        draws = chance.random((self.subsets, size), np.float32)
        return np.argpartition(draws, count - 1, axis=1)[:, :count]
