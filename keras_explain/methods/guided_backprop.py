"""Guided backpropagation: only what speaks for the score comes back through a ReLU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ..model_view import ModelView
from ..questions import Questions
from ..rectifiers import Rectified, require_rectifiers
from .attribution import Attribution
from .base import Plan, register


@register
@dataclass(frozen=True)
class GuidedBackprop(Attribution):
    """The gradient, with what is negative cut off each time that it comes back through a ReLU.

    Signed, in score units per unit of the input, of the input's shape
    `(probes, height, width, channels)`; shown as the sum over the channels. It passes a ReLU,
    ReLU6, LeakyReLU or PReLU only where it is positive, and there by the unit's own gradient: not
    where a ReLU is off, and by its slope through a leaky one. Other activations keep their
    gradient. It shows the input's edges more than what the network learned (Adebayo et al. 2018,
    https://arxiv.org/abs/1810.03292): read it beside another method. Costs one forward and
    backward pass over the probes.

    Springenberg et al. 2014, https://arxiv.org/abs/1412.6806

    Attributes:
        layer: Name of the layer on whose output the attribution lies; the inputs if None (the
            embedding's output where an input is token ids).
    """

    title = "Guided backpropagation"
    formula = r"R^{l}_i = [z_i > 0] \, [R^{l+1}_i > 0] \, R^{l+1}_i \quad \text{at each ReLU}"
    axioms = ("zero for an unused input",)
    signed = True
    shown = "sum"

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        require_rectifiers(model)
        return super().plan(model)

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        places = list(plan.places.values())
        return self.found(plan, ask.gradients(places, Rectified(guided=True)))
