"""Grad-CAM: where in the picture the evidence for the score lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from .base import register
from .cam import GradientCAM, space_of


@register
@dataclass(frozen=True)
class GradCAM(GradientCAM):
    """Channels of a feature map, weighted by the mean gradient of the score at them, and summed.

    Unsigned (what speaks against the score is cut off at zero, as in the paper), in score units
    to first order, of the layer's own size `(probes, height, width)`: never resized. Also for
    series and volumes. Read off the common pass.

    Selvaraju et al. 2016, https://arxiv.org/abs/1610.02391

    Attributes:
        layer: Name of the layer whose output is weighted. If None, the last feature map
            that all that the head reads has passed, after normalisation and activation: one for
            each input whose way to the head is its own.
    """

    title = "Grad-CAM"
    quantity = "importance"
    unit = "score"
    formula = (
        r"\operatorname{ReLU}\Big(\sum_k \alpha_k A^k_{ij}\Big), \quad "
        r"\alpha_k = \frac{1}{Z} \sum_{ij} \frac{\partial S_c}{\partial A^k_{ij}}"
    )

    def weigh(self, activation: Any, gradient: Any) -> Any:  # noqa: D102
        weights = keras.ops.mean(gradient, axis=space_of(gradient), keepdims=True)
        return keras.ops.relu(keras.ops.sum(weights * activation, axis=-1))
