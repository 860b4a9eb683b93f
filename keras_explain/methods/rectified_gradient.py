"""What guided backpropagation and the deconvnet share: a gradient with another rule at ReLUs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from ..model_view import ModelView
from ..questions import Questions
from ..rectifiers import Rectified, require_rectifiers
from .attribution import Attribution
from .base import Plan


@dataclass(frozen=True)
class RectifiedGradient(Attribution):
    """A gradient of which only what is positive comes back through a rectifier."""

    axioms = ("zero for an unused input",)
    signed = True
    shown = "sum"
    guided: ClassVar[bool]
    """Whether the rectifier's own gradient holds too."""

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        require_rectifiers(model)
        return super().plan(model)

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        places = list(plan.places.values())
        return self.found(plan, ask.gradients(places, Rectified(self.guided)))
