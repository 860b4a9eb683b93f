"""Group means: what a network goes by for each group of examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView
from ..questions import Questions
from ..store import RecordSpec
from .base import Method, Needs, Plan, method_of, register
from .integrated_gradients import IntegratedGradients
from .position_maps import by_position, maps_on_inputs


@register
@dataclass(frozen=True)
class GroupMeans(Method):
    """Mean of a method's maps over the probes of each group: people of a kind, sites, devices.

    Does the network go by other features for one group than for another, and since when? Records
    `group_means/<key of the map>`, `(groups, features)` of a table, or of whatever shape a map
    over the input has without its channels. In the units of the method and signed as it is; with
    `magnitudes`, the mean of the sizes, where what speaks for and against does not cancel out.
    Costs what the method does.

    As van der Linden et al. 2019, https://arxiv.org/abs/1907.03039, aggregate over all examples.

    Attributes:
        method: The method, its name or its class.
        groups: The group of each probe, by name. If None, all are of one.
        magnitudes: Whether the sizes of the values are averaged.
    """

    method: Method | type[Method] | str = IntegratedGradients()  # noqa: RUF009, it is frozen
    groups: Sequence[str] | None = None
    magnitudes: bool = False

    title = "Mean by group"
    formula = r"\frac{1}{\lvert G \rvert} \sum_{x \in G} R(x)"

    def __post_init__(self) -> None:
        object.__setattr__(self, "method", method_of(self.method))
        if self.groups is not None:
            groups = tuple(map(str, self.groups))
            if isinstance(self.groups, str) or not groups:
                raise ValueError(f"`groups` must be one a probe. Received: {self.groups!r}")
            object.__setattr__(self, "groups", groups)

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        inner = self._inner.plan(model)
        if model.flow is not None:
            self._members(next(iter(model.flow.inputs.values())).shape[0])
        specs = {}
        for key in maps_on_inputs(self._inner, model, inner):
            of_map = inner.specs[key]
            spec = RecordSpec(
                key=f"{self.name}/{key}",
                method=self.name,
                title=f"{of_map.title or key} by group",
                axes=tuple(axis for axis in of_map.axes if axis != "channel"),
                signed=of_map.signed and not self.magnitudes,
                layer=of_map.layer,
                input=of_map.input,
                rows=self._names,
                labels={axis: of for axis, of in of_map.labels.items() if axis != "channel"},
                options=self.options(),
                precision="float32",
                quantity=of_map.quantity,
                unit=of_map.unit,
            )
            specs[spec.key] = spec
        return Plan(Needs(), specs)

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        inner = ask.plan(self._inner)
        found = self._inner.attributions(ask)
        members = self._members(ask.count)
        result = {}
        for key in plan.specs:
            of_map = key.partition("/")[2]
            maps = by_position(inner.specs[of_map], found[of_map])
            maps = np.abs(maps) if self.magnitudes else maps
            result[key] = np.stack([maps[rows].mean(axis=0) for rows in members])
        return result

    @property
    def _inner(self) -> Method:
        return method_of(self.method)

    @property
    def _names(self) -> tuple[str, ...]:
        """The groups, in the order in which they come up."""
        return ("all probes",) if self.groups is None else tuple(dict.fromkeys(self.groups))

    def _members(self, probes: int) -> list[NDArray[np.bool_]]:
        """Which probes are of each group."""
        if self.groups is None:
            return [np.ones(probes, bool)]
        if len(self.groups) != probes:
            raise ValueError(
                f"`groups` must be one for each of the {probes} probes. "
                f"Received: {len(self.groups)}"
            )
        return [np.array(self.groups) == name for name in self._names]
