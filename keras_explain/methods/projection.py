"""Projection: the probes as points in a plane, by what a layer makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView
from ..questions import Questions
from ..store import RecordSpec
from .base import Method, Needs, Plan, register
from .features import features_place
from .layouts import tsne, umap
from .planes import Points, principal_plane, procrustes

KINDS = {"pca": None, "tsne": "sklearn", "umap": "umap"}
"""What each kind is imported from."""
FEWEST = 4
"""Fewer points than these are laid out by their principal components, whatever the kind."""


@register
@dataclass(frozen=True)
class Projection(Method):
    """Lay the probes out in two dimensions, by the features that a layer gives them.

    The points are centred, and turned or mirrored (never stretched) to lie closest to those of the
    step before (Procrustes), so that what moves in the picture has moved among the others. Lengths
    are the features' own for principal components. t-SNE and UMAP go on from the step before, so
    what they show depends on the way; distances between far points mean little in them, and probes
    are few: take all that you can. UMAP stirs its points by some percent even where nothing has
    changed, and compiles itself at its first step, which takes some seconds.

    Records `projection/<kind>/<layer>`, `(probes, 2)`, and `.../figures` of all probes together:
    how far the points moved since the step before (root mean square, as a share of their distance
    from the centre; NaN at the first), and for principal components the shares of the variance
    along the first, the second, and both. Costs a forward pass over the probes, and the layout.

    Pearson 1901; van der Maaten & Hinton 2008, https://jmlr.org/papers/v9/vandermaaten08a.html;
    McInnes et al. 2018, https://arxiv.org/abs/1802.03426

    Attributes:
        layer: Name of the layer; if None, what the last layer with weights takes.
        kind: `"pca"`, or `"tsne"` or `"umap"`, which need `keras-explain[features]`.
        perplexity: Of t-SNE, at most a third of the other probes.
        neighbors: Of UMAP, at most all other probes.
        seed: Of t-SNE and UMAP.
    """

    layer: str | None = None
    kind: str = "pca"
    perplexity: float = 30.0
    neighbors: int = 15
    seed: int = 0

    title = "Projection"
    formula = r"\min_{Q^\top Q = I} \lVert P_t Q - P_{t-1} \rVert_F"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: {self.kind!r}")
        if self.perplexity <= 0:
            raise ValueError(f"`perplexity` must be above 0. Received: {self.perplexity}")
        if self.neighbors < 2:
            raise ValueError(f"`neighbors` must be at least 2. Received: {self.neighbors}")

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        package = KINDS[self.kind]
        if package is not None and find_spec(package) is None:
            raise ImportError(
                f"Projection(kind={self.kind!r}) needs pip install 'keras-explain[features]'"
            )
        place = features_place(model, self.layer)
        known: dict[str, Any] = {
            "method": self.name,
            "title": f"{self.title} ({self.kind})",
            "layer": None if place.layer is None else place.name,
            "options": self.options(),
            "signed": True,
            "precision": "float32",
        }
        key = f"{self.name}/{self.kind}/{place.name}"
        points = RecordSpec(
            key=key,
            axes=("coordinate",),
            labels={"coordinate": ("x", "y")},
            quantity="coordinate",
            # Principal components are sums of the layer's own values; other layouts have no unit.
            unit="layer" if self.kind == "pca" else "none",
            **known,
        )
        names = ("moved", "first", "second", "both") if self.kind == "pca" else ("moved",)
        figures = RecordSpec(
            key=f"{key}/figures",
            axes=("metric",),
            labels={"metric": names},
            rows=("all probes",),
            quantity="figure",
            unit="share",
            **known,
        )
        return Plan(Needs(), {spec.key: spec for spec in (points, figures)})

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        place = features_place(ask.view, self.layer)
        features = ask.values([place])[place].reshape(ask.count, -1)
        memory = ask.memory(self)
        before = memory.get("points")
        plane = principal_plane(features)
        points = (
            plane.points if self.kind == "pca" else self._laid_out(features, plane.points, before)
        )
        points = points - points.mean(axis=0)
        points = points @ procrustes(points, before)
        memory["points"] = points
        figures = [_moved(points, before)]
        if self.kind == "pca":
            figures += [*plane.shares, plane.shares.sum()]
        of_points, of_figures = plan.specs
        return {
            of_points: points.astype(np.float32),
            of_figures: np.array([figures], np.float32),
        }

    @property
    def follows(self) -> str:
        """The points are turned to lie as at the step before."""
        return "all"

    def _laid_out(self, features: NDArray[Any], principal: Points, before: Points | None) -> Points:
        if len(features) < FEWEST or principal.std() == 0:
            return principal
        if self.kind == "tsne":
            return tsne(features, principal, before, self.perplexity, self.seed)
        return umap(features, principal, before, self.neighbors, self.seed)


def _moved(points: Points, before: Points | None) -> float:
    if before is None or before.shape != points.shape:
        return float("nan")
    with np.errstate(all="ignore"):  # points that all lie in one place
        return float(np.sqrt(((points - before) ** 2).sum() / (before**2).sum()))
