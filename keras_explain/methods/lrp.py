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
from .gaps import share_missing

BIASES = ("keep", "none")


@register
@dataclass(frozen=True)
class LRP(Attribution):
    """Relevance of every value of the input, handed back from the score by each layer's rule.

    Signed, in score units, of the input's shape `(probes, height, width, channels)`; shown as the
    sum over the channels. Relevance is conserved except for what biases and `epsilon` keep: what is
    missing is recorded as `lrp/conservation`, a share of the score (or of a thousandth of all
    relevance, if that is more). Batch normalizations are folded into the linear layer before them,
    and what they shift is a bias: in a deep network with batch normalization the biases keep nearly
    all of the score, and `lrp/conservation` is near -1. This is what the rules say and no fault of
    the maps, whose directions are right; but their sum is not the score. With `bias="none"` it is.
    A softmax or sigmoid at the end is left out.

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
        bias: `"keep"`: biases and the rules' `epsilon` and stabilizers keep their part of the
            relevance, as in the papers. `"none"`: they keep nothing. What they would keep is shared
            by the inputs of the layer, by the sizes of their products with the weights; it is lost
            only where all inputs of an output are zero. Costs one or two more passes per layer.
        layer: Name of the layer at whose output the relevance lies; the inputs if None (the
            embedding's output where an input is token ids).
    """

    composite: str | Composite | Mapping[Any, Rule] = "epsilon_plus"
    bias: str = "keep"

    title = "LRP"
    quantity = "relevance"
    unit = "score"
    formula = r"R_i = \sum_j \frac{z_{ij}}{\sum_{i'} z_{i'j}} R_j"
    axioms = ("conservation without biases", "zero for an unused input")
    signed = True
    shown = "sum"
    figures = {  # noqa: RUF012
        "conservation": Figure("relevance lost (to biases, as a rule) or gained", "share")
    }

    def __post_init__(self) -> None:
        composite_of(self.composite)
        if self.bias not in BIASES:
            raise ValueError(f"`bias` must be one of {', '.join(BIASES)}. Received: {self.bias!r}")

    def plan(self, model: ModelView) -> Plan:
        """Yields what every attribution does.

        Raises:
            ValueError: If a layer has no rule, or one that does not fit it.
        """
        plan = super().plan(model)
        composite = composite_of(self.composite).in_model(model.name_of)
        check_fits(composite, model, plan.places.values())
        return plan

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        places = tuple(plan.places.values())
        kept = ask.memory(self)
        if "propagation" not in kept:
            names = [place.name for place in places]
            composite = composite_of(self.composite).in_model(ask.view.name_of)
            kept["propagation"] = Propagation(composite, names, biases=self.bias == "keep")
        answer = ask.ask(Ask(gradients=places, rewiring=kept["propagation"]))
        flat = [r.reshape(ask.count, -1).astype("f8") for r in answer.gradients.values()]
        total = sum(r.sum(axis=1) for r in flat)
        all_of_it = sum(np.abs(r).sum(axis=1) for r in flat)
        lost = share_missing(total, answer.scores, all_of_it)
        return self.found(plan, answer.gradients, conservation=lost)
