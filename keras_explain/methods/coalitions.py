"""Coalitions: inputs of which some features are there, and the others hidden."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import Place
from ..questions import Questions, Values
from .baselines import check_finite
from .regions import Features, most_features, regions_at, splits_channels

Coalitions = Callable[[int, NDArray[np.int64]], NDArray[np.bool_]]
"""From a row and the numbers of some coalitions to which features are there, `(some, features)`."""

EXACT = 8
"""Games of so many features or fewer are always played out: 256 coalitions."""
MOST = 1024
"""Most features of what solves a system of equations for each row."""
KEPT = 16
"""Rows whose coalitions are kept at a time."""


@dataclass(frozen=True)
class Players:
    """The features of all inputs together.

    Attributes:
        values: The inputs by place, `(rows, ...)`.
        regions: Each value's feature, `(rows or 1, ...)`; numbered over all inputs.
        split: Whether a place's channels may belong to different features.
        counts: Number of features of each row.
    """

    values: Values
    regions: Mapping[Place, NDArray[np.intp]]
    split: Mapping[Place, bool]
    counts: list[int]

    @classmethod
    def of(cls, values: Values, features: Features, memory: dict[str, Any]) -> Players:
        """The features that the option makes of these values."""
        regions = {}
        begin = np.zeros(1, np.intp)
        for place, array in values.items():
            ids = regions_at(features, place, array, memory)
            inner = tuple(range(1, ids.ndim))
            regions[place] = ids + np.expand_dims(begin, inner)
            begin = begin + ids.max(axis=inner) + 1
        rows = len(next(iter(values.values())))
        split = {place: splits_channels(features, place) for place in values}
        return cls(values, regions, split, [int(n) for n in np.broadcast_to(begin, rows)])

    def sizes(self, place: Place) -> NDArray[np.intp]:
        """How many positions at `place` belong to the feature of each of them, `(rows or 1, ...)`.

        Without channels, unless a feature may be some of them: then it counts values.
        """
        found = np.stack([np.bincount(ids.ravel())[ids] for ids in self.regions[place]])
        alone = place.channel_axis is None or self.split[place]
        return found if alone else np.squeeze(found, place.channel_axis)

    def spread(self, attributions: Sequence[NDArray[Any]]) -> dict[Place, NDArray[np.float32]]:
        """Numbers for each feature of each row, as maps: each value gets its feature's."""
        maps = {}
        for place, ids in self.regions.items():
            channel = place.axes.index("channel") if "channel" in place.axes else None
            apart = channel is None or self.split[place]
            shape = [1 if at == channel and not apart else n for at, n in enumerate(place.shape)]
            rows = [
                np.broadcast_to(found[ids[row % len(ids)]], shape)
                for row, found in enumerate(attributions)
            ]
            found = np.stack(rows).astype(np.float32)
            maps[place] = found if apart else np.squeeze(found, place.channel_axis)
        return maps


@dataclass(frozen=True)
class Game:
    """Features as players, and the score as what a coalition of them gains.

    Attributes:
        ask: The questions about the rows.
        players: The features.
        hidden: What stands where a feature is hidden, by place, of the shape of the values.
        baseline: What the user gave for that.
    """

    ask: Questions
    players: Players
    hidden: Values
    baseline: Any = 0.0

    def scores(self, counts: Sequence[int], coalitions: Coalitions) -> list[NDArray[np.float64]]:
        """The score of each coalition, for each row as many as `counts` says.

        Raises:
            ValueError: If hiding makes a score that is no number of one that is.
        """
        # Flat, and one for each value: three times as fast as along axes of broadcast arrays.
        regions = {
            place: np.broadcast_to(ids, (len(ids), *place.shape)).reshape(len(ids), -1)
            for place, ids in self.players.regions.items()
        }

        def vary(row: int, numbers: NDArray[np.int64]) -> dict[Place, NDArray[Any]]:
            # A row with fewer coalitions than others fills up with its last.
            there = coalitions(row, np.minimum(numbers, counts[row] - 1))
            return {
                place: np.where(
                    there[:, ids[row % len(ids)]],
                    self.players.values[place][row].ravel(),
                    self.hidden[place][row].ravel(),
                ).reshape(-1, *place.shape)
                for place, ids in regions.items()
            }

        scores = self.ask.scores_of(max(counts), vary).astype(np.float64)
        check_finite(self.ask, scores, self.baseline)
        return [of_row[:count] for of_row, count in zip(scores, counts, strict=True)]


def every_coalition(features: int) -> NDArray[np.bool_]:
    """All coalitions `(2 ** features, features)`: the first is empty, the last is whole."""
    numbers = np.arange(2**features)[:, None]
    return (numbers >> np.arange(features) & 1).astype(bool)


def drawn(draw: Callable[[int], Any]) -> Callable[[int], Any]:
    """`draw` by row, remembered for as many rows as are at work at a time."""
    return lru_cache(maxsize=KEPT)(draw)


def solved(squares: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[Any]:
    """The solution of the normal equations `squares @ x = right`; a short one if there are many."""
    features = len(squares)
    # As good as the pseudo-inverse here, in a fifteenth of the time.
    least = 1e-10 * float(np.trace(squares)) / features or 1.0
    found: NDArray[Any] = np.linalg.solve(squares + least * np.eye(features), right)
    return found


def check_most(features: Features, places: Sequence[Place]) -> int:
    """The number of features, where they are not too many.

    Raises:
        ValueError: If there are more than `MOST`.
    """
    count = most_features(features, places)
    if count > MOST:
        raise ValueError(
            f"`features` must make at most {MOST} features of the inputs: name a patch size, "
            f"'superpixels' or an array of your own. Received: {features!r}, {count} features"
        )
    return count
