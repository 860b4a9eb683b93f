"""How relevance passes through layers (LRP): one rule, one formula.

Rules for layers that are linear before their activation are chosen by a composite; all other
layers have the rule that is registered for their class. What is neither is made known by
`register_linear` or `register_rule`.
"""

from .composites import (
    ByLayer,
    Composite,
    EpsilonAlpha2Beta1,
    EpsilonEverywhere,
    EpsilonGamma,
    EpsilonGammaBox,
    EpsilonPlus,
    EpsilonPlusFlat,
    composite_of,
)
from .first_rules import Flat, WSquare, ZBox
from .fitting import check_fits
from .gradients import Way, exchanged, passed, shared, with_gradient
from .layer_rules import Attention, CentredNormalization, Gradient, Move, Pass, Product
from .linear import Linear, is_linear, linear_parts, register_linear
from .linear_rules import AlphaBeta, Epsilon, Gamma, Z, ZPlus
from .propagation import Propagation
from .registry import register_rule, registered_rule
from .rule import FirstRule, LayerRule, LinearRule, Rule

__all__ = [
    "AlphaBeta",
    "Attention",
    "ByLayer",
    "CentredNormalization",
    "Composite",
    "Epsilon",
    "EpsilonAlpha2Beta1",
    "EpsilonEverywhere",
    "EpsilonGamma",
    "EpsilonGammaBox",
    "EpsilonPlus",
    "EpsilonPlusFlat",
    "FirstRule",
    "Flat",
    "Gamma",
    "Gradient",
    "LayerRule",
    "Linear",
    "LinearRule",
    "Move",
    "Pass",
    "Product",
    "Propagation",
    "Rule",
    "WSquare",
    "Way",
    "Z",
    "ZBox",
    "ZPlus",
    "check_fits",
    "composite_of",
    "exchanged",
    "is_linear",
    "linear_parts",
    "passed",
    "register_linear",
    "register_rule",
    "registered_rule",
    "shared",
    "with_gradient",
]
