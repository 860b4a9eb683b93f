"""Layer-wise relevance propagation: the score, handed back layer by layer until the inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView
from ..questions import Ask, Questions
from ..rules import Composite, Propagation, Rule, check_fits, composite_of
from .attribution import Attribution, Figure
from .base import Plan, register

LEAST = 1e-3
"""Smallest share of all relevance that what is lost is measured by."""


@register
@dataclass(frozen=True)
class LRP(Attribution):
    """Relevance of every value of the input, handed back from the score by each layer's rule.

    Signed, in score units, of the input's shape `(probes, height, width, channels)`; shown as the
    sum over the channels. Relevance is conserved but for what biases and `epsilon` keep: what is
    missing is recorded as `lrp/conservation`, a share of the score (or of a thousandth of all
    relevance, if that is more). Batch normalisations are folded into the linear layer before them;
    a softmax or sigmoid at the end is left out.

    Products of activations share evenly, attention is softmax by its Taylor expansion, and layer
    normalisation has its scale held constant (Achtibat et al. 2024,
    https://arxiv.org/abs/2402.05602). Products, quotients and the like that a model of your own
    computes outside of layers have their ordinary gradient.

    Costs one forward and one backward pass, and what the rules add: behind a ReLU `ZPlus` runs its
    layers forward once more, `AlphaBeta` and `Gamma` twice more, and the latter two backward too;
    elsewhere twice that.

    Bach et al. 2015, https://doi.org/10.1371/journal.pone.0130140

    Attributes:
        composite: Which layer has which rule: `"epsilon_plus"`, `"epsilon"`,
            `"epsilon_plus_flat"`, `"epsilon_alpha2_beta1"` or `"epsilon_gamma"`; a
            `keras_explain.rules.Composite` such as `EpsilonGammaBox(low=0, high=1)`; or a dict of
            rules by layers' names or classes, such as `{"conv1": Flat(), layers.Dense: Z()}`, with
            `"epsilon_plus"` for the rest.
        layer: Name of the layer at whose output the relevance lies; the inputs if None (the
            embedding's output where an input is token ids).
    """

    composite: str | Composite | Mapping[Any, Rule] = "epsilon_plus"

    title = "LRP"
    quantity = "relevance"
    unit = "score"
    formula = r"R_i = \sum_j \frac{z_{ij}}{\sum_{i'} z_{i'j}} R_j"
    axioms = ("conservation without biases", "zero for an unused input")
    signed = True
    shown = "sum"
    figures = {"conservation": Figure("relevance lost or gained", "share")}  # noqa: RUF012

    def __post_init__(self) -> None:
        composite_of(self.composite)

    def plan(self, model: ModelView) -> Plan:
        """Yields what every attribution does.

        Raises:
            ValueError: If a layer has no rule, or one that does not fit it.
        """
        plan = super().plan(model)
        check_fits(composite_of(self.composite), model, plan.places.values())
        return plan

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        places = tuple(plan.places.values())
        kept = ask.memory(self)
        if "propagation" not in kept:
            names = [place.name for place in places]
            kept["propagation"] = Propagation(composite_of(self.composite), names)
        answer = ask.ask(Ask(gradients=places, rewiring=kept["propagation"]))
        flat = [r.reshape(ask.count, -1).astype("f8") for r in answer.gradients.values()]
        total = sum(r.sum(axis=1) for r in flat)
        all_of_it = sum(np.abs(r).sum(axis=1) for r in flat)
        share_of = np.maximum(np.abs(answer.scores), LEAST * all_of_it) + np.finfo("f4").tiny
        lost = ((total - answer.scores) / share_of).astype(np.float32)
        return self.found(plan, answer.gradients, conservation=lost)
