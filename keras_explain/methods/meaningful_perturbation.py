"""Meaningful perturbation: the smallest smooth mask that takes the score away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, Place
from ..questions import Ask, Questions
from .attribution import Attribution, Figure
from .base import Plan, register
from .baselines import Baseline, baseline_at
from .linear_maps import along, blurred, stretched


@register
@dataclass(frozen=True)
class MeaningfulPerturbation(Attribution):
    """Learn by gradient descent which little part to blur so that the score falls.

    Unsigned, from 0 (kept) to 1 (deleted), of the input's size without its channels `(probes,
    height, width)`. The mask is learned at `cells` and stretched linearly. What it minimises is the
    score as a share of what blurring the whole input takes away, plus the mask's mean times
    `sparsity` and its roughness times `smoothness`. How much the score falls under the mask is
    recorded as `meaningful_perturbation/fall`. Columns of a table, and tokens at their embedding's
    output, are masked each by itself. Costs a forward and backward pass over the probes for each
    step, and two forward passes.

    Fong & Vedaldi 2017, https://arxiv.org/abs/1704.03296

    Attributes:
        steps: Steps of Adam.
        cells: Most cells of the mask along each axis; no more than one for two values.
        sparsity: Price of a mask that deletes everything: at 1, as much as that can gain.
        smoothness: Price of total variation.
        learning_rate: Of Adam.
        blur: Standard deviation of the blur, as a share of each axis.
        baseline: What stands where something is deleted instead of the blurred input: a number, an
            array that broadcasts to the input, or a dict of them by the input's name. If None, the
            blurred input; zero for tables and tokens.
        layer: Name of the layer whose output is deleted in parts; the inputs if None (the
            embedding's output where an input is token ids).
    """

    steps: int = 100
    cells: int = 14
    sparsity: float = 0.5
    smoothness: float = 0.2
    learning_rate: float = 0.1
    blur: float = 0.1
    baseline: Baseline | None = None

    title = "Meaningful perturbation"
    quantity = "mask"
    unit = "share"
    signed = False
    shown = "sum"
    figures = {"fall": Figure("fall of the score", "score")}  # noqa: RUF012

    def __post_init__(self) -> None:
        for name in ("steps", "cells"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {getattr(self, name)}")
        for name in ("sparsity", "smoothness"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must be at least 0. Received: {getattr(self, name)}")
        for name in ("learning_rate", "blur"):
            if getattr(self, name) <= 0:
                raise ValueError(f"`{name}` must be above 0. Received: {getattr(self, name)}")

    def axes_at(self, place: Place) -> tuple[str, ...]:  # noqa: D102
        return tuple(axis for axis in place.axes if axis != "channel")

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        plan = super().plan(model)
        for place in plan.places.values():
            shape = np.broadcast_to(np.float32(0), (1, *place.shape))
            if self.baseline is not None and np.ndim(self.baseline) <= len(place.shape):
                baseline_at(self.baseline, place, shape)
        return plan

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        places = list(plan.places.values())
        values = ask.values(places)
        deleted = {place: self._deleted(place, values[place]) for place in places}
        apart = {place: values[place] - deleted[place] for place in places}
        masks = {place: Mask(place, ask.count, self.cells) for place in places}

        def masked() -> dict[Place, NDArray[Any]]:
            kept = {p: masks[p].stretched() * apart[p] for p in places}
            for place, values in kept.items():
                values += deleted[place]
            return kept

        scores = ask.scores()
        without = ask.at(deleted).scores()
        can_fall = np.abs(scores - without)
        # The paper's probability cannot fall below zero; this score is held where it could be.
        floor = scores - can_fall
        share = np.where(can_fall > 0, 1 / np.where(can_fall > 0, can_fall, 1), 0)
        for step in range(1, self.steps + 1):
            answer = ask.at(masked()).ask(Ask(gradients=tuple(places)))
            weight = np.where(answer.scores > floor, share, 0)
            for place in places:
                mask = masks[place]
                gradient = mask.pulled(answer.gradients[place], apart[place])
                gradient *= weight.reshape(-1, *(1 for _ in gradient.shape[1:]))
                gradient -= self.sparsity / mask.cells[0].size
                gradient += self.smoothness * mask.roughness()
                mask.adam(gradient, self.learning_rate, step)
        fall = scores - ask.at(masked()).scores()
        return self.found(plan, {p: masks[p].removed() for p in places}, fall=fall)

    def _deleted(self, place: Place, values: NDArray[Any]) -> NDArray[np.float32]:
        if self.baseline is not None or not is_smooth(place):
            return baseline_at(0.0 if self.baseline is None else self.baseline, place, values)
        axes = space_axes(place)
        widths = [blurred(values.shape[axis], self.blur * values.shape[axis]) for axis in axes]
        return along(axes, widths, values.astype(np.float32))


class Mask:
    """A mask of a few cells for each probe at one place, 1 where the input is kept.

    Args:
        place: Where it is laid over.
        rows: Number of probes.
        cells: Most cells along each axis.
    """

    def __init__(self, place: Place, rows: int, cells: int) -> None:
        self._channel = place.channel_axis
        self._smooth = is_smooth(place)
        sizes = [place.shape[axis - 1] for axis in space_axes(place)]
        few = [min(cells, -(-n // 2)) if self._smooth else n for n in sizes]
        self._tables = [stretched(size, n) for size, n in zip(sizes, few, strict=True)]
        self._axes = range(1, 1 + len(sizes))
        self.cells = np.ones((rows, *few), np.float32)
        self._mean = np.zeros_like(self.cells)
        self._square = np.zeros_like(self.cells)

    def stretched(self) -> NDArray[np.float32]:
        """The mask at the values, of size 1 along the channels."""
        mask = along(self._axes, self._tables, self.cells)
        return mask if self._channel is None else np.expand_dims(mask, self._channel)

    def removed(self) -> NDArray[np.float32]:
        """What the mask deletes, of the values' size without channels."""
        return along(self._axes, self._tables, 1 - self.cells)

    def pulled(
        self, gradient: NDArray[np.float32], apart: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The gradient at the cells, from that at the values and what these are multiplied by."""
        if self._channel is None:
            product = gradient * apart
        else:
            last = (np.moveaxis(array, self._channel, -1) for array in (gradient, apart))
            product = np.einsum("...c,...c->...", *last)
        return along(self._axes, [table.T for table in self._tables], product)

    def roughness(self) -> NDArray[np.float32]:
        """The gradient of the mean cubed step between neighbours (the paper's beta of 3)."""
        gradient = np.zeros_like(self.cells)
        if self._smooth:
            for axis in self._axes:
                cells, pulled = (np.moveaxis(a, axis, 0) for a in (self.cells, gradient))
                steps = cells[1:] - cells[:-1]
                pull = 3 * steps * np.abs(steps) / self.cells[0].size
                pulled[:-1] -= pull
                pulled[1:] += pull
        return gradient

    def adam(self, gradient: NDArray[np.float32], rate: float, step: int) -> None:
        """One step of Adam downhill, held between 0 and 1."""
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient**2 - self._square)
        mean, square = self._mean / (1 - 0.9**step), self._square / (1 - 0.999**step)
        self.cells = np.clip(self.cells - rate * mean / (np.sqrt(square) + 1e-8), 0, 1)


def is_smooth(place: Place) -> bool:
    """Whether neighbours along the axes belong together: not those of tables and tokens."""
    return len(place.shape) > 1 and type(place.layer).__name__ != "Embedding"


def space_axes(place: Place) -> list[int]:
    """Which axes of a batch a mask has: all but the channels."""
    return [at for at, axis in enumerate(place.axes, start=1) if axis != "channel"]
