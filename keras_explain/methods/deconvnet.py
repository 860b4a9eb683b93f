"""Deconvnet: the score sent back through the network as if each ReLU were one on the way back."""

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
class Deconvnet(Attribution):
    """The gradient, with each ReLU's own replaced by a ReLU of what comes back.

    Signed, in score units per unit of the input, of the input's shape
    `(probes, height, width, channels)`; shown as the sum over the channels. Whether the unit was
    active does not matter; pooling goes back to where the maximum was (the paper's switches).
    ReLU6, LeakyReLU and PReLU count as ReLU; other activations keep their gradient. Costs one
    forward and backward pass over the probes.

    Zeiler and Fergus 2013, https://arxiv.org/abs/1311.2901

    Attributes:
        layer: Name of the layer on whose output the attribution lies; the inputs if None (the
            embedding's output where an input is token ids).
    """

    title = "Deconvnet"
    formula = r"R^{l}_i = [R^{l+1}_i > 0] \, R^{l+1}_i \quad \text{at each ReLU}"
    axioms = ("zero for an unused input",)
    signed = True
    shown = "sum"

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        require_rectifiers(model)
        return super().plan(model)

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        places = list(plan.places.values())
        return self.found(plan, ask.gradients(places, Rectified(guided=False)))
