"""Saliency: how strongly the score reacts to each value of the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from .base import register
from .gradient_map import GradientMap


@register
@dataclass(frozen=True)
class Saliency(GradientMap):
    """Absolute gradient of the score at the inputs, or at a layer's output.

    Unsigned, in score units per unit of the input, of the input's shape
    `(probes, height, width, channels)`; shown as the maximum over the channels, as in the paper.
    Read off the common pass: the backward sweep to the inputs is all it costs.

    Simonyan et al. 2013, https://arxiv.org/abs/1312.6034

    Attributes:
        layer: Name of the layer at whose output the gradient is taken; the inputs if None (the
            embedding's output where an input is token ids).
    """

    title = "Saliency"
    quantity = "sensitivity"
    unit = "score per input unit"
    formula = r"\left|\partial S_c / \partial x_i\right|"
    axioms = ("zero for an unused input",)
    signed = False
    shown = "max"

    def attribute(self, gradient: Any, value: Any) -> Any:  # noqa: D102
        return keras.ops.abs(gradient)
