"""Agreement: how alike the maps of several methods are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, NotApplicableError, Place
from ..questions import Questions
from ..store import RecordSpec
from ..store.similarity import cosine_distance, spearman_distance, top_overlap
from .base import Method, Needs, Plan, method_of, register
from .position_maps import by_position, maps_on_inputs, regridded

SIMILARITIES: dict[str, Callable[..., NDArray[Any]]] = {
    "spearman": lambda a, b: 1 - spearman_distance(a, b),
    "cosine": lambda a, b: 1 - cosine_distance(a, b),
    "top10": top_overlap,
}
USUAL = ("saliency", "gradient_times_input", "grad_cam")


@dataclass(frozen=True)
class _Map:
    """A record that is compared."""

    method: Method
    spec: RecordSpec
    place: Place


@register
@dataclass(frozen=True)
class Agreement(Method):
    """Compare the maps of several methods with one another, pair by pair, in each probe.

    Maps over the same input are compared on the coarser of their two grids, as they are shown; if
    one of the two is unsigned, by the other's magnitudes. Records `agreement`, `(probes, pairs)`,
    and a scalar of each pair for the mean. NaN where a map has no variation. Costs what the
    methods cost; those that are watched anyway are not computed twice if they stand before it.

    Krishna et al. 2022, https://arxiv.org/abs/2202.01602

    Attributes:
        methods: Two methods or more, their names or classes. By default `Saliency`,
            `GradientTimesInput` and `GradCAM`, less those that do not apply to the model.
        similarity: `"spearman"` for the rank correlation, -1 to 1, `"cosine"`, or `"top10"` for
            the overlap (intersection over union) of the tenth that is largest in magnitude.
    """

    methods: Sequence[Method | type[Method] | str] | None = None
    similarity: str = "spearman"

    title = "Agreement"
    quantity = "figure"
    unit = "none"
    formula = r"\rho\big(\operatorname{rank}(a), \operatorname{rank}(b)\big)"

    def __post_init__(self) -> None:
        if self.similarity not in SIMILARITIES:
            raise ValueError(
                f"`similarity` must be one of {', '.join(SIMILARITIES)}. "
                f"Received: {self.similarity!r}"
            )
        if self.methods is not None:
            if isinstance(self.methods, str | Method) or len(self.methods) < 2:
                raise ValueError(f"`methods` must be at least two. Received: {self.methods!r}")
            object.__setattr__(self, "methods", tuple(method_of(m) for m in self.methods))

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        pairs = self._pairs(model, lambda method: method.plan(model))
        spec = RecordSpec(
            key=self.name,
            method=self.name,
            title=self.title,
            axes=("metric",),
            signed=True,
            labels={"metric": tuple(f"{a.spec.key} ~ {b.spec.key}" for a, b in pairs)},
            options=self.options(),
            quantity=self.quantity,
            unit=self.unit,
            precision="float32",
        )
        return Plan(Needs(), {spec.key: spec})

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        pairs = self._pairs(ask.view, ask.plan)
        methods = {m.method.identity: m.method for pair in pairs for m in pair}
        found = {identity: method.attributions(ask) for identity, method in methods.items()}
        likeness = [
            SIMILARITIES[self.similarity](
                *_on_one_grid(
                    a, found[a.method.identity][a.spec.key], b, found[b.method.identity][b.spec.key]
                )
            )
            for a, b in pairs
        ]
        return {self.name: np.stack(likeness, axis=1).astype(np.float32)}

    def _pairs(
        self, model: ModelView, plan_of: Callable[[Method], Plan]
    ) -> list[tuple[_Map, _Map]]:
        maps: list[_Map] = []
        for method in map(method_of, self.methods or USUAL):
            try:
                inner = plan_of(method)
                places = maps_on_inputs(method, model, inner)
            except NotApplicableError:
                if self.methods is not None:
                    raise
                continue
            maps += [_Map(method, inner.specs[key], place) for key, place in places.items()]
        pairs = [(a, b) for a, b in combinations(maps, 2) if a.place == b.place]
        if not pairs:
            raise NotApplicableError(
                "`methods` must yield two maps over the same input. "
                f"Received: {', '.join(m.spec.key for m in maps) or 'none that applies'}"
            )
        return pairs


def _on_one_grid(
    of_a: _Map, a: NDArray[Any], of_b: _Map, b: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    a, b = by_position(of_a.spec, a), by_position(of_b.spec, b)
    if not (of_a.spec.signed and of_b.spec.signed):
        a, b = np.abs(a), np.abs(b)
    sizes = tuple(map(min, a.shape[1:], b.shape[1:]))
    return regridded(a, sizes), regridded(b, sizes)
