"""Which rule holds for which class of layers."""

from __future__ import annotations

import keras
from keras import layers

from .layer_rules import (
    Activated,
    Attention,
    CentredNormalization,
    Gradient,
    Inside,
    Move,
    Pass,
    PlainAttention,
    Product,
)
from .linear import classes_named, is_linear
from .linear_rules import Epsilon
from .rule import Rule

_registry: dict[type[keras.Layer], Rule | None] = {}


def register_rule(layer: type[keras.Layer], rule: Rule) -> None:
    """Make a rule known for layers of a class, and of its subclasses.

    For layers that are linear before their `activation` use `register_linear`; which rule they
    have is then up to the composite.

    Args:
        layer: The class.
        rule: `Gradient()` where the ordinary gradient is right, `Pass()` for what works on each
            value alone, `Product()`, or a `LayerRule` of your own.
    """
    if not isinstance(rule, Rule):
        raise ValueError(f"`rule` must be a rule. Received: {rule!r}")
    _registry[layer] = rule


def is_taken_whole(layer: keras.Layer) -> bool:
    """Whether the layer's class has a rule, so that nothing inside of it needs one."""
    return is_linear(layer) or any(base in _registry for base in type(layer).__mro__)


def registered_rule(layer: keras.Layer) -> Rule | None:
    """The rule for a layer whose composite names none; None if it can have none."""
    if is_linear(layer):
        return Epsilon()
    for base in type(layer).__mro__:
        if base in _registry:
            return _registry[base]
    # The layers and functions inside have rules of their own.
    return Inside()


for _kind in classes_named(
    "Add", "Subtract", "Average", "Maximum", "Minimum",
    "AveragePooling{}", "MaxPooling{}", "GlobalAveragePooling{}", "GlobalMaxPooling{}",
    "AdaptiveAveragePooling{}", "AdaptiveMaxPooling{}",
    "Masking", "Softmax", "Embedding", "CategoryEncoding", "Resizing",
):  # fmt: skip
    _registry[_kind] = Gradient()
for _kind in classes_named(
    "Concatenate", "Flatten", "Reshape", "Permute", "RepeatVector", "Identity",
    "ZeroPadding{}", "Cropping{}", "UpSampling{}", "CenterCrop",
    "Dropout", "SpatialDropout{}", "AlphaDropout", "GaussianDropout", "GaussianNoise",
    "ActivityRegularization", "RandomFlip", "RandomCrop", "RandomRotation", "RandomTranslation",
    "RandomZoom", "RandomContrast", "RandomBrightness", "RandomShear", "RandomErasing",
    "RandomGaussianBlur", "RandomColorJitter", "RandomSaturation", "RandomHue",
):  # fmt: skip
    _registry[_kind] = Move()
for _kind in classes_named(
    "ReLU", "LeakyReLU", "PReLU", "ELU", "Rescaling", "Normalization",
    "RMSNormalization", "UnitNormalization",
):  # fmt: skip
    _registry[_kind] = Pass()
for _kind in classes_named("LayerNormalization", "GroupNormalization"):
    _registry[_kind] = CentredNormalization()
for _kind in classes_named("MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention"):
    _registry[_kind] = Attention()
for _kind in classes_named("Multiply", "Dot"):
    _registry[_kind] = Product()
_registry[layers.Activation] = Activated()
_registry[layers.BatchNormalization] = Epsilon()
_registry[layers.Attention] = PlainAttention()
_registry[layers.AdditiveAttention] = PlainAttention(dot=False)
# Layers made of others, whose own work between these has no rule.
for _kind in classes_named("RNN", "Bidirectional", "StackedRNNCells"):
    _registry[_kind] = None
