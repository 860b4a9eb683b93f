"""Decision boundary: what the head of a network would say between the probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, Place
from ..questions import Questions
from ..store import RecordSpec
from .base import Method, Needs, Plan, register
from .features import features_place
from .planes import Plane, principal_plane

BORDER = 0.15
"""Room around the outermost probe, as a share of its distance from the centre."""
PICTURES = {"class": "none", "probability": "probability", "margin": "score"}
"""By what is said at each place of the plane, its unit."""
FIGURES = ("explained variance", "probes alike")
SLACK = 1e-3
"""How far outputs may differ by rounding, as a share of the largest."""


@register
@dataclass(frozen=True)
class DecisionBoundary(Method):
    """Cut the feature space along the plane in which the probes vary most, and map the classes.

    The points of a grid in the plane of the first two principal components are put back into the
    layer's output, and the rest of the network runs from there. The plane is turned to lie as at
    the step before. It is a slice: probes lie off it, and where `probes alike` (the share of probes
    that get the same class where they are projected to) is low, it says little about them.

    Records, all `decision_boundary/...`: `class` (index), `probability` (softmax of the logits, or
    sigmoid of a single one, of that class) and `margin` (logit of the class, less the next one),
    `(height, width)` of the one plane; `points`, `(probes, 2)`: each probe's place in that picture,
    0 to 1 from the left and from the top; `figures`: the share of the variance that lies in the
    plane, and `probes alike`. Costs a forward pass of `resolution ** 2` rows from the layer on, and
    three over the probes.

    Attributes:
        layer: Name of the layer, through which all must go that the model sees; if None, what the
            last layer with weights takes.
        resolution: Points along each side.
    """

    layer: str | None = None
    resolution: int = 48

    title = "Decision boundary"
    formula = r"\arg\max_c S_c(\mu + u v_1 + w v_2)"

    def __post_init__(self) -> None:
        if self.resolution < 2:
            raise ValueError(f"`resolution` must be at least 2. Received: {self.resolution}")

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        place = features_place(model, self.layer)
        pictures = [
            self._spec(
                part,
                place,
                axes=("height", "width"),
                rows=("plane",),
                signed=False,
                quantity="prediction",
                unit=unit,
            )
            for part, unit in PICTURES.items()
        ]
        points = self._spec(
            "points",
            place,
            axes=("coordinate",),
            labels={"coordinate": ("x", "y")},
            signed=False,
            quantity="coordinate",
            unit="share",
        )
        figures = self._spec(
            "figures",
            place,
            axes=("metric",),
            labels={"metric": FIGURES},
            rows=("plane",),
            signed=False,
            quantity="figure",
            unit="share",
        )
        return Plan(Needs(), {spec.key: spec for spec in (*pictures, points, figures)})

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        place = features_place(ask.view, self.layer)
        features = ask.values([place])[place]
        memory = ask.memory(self)
        plane = principal_plane(features.reshape(ask.count, -1)).turned(memory.get("points"))
        memory["points"] = plane.points
        # All rows are the first probe from here on, but for the layer's output.
        first = replace(ask.at({}, np.zeros(1, int)), rows_at_once=self._rows(ask, place))
        classes = self._checked(ask, place, features)
        reach = (1 + BORDER) * float(np.abs(plane.points).max()) or 1.0
        along = ((np.arange(self.resolution) + 0.5) / self.resolution * 2 - 1) * reach
        grid = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
        of_grid = _Verdict.of(_logits_at(first, place, plane, grid))
        of_probes = _Verdict.of(_logits_at(first, place, plane, plane.points))
        pictures = (of_grid.classes, of_grid.probability, of_grid.margin)
        figures = [plane.shares.sum(), (of_probes.classes == classes).mean()]
        arrays = [
            *(p.reshape(1, self.resolution, self.resolution) for p in pictures),
            (plane.points / reach + 1) / 2,
            np.array([figures]),
        ]
        return {key: a.astype(np.float32) for key, a in zip(plan.specs, arrays, strict=True)}

    def _spec(self, part: str, place: Place, **facts: Any) -> RecordSpec:
        return RecordSpec(
            key=f"{self.name}/{part}",
            method=self.name,
            title=f"{self.title}: {part}",
            layer=None if place.layer is None else place.name,
            options=self.options(),
            precision="float32",
            **facts,
        )

    @property
    def follows(self) -> str:
        """The plane is turned to lie as at the step before."""
        return "all"

    def _rows(self, ask: Questions, place: Place) -> int:
        """Most rows in one call: what comes before the layer takes no memory."""
        layers = [int(np.prod(p.shape)) for p in ask.view.layers.values()]
        inputs = sum(int(np.prod(p.shape)) for p in ask.view.inputs.values())
        begin = 0 if place.layer is None else list(ask.view.layers).index(place.name)
        room = (inputs + sum(layers)) / (inputs + sum(layers[begin:]))
        most = min(int(ask.rows_at_once * room), self.resolution**2)
        return max(most // 2 * 2, 2)

    def _checked(self, ask: Questions, place: Place, features: NDArray[Any]) -> NDArray[Any]:
        """The probes' classes, if their features are all that the rest of the network sees."""
        own = _flat(ask.outputs())
        from_features = _flat(ask.at({place: features}, np.zeros(ask.count, int)).outputs())
        if np.abs(own - from_features).max() > SLACK * np.abs(own).max():
            raise ValueError(
                "`layer` must be one through which all goes that the model sees; something goes "
                f"past it. Received: {place.name!r}"
            )
        return _Verdict.of(own).classes


@dataclass(frozen=True)
class _Verdict:
    """What logits say: the class, how probable it is, and how far ahead of the next."""

    classes: NDArray[np.int64]
    probability: NDArray[np.float64]
    margin: NDArray[np.float64]

    @classmethod
    def of(cls, logits: NDArray[np.float64]) -> _Verdict:
        if logits.shape[1] == 1:  # the logit of a class against none
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        second, first = np.sort(logits, axis=1)[:, -2:].T
        others = np.exp(logits - first[:, None]).sum(axis=1)
        return cls(logits.argmax(axis=1), 1 / others, first - second)


def _flat(outputs: NDArray[Any]) -> NDArray[np.float64]:
    """Logits `(rows, outputs)`, the mean over positions."""
    positions = tuple(range(1, outputs.ndim - 1))
    return outputs.astype(np.float64).mean(axis=positions) if positions else outputs.astype("f8")


def _logits_at(
    first: Questions, place: Place, plane: Plane, points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What the rest of the network makes of points of the plane."""

    mean, basis, at = (a.astype(np.float32) for a in (plane.mean, plane.basis, points))

    def put_back(row: int, variants: NDArray[np.int64]) -> dict[Place, NDArray[Any]]:
        return {place: (mean + at[variants] @ basis).reshape(-1, *place.shape)}

    found = [_flat(some.outputs()) for _, _, some in first.varied(len(points), put_back)]
    return np.concatenate(found)
