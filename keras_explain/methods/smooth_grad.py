"""SmoothGrad: the mean of any method's maps over noisy copies of the inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, NotApplicableError
from ..questions import Questions
from ..store.format.meaning import squared
from .base import Method, Needs, Plan, method_of, on_inputs_or_layer, register
from .noise import noisy
from .saliency import Saliency

REDUCED = {
    "mean": ("smooth_grad", "SmoothGrad"),
    "square": ("smooth_grad_square", "SmoothGrad squared"),
    "variance": ("smooth_grad_variance", "VarGrad"),
}
"""By `reduce`, how keys and titles begin."""


@register
@dataclass(frozen=True)
class SmoothGrad(Method):
    """Explain noisy copies of the inputs by another method, and take the mean over the copies.

    Any method that yields maps at places will do: gradient maps, class activation maps, integrated
    gradients, relevance. Each of its maps gives one, `smooth_grad/<the map's key>`, of the same
    shape, unit and sign; numbers a probe are left out. The noise is normal, of a probe's own, and
    the same at every step, so that steps differ by the weights alone. Token ids have their noise at
    the embedding's output. Costs what the method costs, times `samples`.

    Smilkov et al. 2017, https://arxiv.org/abs/1706.03825; squared: Hooker et al. 2018,
    https://arxiv.org/abs/1806.10758; variance: Adebayo et al. 2018,
    https://arxiv.org/abs/1810.03307

    Attributes:
        method: What explains the copies: a method, its class or its name. `Saliency` is the size
            of the gradient, so that signs do not cancel; the mean of its squares is the papers'
            SmoothGrad squared. `Gradient` keeps the sign, as the papers' formulas of the mean and
            the variance do.
        samples: Number of copies.
        noise: Standard deviation of the noise, as a share of each probe's largest less smallest
            value; the paper finds 0.1 to 0.2 best.
        reduce: `"mean"`, `"square"` for the mean of the squares, or `"variance"` (VarGrad). The
            last two are unsigned, and of the square of the unit.
        seed: Another seed gives other noise.
    """

    method: Method = field(default_factory=Saliency)
    samples: int = 25
    noise: float = 0.15
    reduce: str = "mean"
    seed: int = 0

    title = "SmoothGrad"
    formula = (
        r"\frac{1}{n} \sum_{i=1}^n M(x + \varepsilon_i), \quad \varepsilon_i \sim N(0, \sigma^2)"
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "method", method_of(self.method))
        if self.samples < 1:
            raise ValueError(f"`samples` must be at least 1. Received: {self.samples}")
        if not 0 <= self.noise < math.inf:
            raise ValueError(f"`noise` must be a share from 0 on. Received: {self.noise}")
        if self.reduce not in REDUCED:
            raise ValueError(
                f"`reduce` must be one of {', '.join(REDUCED)}. Received: {self.reduce!r}"
            )

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        inner = self.method.plan(model)
        places = {
            key: place
            for key, place in inner.places.items()
            if key in inner.specs and inner.specs[key].rows is None
        }
        if not places:
            raise ValueError(
                f"`method` must yield a map of each probe, at inputs or layers. "
                f"Received: {self.method}"
            )
        if any(p.layer is None and not p.differentiable for p in places.values()):
            raise NotApplicableError(
                f"`method` must explain token ids at their embedding. Received: {self.method}"
            )
        list(on_inputs_or_layer(model, None))  # where the noise is
        start, title = REDUCED[self.reduce]
        specs = {
            f"{start}/{key}": replace(
                inner.specs[key],
                key=f"{start}/{key}",
                method=self.name,
                title=f"{title}: {inner.specs[key].title}",
                signed=inner.specs[key].signed and self.reduce == "mean",
                unit=self._unit(inner.specs[key].unit),
                options=self.options(),
            )
            for key in places
        }
        return Plan(Needs(), specs, {f"{start}/{key}": place for key, place in places.items()})

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        keys = {key: key.removeprefix(f"{REDUCED[self.reduce][0]}/") for key in plan.specs}
        values = ask.values(list(on_inputs_or_layer(ask.view, None)))
        copies = noisy(ask, values, self.noise, self.seed)
        first: dict[str, NDArray[np.float64]] = {}
        second: dict[str, NDArray[np.float64]] = {}
        for row, _, some in ask.varied(self.samples, copies):
            found = self.method.attributions(some)
            for key, inner in keys.items():
                maps = found[inner].astype("f8")
                _add(first, key, ask.count, row, maps)
                _add(second, key, ask.count, row, maps**2)
        return {key: self._reduced(first[key], second[key]) for key in keys}

    def region_sizes(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        sizes = self.method.region_sizes(ask, ask.plan(self.method))
        return {f"{REDUCED[self.reduce][0]}/{key}": array for key, array in sizes.items()}

    def _unit(self, unit: str) -> str:
        return unit if self.reduce == "mean" else squared(unit)

    def _reduced(
        self, first: NDArray[np.float64], second: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """What is kept, from the sums of the maps and of their squares."""
        mean, square = first / self.samples, second / self.samples
        kept = {"mean": mean, "square": square, "variance": np.maximum(square - mean**2, 0)}
        return kept[self.reduce].astype(np.float32)


def _add(
    sums: dict[str, NDArray[np.float64]],
    key: str,
    rows: int,
    row: NDArray[np.int64],
    maps: NDArray[np.float64],
) -> None:
    """Add the maps of some rows' copies to the rows' sums under `key`."""
    if key not in sums:
        sums[key] = np.zeros((rows, *maps.shape[1:]))
    for one in np.unique(row):
        sums[key][one] += maps[row == one].sum(axis=0)
