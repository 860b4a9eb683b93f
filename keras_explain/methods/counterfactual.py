"""Counterfactual: the smallest change of the input that flips the decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, Place
from ..questions import Ask, Questions, Values
from .attribution import Attribution, Figure
from .base import Plan, register

BISECTIONS = 16
OVERSHOOT = 1e-3
"""How far behind the boundary is aimed at, as a share of the way there: for the sign to change."""
PACE = 0.7
"""Share of each step that is taken: a boundary with kinks is not jumped to and fro over."""


@register
@dataclass(frozen=True)
class Counterfactual(Attribution):
    """The change of least Euclidean length after which the network decides otherwise.

    Signed, in units of the input, of the input's shape `(probes, height, width, channels)`; shown
    as the sum over the channels. The decision is the highest output, whatever the target is; with
    one output, whether it is above `threshold`. The search projects the input on the boundary as
    it looks from the last point (its tangent), again and again, and goes back along the shortest
    way found as far as the decision stays flipped: exact where the boundary is flat, a nearest
    point of its neighbourhood elsewhere. `counterfactual/flipped` is 1 where one was found (else
    the last attempt is kept), `counterfactual/distance` its length. Costs a forward and backward
    pass over the probes for each step, and 18 forward passes.

    Wachter et al. 2017, https://arxiv.org/abs/1711.00399; the steps are those of
    Moosavi-Dezfooli et al. 2016, https://arxiv.org/abs/1511.04599, each from the input itself.

    Attributes:
        steps: How often the boundary is looked at.
        towards: Index of the output that is to win; if None, the second highest of each probe.
        threshold: Where the decision of a single output changes, in its score's units.
        low: Least value of a changed input; None for no bound.
        high: Largest value of a changed input; None for no bound.
        layer: Name of the layer whose output is changed; the inputs if None (the embedding's
            output where an input is token ids).
    """

    steps: int = 30
    towards: int | None = None
    threshold: float = 0.0
    low: float | None = None
    high: float | None = None

    title = "Counterfactual"
    quantity = "change"
    unit = "input"
    formula = r"\arg\min_\delta \|\delta\|_2 \quad \text{so that} \quad c(x + \delta) \ne c(x)"
    axioms = ("zero for an unused input",)
    signed = True
    shown = "sum"
    figures: ClassVar[Mapping[str, Figure]] = {
        "flipped": Figure("decision flipped", "none"),
        "distance": Figure("distance", "input"),
    }

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"`steps` must be at least 1. Received: {self.steps}")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"`low` must be below `high`. Received: {self.low}, {self.high}")

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        outputs = model.classes or 1
        if self.towards is not None and not 0 <= self.towards < max(outputs, 2):
            raise ValueError(
                f"`towards` must name one of the model's outputs, 0 to {outputs - 1}. "
                f"Received: {self.towards}"
            )
        return super().plan(model)

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        places = list(plan.places.values())
        start = {place: np.asarray(array, "f4") for place, array in ask.values(places).items()}
        margin, goal = self._margin(ask)
        ask = ask.towards(goal)
        threshold = self._offset(ask, margin)
        point, best = dict(start), dict(start)
        shortest = np.full(ask.count, np.inf, "f4")
        for _ in range(self.steps):
            answer = ask.at(point).ask(Ask(gradients=tuple(places)))
            left = answer.scores - threshold
            self._keep(best, shortest, point, start, left)
            target = self._projected(start, point, answer.gradients, left, margin)
            point = {p: point[p] + np.float32(PACE) * (target[p] - point[p]) for p in places}
        self._keep(best, shortest, point, start, ask.at(point).scores() - threshold)
        flipped = np.isfinite(shortest)
        found = {p: np.where(_over(flipped, start[p]), best[p], point[p]) for p in places}
        change = self._shortened(ask, start, found, threshold, flipped)
        distance = np.sqrt(_product(change, change))
        return self.found(plan, change, flipped=flipped.astype("f4"), distance=distance)

    def _margin(self, ask: Questions) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """By how much the decision is won, and the weights of the logits that say so."""
        outputs = ask.outputs()
        means = outputs.reshape(len(outputs), -1, outputs.shape[-1]).mean(axis=1)
        rows = np.arange(len(means))
        goal = np.zeros(outputs.shape, "f4")
        share = 1 / np.prod(outputs.shape[1:-1])
        if means.shape[1] == 1:
            margin = np.abs(means[:, 0] - self.threshold)
            goal[:] = np.where(means[:, 0] > self.threshold, share, -share).reshape(
                -1, *(1,) * (goal.ndim - 1)
            )
            return margin, goal
        now = means.argmax(axis=1)
        others = means.copy()
        others[rows, now] = -np.inf
        other = others.argmax(axis=1)
        if self.towards is not None:
            # Where it has won already, what is second is to win.
            other = np.where(now == self.towards, other, self.towards)
        goal[rows, ..., now] = share
        goal[rows, ..., other] = -share
        return means[rows, now] - means[rows, other], goal

    def _offset(self, ask: Questions, margin: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the score is at the boundary: zero, or the threshold with its sign."""
        return np.asarray(ask.scores() - margin, "f4")

    def _projected(
        self,
        start: Values,
        point: Values,
        gradients: Values,
        left: NDArray[np.float32],
        margin: NDArray[np.float32],
    ) -> dict[Place, NDArray[np.float32]]:
        """The point nearest to the start on the tangent of the boundary, a little behind it."""
        moved = {place: point[place] - start[place] for place in start}
        steep = np.maximum(_product(gradients, gradients), np.finfo("f4").tiny)
        length = (_product(gradients, moved) - left - OVERSHOOT * margin) / steep
        return {
            p: np.clip(start[p] + _over(length, start[p]) * gradients[p], *self._range(p))
            for p in start
        }

    def _range(self, place: Place) -> tuple[float, float]:
        """The bounds of values at a place; a layer's output has none."""
        low, high = (self.low, self.high) if place.layer is None else (None, None)
        return -np.inf if low is None else low, np.inf if high is None else high

    def _keep(
        self,
        best: dict[Place, NDArray[np.float32]],
        shortest: NDArray[np.float32],
        point: Values,
        start: Values,
        left: NDArray[np.float32],
    ) -> None:
        """Keep the points where the decision is flipped, if none was nearer."""
        moved = {place: point[place] - start[place] for place in start}
        distance = np.sqrt(_product(moved, moved))
        nearer = (left < 0) & (distance < shortest)
        shortest[nearer] = distance[nearer]
        for place, array in best.items():
            best[place] = np.where(_over(nearer, array), point[place], array)

    def _shortened(
        self,
        ask: Questions,
        start: Values,
        found: Values,
        threshold: NDArray[np.float32],
        flipped: NDArray[np.bool_],
    ) -> dict[Place, NDArray[np.float32]]:
        """The changes, as far back towards the start as the decision stays flipped."""
        change = {place: found[place] - start[place] for place in start}
        low, high = np.zeros(ask.count, "f4"), np.ones(ask.count, "f4")
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            there = {p: start[p] + _over(middle, start[p]) * change[p] for p in start}
            over = ask.at(there).scores() < threshold
            high = np.where(flipped & over, middle, high)
            low = np.where(flipped & ~over, middle, low)
        return {p: _over(high, start[p]) * change[p] for p in start}


def _over(rows: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
    """One value a row, in a shape that multiplies `like`."""
    return rows.reshape(-1, *(1,) * (like.ndim - 1))


def _product(one: Values, other: Values) -> NDArray[np.float32]:
    """The inner product of each row, over all places, `(rows,)`."""
    parts = [(one[p] * other[p]).reshape(len(one[p]), -1).sum(axis=1) for p in one]
    return np.asarray(sum(parts), "f4")
