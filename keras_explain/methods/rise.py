"""RISE: what the score is on average while a value is seen through a random mask."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import Place
from ..questions import Questions
from .attribution import Figure
from .base import Plan, register
from .baselines import baseline_at, check_finite
from .coalitions import drawn
from .linear_maps import between
from .perturbation import Hiding


@register
@dataclass(frozen=True)
class RISE(Hiding):
    """Look at the inputs through smooth random masks, and average the masks by their scores.

    Signed, in score units, of the input's size without its channels `(probes, height, width)`: the
    mean score while a value is seen, less the mean score of all masks, which is recorded as
    `rise/mean` (their sum is the paper's map). Series and volumes have masks of one and three
    axes; columns of tables and token ids are there or hidden each by itself. The masks are the
    same at every step, made a few at a time. Costs a forward pass over the probes for each mask.

    Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421

    Attributes:
        masks: Random masks for each probe. The sampling error shrinks with their root.
        cells: Cells of a mask along each axis, before it is made smooth and shifted.
        probability: Of a cell to be seen.
        seed: Of the draw.
        baseline: What stands behind the masks, in the units of the input (or of the layer): a
            number, an array that broadcasts to the input, or a dict of them by the input's name. A
            token's id, where the input is token ids.
        layer: Name of the layer whose output is masked; the inputs if None.
    """

    masks: int = 512
    cells: int = 8
    probability: float = 0.5
    seed: int = 0

    title = "RISE"
    quantity = "importance"
    unit = "score"
    figures = {"mean": Figure("mean score of the masks", "score")}  # noqa: RUF012

    def __post_init__(self) -> None:
        if self.masks < 1:
            raise ValueError(f"`masks` must be at least 1. Received: {self.masks}")
        if self.cells < 1:
            raise ValueError(f"`cells` must be at least 1. Received: {self.cells}")
        if not 0 < self.probability < 1:
            raise ValueError(f"`probability` must be between 0 and 1. Received: {self.probability}")

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        places = list(plan.places.values())
        values = ask.values(places)
        hidden = {place: baseline_at(self.baseline, place, values[place]) for place in places}
        masks = {place: Masks(place, self.cells, self.masks, self.probability) for place in places}

        @drawn
        def draws(row: int) -> dict[Place, Any]:
            random = ask.random(row, self.seed)
            return {place: masks[place].draw(random) for place in places}

        made: deque[dict[Place, NDArray[np.float32]]] = deque()  # in order, and ahead of use

        def vary(row: int, numbers: NDArray[np.int64]) -> dict[Place, NDArray[Any]]:
            mask = {p: masks[p].some(draws(row)[p], numbers) for p in places}
            made.append(mask)
            found = {}
            for place, seen in mask.items():
                if place.channel_axis:
                    seen = np.expand_dims(seen, place.channel_axis)
                x, behind = values[place][row], hidden[place][row]
                found[place] = (
                    behind + seen * (x - behind)
                    if masks[place].smooth
                    else np.where(seen > 0, x, behind)
                )
            return found

        # Scores are counted from the first mask's, so that sums of large ones lose no digits.
        first = np.zeros(ask.count)
        total = np.zeros(ask.count)
        seen_scores, seen = (
            {p: np.zeros(masks[p].shape_of(ask.count)) for p in places} for _ in "12"
        )
        for row, number, some in ask.varied(self.masks, vary):
            scores = some.scores().astype(np.float64)
            first[row[number == 0]] = scores[number == 0]
            for one in np.unique(row):
                mask = made.popleft()
                above = scores[row == one] - first[one]
                total[one] += above.sum()
                for place in places:
                    seen_scores[place][one] += np.tensordot(above, mask[place], axes=1)
                    seen[place][one] += mask[place].sum(axis=0)
        check_finite(ask, total[:, None], self.baseline)
        mean = total / self.masks
        found = {}
        for place in places:
            # The mean while the value is seen (eq. 3 of the paper), and not the sum over an
            # expected number of masks (eq. 6): unequal cover does not show as attribution.
            shape = (-1, *(1 for _ in seen[place].shape[1:]))
            cover = np.maximum(seen[place], np.finfo(np.float32).tiny)
            above = seen_scores[place] / cover - mean.reshape(shape)
            found[place] = np.where(seen[place] > 0, above, 0).astype(np.float32)
        return self.found(plan, found, mean=(mean + first).astype(np.float32))


class Masks:
    """Random masks at one place, of values from 0 to 1 along its axes but the channels.

    Args:
        place: Where they are laid over.
        cells: Most cells along each axis.
        count: How many.
        probability: Of a cell to be seen.
    """

    def __init__(self, place: Place, cells: int, count: int, probability: float) -> None:
        axes = zip(place.axes, place.shape, strict=True)
        self._sizes = [size for axis, size in axes if axis != "channel"]
        # Values that have no neighbours are there or hidden each by itself.
        self.smooth = place.differentiable and len(place.shape) > 1
        self._cells = [min(cells, size) if self.smooth else size for size in self._sizes]
        self._steps = [-(-size // n) for size, n in zip(self._sizes, self._cells, strict=True)]
        self._count = count
        self._probability = probability
        self._upsampling = [
            upsampling(size, n) for size, n in zip(self._sizes, self._cells, strict=True)
        ]

    def shape_of(self, rows: int) -> tuple[int, ...]:
        """The shape of one mask for each of so many rows."""
        return (rows, *self._sizes)

    def draw(self, random: np.random.Generator) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which cells are seen `(masks, *cells)`, and how far each mask is shifted."""
        cells = random.random((self._count, *self._cells)) < self._probability
        return cells, random.integers(0, self._steps, (self._count, len(self._steps)))

    def some(
        self, draw: tuple[NDArray[np.bool_], NDArray[np.int64]], numbers: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """The masks of these numbers, float32 `(some, ...)`."""
        cells, shifts = draw
        masks = cells[numbers].astype(np.float32)
        if not self.smooth:
            return masks
        for axis, table in enumerate(self._upsampling):
            masks = np.moveaxis(masks, 1, -1)  # after all axes they are in order again
            lead = masks.shape[:-1]
            weights = table[shifts[numbers, axis]]
            flat = masks.reshape(len(numbers), prod(lead[1:]), -1) @ weights.transpose(0, 2, 1)
            masks = flat.reshape(*lead, -1)
        return masks


def upsampling(size: int, cells: int) -> NDArray[np.float32]:
    """Linear maps from cells to values along one axis: `(shifts, size, cells)`.

    As in the paper the cells are stretched over one step more than the axis needs, and a mask is
    cut out of that at each of the shifts within a step.
    """
    step = -(-size // cells)
    places = np.arange(step)[:, None] + np.arange(size) + 0.5
    return between(places * cells / ((cells + 1) * step) - 0.5, cells)
