"""How relevance passes through layers: one rule, one formula."""

from .linear import Linear, is_linear, linear_parts, register_linear

__all__ = ["Linear", "is_linear", "linear_parts", "register_linear"]
