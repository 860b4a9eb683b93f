"""HiResCAM: the places of a feature map that the score was made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from ..model_view import Place
from .base import register
from .cam import GradientCAM


@register
@dataclass(frozen=True)
class HiResCAM(GradientCAM):
    """Gradient times feature map, summed over the channels.

    Signed, in score units, of the layer's own size `(probes, height, width)`: never resized, and
    nothing is cut off, so that where only one dense layer (or a pooling and a dense layer) follows,
    the map sums to the score less its bias. It is `GradientTimesInput` at the layer, summed over
    the channels. Also for series and volumes. Read off the common pass.

    Draelos and Carin 2020, https://arxiv.org/abs/2011.08891

    Attributes:
        layer: Name of the layer whose output is weighted. If None, the last feature map
            that all that the head reads has passed, after normalisation and activation: one for
            each input whose way to the head is its own.
    """

    title = "HiResCAM"
    quantity = "attribution"
    unit = "score"
    formula = r"\sum_k \frac{\partial S_c}{\partial A^k_{ij}} A^k_{ij}"
    axioms = ("complete before one dense layer without bias",)

    def is_signed(self, place: Place) -> bool:  # noqa: D102
        return True

    def weigh(self, activation: Any, gradient: Any) -> Any:  # noqa: D102
        return keras.ops.sum(gradient * activation, axis=-1)
