"""DeepLIFT: what each input's difference from a baseline adds to the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, NotApplicableError
from ..multipliers.check import unruled
from ..multipliers.rewiring import Multipliers
from ..questions import Ask, Questions
from .attribution import Attribution, Figure
from .base import Plan, register
from .baselines import Baseline, baseline_at
from .gaps import share_missing

MOST_NAMED = 5
RULES = ("rescale", "reveal_cancel")


@register
@dataclass(frozen=True)
class DeepLIFT(Attribution):
    """Differences from `baseline`, carried by multipliers instead of gradients to the score.

    Signed, in score units, of the input's shape `(probes, height, width, channels)`; shown as the
    sum over the channels. Per probe it sums to `score(inputs) - score(baseline)`, whatever the
    weights; what rounding leaves is recorded as `deep_lift/gap`, a share of that difference (of a
    thousandth of all that is attributed, or a hundred-thousandth of the scores, if that is more).

    A nonlinearity's multiplier is the slope between what it makes of the input and of the baseline,
    so that a saturated unit still counts. Products and attention share a difference between their
    factors, a maximum gives it to where it was found, normalisation is taken apart into both.
    What has no rule, such as a recurrent layer, is named at the start;
    `keras_explain.multipliers.register_rule` makes one known. Costs one forward and backward pass
    over the probes and their baselines; `reveal_cancel` about three.

    Shrikumar et al. 2017, https://arxiv.org/abs/1704.02685

    Attributes:
        baseline: Input that carries no evidence, in the units of the input (or of the layer): a
            number, an array that broadcasts to the input, or a dict of them by the input's name.
        rule: `"rescale"`; or `"reveal_cancel"`, which treats what speaks for a unit and what
            speaks against it apart where a dense layer or a convolution runs into a nonlinearity,
            directly or through batch normalisation (rescale elsewhere): two inputs that cancel
            both count.
        layer: Name of the layer on whose output the attribution lies; the inputs if None (the
            embedding's output where an input is token ids).
    """

    baseline: Baseline = 0.0
    rule: str = "rescale"

    title = "DeepLIFT"
    quantity = "attribution"
    unit = "score"
    formula = (
        r"m_{\Delta x_i \Delta S_c} \, (x_i - x'_i), \quad m_{\Delta z \Delta f(z)} = "
        r"\frac{f(z) - f(z')}{z - z'}"
    )
    axioms = ("completeness", "zero for an unused input")
    signed = True
    shown = "sum"
    figures = {"gap": Figure("completeness gap", "share")}  # noqa: RUF012

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"`rule` must be one of {', '.join(RULES)}. Received: {self.rule!r}")

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        plan = super().plan(model)
        without = unruled(model, plan.places.values())
        if without:
            raise NotApplicableError(
                "DeepLIFT must have a rule for all of the model that is not linear. Write it with "
                "keras.ops, or make a rule for its layer known: keras_explain.multipliers."
                "register_rule(MyLayer, along_path()). "
                f"Received, without a rule: {', '.join(without[:MOST_NAMED])}"
            )
        return plan

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        places = list(plan.places.values())
        end = ask.values(places)
        start = {place: baseline_at(self.baseline, place, end[place]) for place in places}

        question = Ask(
            gradients=tuple(places),
            rewiring=Multipliers(self.rule == "reveal_cancel"),
            together=True,
        )
        attributions = {place: np.empty(end[place].shape, np.float32) for place in places}
        scores = np.empty((2, ask.count), np.float32)
        at_once = ask.rows_at_once // 2
        for begin in range(0, ask.count, at_once):
            some = np.arange(begin, min(begin + at_once, ask.count))
            pairs = {p: np.concatenate([end[p][some], start[p][some]]) for p in places}
            answer = ask.at(pairs, np.concatenate([some, some])).ask(question)
            scores[:, some] = answer.scores[: len(some)], answer.scores[len(some) :]
            for place, multiplier in answer.gradients.items():
                difference = end[place][some] - start[place][some]
                attributions[place][some] = multiplier[: len(some)] * difference
        flat = [a.reshape(ask.count, -1).astype("f8") for a in attributions.values()]
        total = sum(a.sum(axis=1) for a in flat)
        moved = sum(np.abs(a).sum(axis=1) for a in flat)
        gap = share_missing(total, scores[0] - scores[1], moved, *scores)
        return self.found(plan, attributions, gap=gap)
