"""Guided backpropagation: only what speaks for the score comes back through a ReLU."""

from __future__ import annotations

from dataclasses import dataclass

from .base import register
from .rectified_gradient import RectifiedGradient


@register
@dataclass(frozen=True)
class GuidedBackprop(RectifiedGradient):
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
    quantity = "sensitivity"
    unit = "score per input unit"
    formula = r"R^{l}_i = [z_i > 0] \, [R^{l+1}_i > 0] \, R^{l+1}_i \quad \text{at each ReLU}"
    guided = True
