"""Grad-CAM++: Grad-CAM that finds several occurrences of a class in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from .base import register
from .cam import GradientCAM, space_of


@register
@dataclass(frozen=True)
class GradCAMPlusPlus(GradientCAM):
    """Channels of a feature map, weighted by their positive gradients, each place by its own share.

    The weight of a channel `A` is the sum over the places of `alpha * relu(g)`, where `g` is the
    gradient of the score and `alpha = g^2 / (2 g^2 + sum(A) g^3)`. The paper takes `Y = exp(score)`
    for the class score, so that its second and third derivatives, `exp(score) g^2` and
    `exp(score) g^3`, need one backward sweep only (exact where the score is piecewise linear in the
    feature map). The factor `exp(score)`, one for the whole map, is left out: it says nothing about
    places, and would make steps incomparable.

    Unsigned, of the layer's own size `(probes, height, width)`: never resized. Also for series and
    volumes. Read off the common pass.

    Chattopadhyay et al. 2017, https://arxiv.org/abs/1710.11063

    Attributes:
        layer: Name of the layer whose output is weighted. If None, the last feature map
            that all that the head reads has passed, after normalisation and activation: one for
            each input whose way to the head is its own.
    """

    title = "Grad-CAM++"
    quantity = "importance"
    unit = "none"
    formula = (
        r"\operatorname{ReLU}\Big(\sum_k w_k A^k_{ij}\Big), \quad "
        r"w_k = \sum_{ij} \frac{g^2}{2 g^2 + g^3 \sum_{ab} A^k_{ab}} \operatorname{ReLU}(g), \quad "
        r"g = \frac{\partial S_c}{\partial A^k_{ij}}"
    )

    def weigh(self, activation: Any, gradient: Any) -> Any:  # noqa: D102
        ops = keras.ops
        space = space_of(gradient)
        # alpha, divided through by g^2, which is too small for a float32 where gradients vanish.
        share = 2 + ops.sum(activation, axis=space, keepdims=True) * gradient
        positive = ops.logical_and(gradient > 0, share != 0)
        counted = ops.where(positive, gradient, 0.0) / ops.where(positive, share, 1.0)
        weights = ops.sum(counted, axis=space, keepdims=True)
        return ops.relu(ops.sum(weights * activation, axis=-1))
