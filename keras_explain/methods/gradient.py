"""The gradient itself: in which direction the score reacts to each value of the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .base import register
from .gradient_map import GradientMap


@register
@dataclass(frozen=True)
class Gradient(GradientMap):
    """Gradient of the score at the inputs, or at a layer's output; `Saliency` is its size.

    Signed, in score units per unit of the input, of the input's shape
    `(probes, height, width, channels)`; shown as the sum over the channels. Read off the common
    pass: the backward sweep to the inputs is all it costs.

    Baehrens et al. 2010, https://jmlr.org/papers/v11/baehrens10a.html

    Attributes:
        layer: Name of the layer at whose output the gradient is taken; the inputs if None (the
            embedding's output where an input is token ids).
    """

    title = "Gradient"
    quantity = "sensitivity"
    unit = "score per input unit"
    formula = r"\partial S_c / \partial x_i"
    axioms = ("zero for an unused input",)
    signed = True
    shown = "sum"

    def attribute(self, gradient: Any, value: Any) -> Any:  # noqa: D102
        return gradient
