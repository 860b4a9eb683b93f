"""LayerCAM: class activation maps that hold at early layers too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from .base import register
from .cam import GradientCAM


@register
@dataclass(frozen=True)
class LayerCAM(GradientCAM):
    """Feature map times its positive gradients, each place by its own, summed over the channels.

    Unsigned, in score units to first order, of the layer's own size `(probes, height, width)`:
    never resized. Since each place has a weight of its own, maps of early layers are as fine as the
    layers. Also for series and volumes. Read off the common pass.

    Jiang et al. 2021, https://doi.org/10.1109/TIP.2021.3089943

    Attributes:
        layer: Name of the layer whose output is weighted. If None, the last feature map
            that all that the head reads has passed, after normalisation and activation: one for
            each input whose way to the head is its own.
    """

    title = "LayerCAM"
    quantity = "importance"
    unit = "score"
    formula = (
        r"\operatorname{ReLU}\Big(\sum_k \operatorname{ReLU}\Big("
        r"\frac{\partial S_c}{\partial A^k_{ij}}\Big) A^k_{ij}\Big)"
    )

    def weigh(self, activation: Any, gradient: Any) -> Any:  # noqa: D102
        return keras.ops.relu(keras.ops.sum(keras.ops.relu(gradient) * activation, axis=-1))
