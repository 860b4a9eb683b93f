"""Integrated gradients: what each value of the input adds, on the way from a baseline to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..questions import Questions
from .attribution import Attribution, Figure
from .base import Plan, register
from .baselines import Baseline, baseline_at
from .gaps import share_missing


@register
@dataclass(frozen=True)
class IntegratedGradients(Attribution):
    """Integrate the gradient along the straight path from `baseline` to the inputs.

    Signed, in score units, of the input's shape `(probes, height, width, channels)`; shown as the
    sum over the channels. Per probe it sums to `score(inputs) - score(baseline)` (completeness);
    what is missing is recorded as `integrated_gradients/gap`, a share of that difference (of a
    thousandth of all that is attributed, or a hundred-thousandth of the scores, if that is more),
    and shrinks as `steps` grows.

    Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365

    Attributes:
        steps: Points on the path (Gauss-Legendre); the cost is one forward and backward pass over
            the probes for each.
        baseline: Input that carries no evidence, in the units of the input (or of the layer): a
            number, an array that broadcasts to the input, or a dict of them by the input's name.
        layer: Name of the layer on whose output the attribution lies; the inputs if None (the
            embedding's output where an input is token ids).
    """

    steps: int = 32
    baseline: Baseline = 0.0

    title = "Integrated gradients"
    quantity = "attribution"
    unit = "score"
    formula = (
        r"(x_i - x'_i) \int_0^1 \frac{\partial S_c}{\partial x_i}"
        r"\left(x' + \alpha (x - x')\right) d\alpha"
    )
    axioms = ("completeness", "zero for an unused input")
    signed = True
    shown = "sum"
    figures = {"gap": Figure("completeness gap", "share")}  # noqa: RUF012

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"`steps` must be at least 1. Received: {self.steps}")

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        places = list(plan.places.values())
        end = ask.values(places)
        start = {place: baseline_at(self.baseline, place, end[place]) for place in places}
        # Captum's default too: far closer than the paper's right sums at the same number of points.
        points, weights = np.polynomial.legendre.leggauss(self.steps)
        points, weights = ((1 + points) / 2).astype("f4"), (weights / 2).astype("f4")

        def on_path(row: int, steps: NDArray[np.int64]) -> dict[Any, NDArray[Any]]:
            return {
                p: start[p][row] + np.multiply.outer(points[steps], end[p][row] - start[p][row])
                for p in places
            }

        mean = {place: np.zeros(end[place].shape, np.float32) for place in places}
        for row, step, some in ask.varied(self.steps, on_path):
            for place, gradient in some.gradients(places).items():
                for one in np.unique(row):
                    here = row == one
                    mean[place][one] += np.tensordot(weights[step[here]], gradient[here], axes=1)
        attributions = {place: mean[place] * (end[place] - start[place]) for place in places}
        scores = ask.scores(), ask.at(start).scores()
        flat = [a.reshape(ask.count, -1).astype("f8") for a in attributions.values()]
        total, moved = (sum(f.sum(axis=1) for f in some) for some in (flat, map(np.abs, flat)))
        gap = share_missing(total, scores[0] - scores[1], moved, *scores)
        return self.found(plan, attributions, gap=gap)
