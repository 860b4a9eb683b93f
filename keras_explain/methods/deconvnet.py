"""Deconvnet: the score sent back through the network as if each ReLU were one on the way back."""

from __future__ import annotations

from dataclasses import dataclass

from .base import register
from .rectified_gradient import RectifiedGradient


@register
@dataclass(frozen=True)
class Deconvnet(RectifiedGradient):
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
    quantity = "sensitivity"
    unit = "score per input unit"
    formula = r"R^{l}_i = [R^{l+1}_i > 0] \, R^{l+1}_i \quad \text{at each ReLU}"
    guided = False
