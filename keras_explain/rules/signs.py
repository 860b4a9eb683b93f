"""Where values are never negative: rules that split inputs by their sign do half there."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from .linear import classes_named

KEEP_SIGNS = tuple(
    classes_named(
        "Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply",
        "AveragePooling{}", "MaxPooling{}", "GlobalAveragePooling{}", "GlobalMaxPooling{}",
        "AdaptiveAveragePooling{}", "AdaptiveMaxPooling{}",
    )
)  # fmt: skip


def keeps_signs(layer: keras.Layer) -> bool:
    """Whether the layer makes nothing negative of what is not."""
    return isinstance(layer, KEEP_SIGNS)


def is_never_negative(layer: Any) -> bool:
    """Whether the layer is an activation that makes nothing negative."""
    return isinstance(layer, layers.ReLU) and not layer.negative_slope
