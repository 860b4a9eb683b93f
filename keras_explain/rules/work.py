"""What rules compute beside the model's own forward and backward pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .gradients import Way
from .linear import Linear


@dataclass
class Work:
    """Products of a weight and an input that linear maps make, for one row.

    Attributes:
        plain: Those of one forward pass.
        forward: Those of further runs of the maps.
        backward: Those of further runs back.
    """

    plain: float = 0.0
    forward: float = 0.0
    backward: float = 0.0

    def ran(self, linear: Linear, outputs: Any) -> None:
        """Count that a map made its outputs, as the model does."""
        self.plain += _products(linear, outputs)

    def counting(self, linear: Linear) -> Linear:
        """The map, whose further runs are counted."""

        def operate(inputs: Any, kernel: Any) -> Any:
            outputs = linear.operate(inputs, kernel)
            self.forward += _products(linear, outputs)
            return outputs

        return replace(linear, operate=operate)

    def back(self, linear: Linear, outputs: Any, ways: Sequence[Way], further: float) -> None:
        """Count the way back through a map.

        Args:
            linear: The map.
            outputs: What the model makes of it.
            ways: The ways that relevance goes.
            further: What was counted to make them.
        """
        own = any(tensor is outputs for tensor, _ in ways)
        self.backward += further if own else further - _products(linear, outputs)

    def passes(self) -> tuple[float, float]:
        """Further forward and further backward passes."""
        plain = self.plain or 1.0
        return self.forward / plain, max(0.0, self.backward / plain)


def _products(linear: Linear, outputs: Any) -> float:
    """Of one row: each output is a sum over the kernel's weights of its channel."""
    channels = outputs.shape[linear.channel_axis]
    return math.prod(outputs.shape[1:]) * math.prod(linear.kernel.shape) / channels
