"""Gradient x input: how much each value of the input adds to the score, to first order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .base import register
from .gradient_map import GradientMap


@register
@dataclass(frozen=True)
class GradientTimesInput(GradientMap):
    """Gradient of the score times the input, or times a layer's output.

    At a layer this is gradient x activation: what each value of the feature map adds to the score.

    Signed, in score units, of the input's shape `(probes, height, width, channels)`, or of the
    layer's; shown as the sum over the channels. For a network of ReLUs without biases it sums to
    the score. Read off the common pass: the backward sweep to the inputs is all it costs.

    Shrikumar et al. 2016, https://arxiv.org/abs/1605.01713

    Attributes:
        layer: Name of the layer at whose output gradient and activation are multiplied; the
            inputs if None (the embedding's output where an input is token ids).
    """

    title = "Gradient x input"
    quantity = "attribution"
    unit = "score"
    formula = r"x_i \, \partial S_c / \partial x_i"
    axioms = ("zero for an unused input", "complete without biases")
    signed = True
    shown = "sum"

    def attribute(self, gradient: Any, value: Any) -> Any:  # noqa: D102
        return gradient * value
