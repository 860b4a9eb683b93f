"""DeepLIFT's rules: how a difference from a baseline passes through what is not linear.

A multiplier is a contribution per difference. The model runs on pairs of rows, an input and its
baseline one after the other; a rule keeps a function's numbers and replaces its gradient by its
multipliers, alike in both rows of a pair. All rules conserve: `sum(multiplier * difference)` over
what goes in is the same as over what comes out.
"""

from .layers import along_path, linear, register_rule, value_by_value
from .pairs import Pairs

__all__ = ["Pairs", "along_path", "linear", "register_rule", "value_by_value"]
