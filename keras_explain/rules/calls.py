"""Functions of the backend, wherever a model calls them: which have a rule, and which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..operations import Called
from ..tap import ACTIVATIONS

ALWAYS = frozenset({*ACTIVATIONS, "dot_product_attention", "mish", "tanh"})
"""Those that have a rule whatever goes in."""
PRODUCTS = frozenset({"einsum", "matmul", "multiply"})
"""Those whose two factors share relevance evenly (Achtibat et al. 2024)."""
SCALES = frozenset({"reciprocal", "rsqrt", "sqrt"})
"""Those that yield the scale of a normalization, which is held constant (the same)."""


def is_scale(name: str, made: Any) -> bool:
    """Whether a call of the function yields a scale: one number for all that is normalized."""
    return name in SCALES and len(made.shape) > 1 and 1 in tuple(made.shape)[1:]


def has_rule(call: Called, varies: Sequence[bool]) -> bool:
    """Whether a call has a rule, by which of the tensors that it takes vary."""
    is_product = call.name in PRODUCTS and len(varies) == 2 and all(varies)
    return call.name in ALWAYS or is_product or is_scale(call.name, call.made)
