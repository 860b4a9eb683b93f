"""Quality: how good another method's maps are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, Place
from ..questions import Questions
from ..store import RecordSpec
from ..store.similarity import spearman_distance
from . import quality_figures as figures
from .base import Method, Needs, Plan, method_of, on_inputs_or_layer, register
from .baselines import Baseline, baseline_at, given_for
from .position_maps import by_position, maps_on_inputs, regridded, sizes_of
from .quality_removal import Removal
from .saliency import Saliency

CURVES = ("deletion", "insertion")
SUBSETS = ("faithfulness", "infidelity", "scaled_infidelity")
REGIONS = ("pointing_game", "region_share")
METRICS = (
    *CURVES, *SUBSETS, "max_sensitivity", "sparseness", "complexity", "randomisation", *REGIONS,
)  # fmt: skip


@register
@dataclass(frozen=True)
class Quality(Method):
    """Measure the maps of another method that lie over an input, one figure a probe and metric.

    What is removed from an input is replaced by `baseline`, whole positions (all channels) at a
    time, by the map as it is shown; a coarser map counts for all that its cells cover. Scores are
    logits, where the papers of the curves take probabilities. Of each probe:

    - `deletion`, `insertion`: mean score while the positions go (or come) in the order of the map,
      highest first; a good map has a low deletion and a high insertion (Petsiuk et al. 2018,
      https://arxiv.org/abs/1806.07421).
    - `faithfulness`: correlation of the map's sum over random subsets and the drop of the score
      without them, -1 to 1 (Bhatt et al. 2020, https://arxiv.org/abs/2005.00631).
    - `infidelity`: mean square of the drop that the map foretells, less the real one, over the same
      subsets; `scaled_infidelity` the same on the scale that suits the map best. In squared score
      units (Yeh et al. 2019, https://arxiv.org/abs/1901.09392).
    - `max_sensitivity`: largest change of the map, as a share of its norm, under small noise on
      all inputs (Yeh et al. 2019).
    - `sparseness`: Gini index of the map, 0 to 1 (Chalasani et al. 2020,
      https://arxiv.org/abs/1810.06583).
    - `complexity`: entropy of the map, in nats (Bhatt et al. 2020).
    - `randomisation`: Spearman's rank correlation with the map at the first logged step, that of
      the untrained network; a map that stays at 1 does not show what was learned. NaN at that
      step itself (Adebayo et al. 2018, https://arxiv.org/abs/1810.03292).
    - `pointing_game`, `region_share`: whether the highest position lies inside the probe's region
      (Zhang et al. 2016, https://arxiv.org/abs/1608.00507), and the share of what is positive
      that does.

    NaN stands where a figure has no meaning, as for a map of zeros. Records
    `quality/<key of the map>`, `(probes, metrics)`, and a scalar of each for the mean. Costs
    `2 * points + subsets` forward passes over the probes a map, and the method itself `samples`
    times.

    Attributes:
        method: The method, its name or its class.
        metrics: Names of the figures; all if None, those of regions only where there are any.
        regions: Where the object lies: true or false for each position of the input,
            `(probes, height, width)`, or a dict of such arrays by the input's name.
        baseline: What stands for what is removed: a number, an array that broadcasts to the input,
            or a dict of them by the input's name.
        points: Steps of a curve.
        subsets: Number of random subsets.
        share: How much of the positions a subset holds.
        samples: Number of noisy inputs.
        radius: Largest noise, as a share of the range of each probe's values.
        slopes: Whether the map says how steep the score is at each value, so that infidelity
            multiplies it by what is removed, and is not a part of the score itself. If None, it
            is so for maps whose quantity is sensitivity.
        seed: Of subsets and noise, which are the same at every step.
    """

    method: Method | type[Method] | str = Saliency()  # noqa: RUF009, it is frozen
    metrics: Sequence[str] | None = None
    regions: Any = None
    baseline: Baseline = 0.0
    points: int = 16
    subsets: int = 32
    share: float = 0.2
    samples: int = 8
    radius: float = 0.02
    slopes: bool | None = None
    seed: int = 0

    title = "Quality"
    quantity = "figure"
    unit = "several"

    def __post_init__(self) -> None:
        object.__setattr__(self, "method", method_of(self.method))
        metrics = self._names
        if isinstance(self.metrics, str) or not metrics or set(metrics) - set(METRICS):
            raise ValueError(
                f"`metrics` must be some of {', '.join(METRICS)}. Received: {self.metrics!r}"
            )
        if self.regions is None and set(metrics) & set(REGIONS):
            raise ValueError(f"`regions` must be given for {' and '.join(REGIONS)}. Received: None")
        for name in ("points", "subsets", "samples"):
            if getattr(self, name) < 2:
                raise ValueError(f"`{name}` must be at least 2. Received: {getattr(self, name)}")
        if not 0 < self.share < 1:
            raise ValueError(f"`share` must lie between 0 and 1. Received: {self.share}")
        if self.radius <= 0:
            raise ValueError(f"`radius` must be above 0. Received: {self.radius}")

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        inner = self._inner.plan(model)
        specs = {}
        for key, place in maps_on_inputs(self._inner, model, inner).items():
            self._region(place, None)
            specs[key] = RecordSpec(
                key=f"{self.name}/{key}",
                method=self.name,
                title=f"Quality of {inner.specs[key].title or key}",
                axes=("metric",),
                signed=True,
                layer=inner.specs[key].layer,
                labels={"metric": self._names},
                options=self.options(),
                quantity=self.quantity,
                unit=self.unit,
                precision="float32",
            )
        return Plan(Needs(), {spec.key: spec for spec in specs.values()})

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        inner = ask.plan(self._inner)
        places = maps_on_inputs(self._inner, ask.view, inner)
        found = self._inner.attributions(ask)
        changed = self._sensitivity(ask, found) if "max_sensitivity" in self._names else {}
        first = ask.memory(self)
        removal = Removal(
            points=self.points if {*CURVES} & {*self._names} else 0,
            subsets=self.subsets if {*SUBSETS} & {*self._names} else 0,
            share=self.share,
            seed=self.seed,
        )
        result = {}
        shared = self._inner.region_sizes(ask, inner)
        for key, place in places.items():
            spec = inner.specs[key]
            raw = np.asarray(found[key], np.float32)
            shown = by_position(spec, raw)
            judged = {
                "sparseness": figures.gini(shown),
                "complexity": figures.entropy(shown),
                "randomisation": self._likeness(first, key, shown),
                "max_sensitivity": changed.get(key, np.full(ask.count, np.nan)),
            }
            if removal.points or removal.subsets:
                here = ask.values([place])[place]
                baseline = baseline_at(self.baseline, place, here)
                removed = ask.at({place: baseline})
                explained = self._explained(
                    ask,
                    removed,
                    spec,
                    raw / shared.get(key, np.float32(1)),
                    inner.places.get(key, place),
                    place,
                )
                fine = regridded(shown, sizes_of(place))
                judged |= removal.judge(ask, place, baseline, fine, explained)
            if self.regions is not None:
                inside = regridded(self._region(place, ask.count), shown.shape[1:])
                judged["pointing_game"] = figures.pointing(shown, inside)
                judged["region_share"] = figures.share_inside(shown, inside)
            table = np.stack([judged[name] for name in self._names], axis=1)
            broken = ~np.isfinite(raw.reshape(len(raw), -1)).all(axis=1)
            table[broken] = np.nan
            result[f"{self.name}/{key}"] = table.astype(np.float32)
        return result

    @property
    def follows(self) -> str:
        """The map at the first step is what those after it are likened to."""
        return "all" if "randomisation" in self._names else ""

    @property
    def _inner(self) -> Method:
        return method_of(self.method)

    @property
    def _names(self) -> tuple[str, ...]:
        if self.metrics is not None:
            return tuple(self.metrics)
        return METRICS if self.regions is not None else METRICS[: -len(REGIONS)]

    def _likeness(self, first: dict[str, Any], key: str, shown: NDArray[Any]) -> NDArray[Any]:
        if key not in first:
            first[key] = shown
            return np.full(len(shown), np.nan)
        return 1 - spearman_distance(first[key], shown)

    def _explained(
        self,
        ask: Questions,
        removed: Questions,
        spec: RecordSpec,
        raw: NDArray[Any],
        at: Place,
        place: Place,
    ) -> NDArray[np.float32]:
        """By how much the score drops without each position of the input, as the map has it."""
        slopes = spec.quantity == "sensitivity" if self.slopes is None else self.slopes
        shown = by_position(spec, raw)
        if slopes and raw.shape[1:] == at.shape:
            lost = raw * (ask.values([at])[at] - removed.values([at])[at])
            shown = lost if at.channel_axis is None else lost.sum(axis=at.channel_axis)
        # A coarse cell's drop is shared by all that it covers.
        cells = np.float32(np.prod(shown.shape[1:]) / np.prod(sizes_of(place)))
        return regridded(shown, sizes_of(place)) * cells

    def _sensitivity(
        self, ask: Questions, found: Mapping[str, NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        """The largest change of each map, where it depends on numbers that can be moved a bit."""
        inner = ask.plan(self._inner)
        places = list(on_inputs_or_layer(ask.view, None))
        values = ask.values(places)

        @lru_cache(maxsize=1)
        def noisy(row: int) -> dict[Place, NDArray[Any]]:
            chance = ask.random(row, self.seed)
            moved = {}
            for place in places:
                x = values[place][row]
                noise = chance.uniform(-1, 1, (self.samples, *x.shape)).astype(np.float32)
                moved[place] = x + noise * (self.radius * np.ptp(x))
            return moved

        largest = {
            key: np.zeros(ask.count)
            for key, place in maps_on_inputs(self._inner, ask.view, inner).items()
            if inner.places.get(key, place).differentiable
        }
        if not largest:
            return {}
        for row, _, some in ask.varied(
            self.samples, lambda row, samples: {p: m[samples] for p, m in noisy(row).items()}
        ):
            moved = self._inner.attributions(some)
            for key, most in largest.items():
                change = figures.relative_change(moved[key], found[key][row])
                with np.errstate(invalid="ignore"):  # NaN is passed on
                    np.maximum.at(most, row, change)
        return largest

    def _region(self, place: Place, probes: int | None) -> NDArray[np.float32]:
        """The regions on an input."""
        if self.regions is None:
            return np.zeros(0, np.float32)
        regions = np.asarray(given_for(place, self.regions, "regions"))
        sizes = sizes_of(place)
        if regions.shape[1:] != sizes or probes not in (None, len(regions)):
            count = "probes" if probes is None else probes
            raise ValueError(
                f"`regions` must be of shape ({', '.join(map(str, (count, *sizes)))}) at "
                f"{place.name!r}. Received: {regions.shape}"
            )
        return regions.astype(bool).astype(np.float32)
