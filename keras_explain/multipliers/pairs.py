"""Rows in pairs, and the ways back that all rules are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from keras import ops

from .. import backends
from ..network.network import is_float
from ..rewiring import Call, with_way_back

NEAR = 1e-4
"""Two values that differ by less than this share of their size have the slope between them."""


@dataclass
class Pairs:
    """The rows of one call of the model: inputs, and behind them as many baselines, in their order.

    Attributes:
        rows: Their number. A tensor may have several of its own for each, one after the other.
        parts: What linear layers put into a tensor, by its id: see `reveal_cancel`.
        pending: The same for the linear layers that are running.
        quiet: Whether functions are left as they are: inside of a rule.
    """

    rows: int = 0
    parts: dict[int, Any] = field(default_factory=dict)
    pending: list[Any] = field(default_factory=list)
    quiet: bool = False

    def begin(self, rows: int) -> None:
        """Forget what was, and take so many rows."""
        self.rows, self.quiet = rows, False
        self.parts.clear()
        self.pending.clear()

    def carries(self, tensor: Any) -> bool:
        """Whether these are values in pairs of rows, and not weights or the like."""
        return (
            self.rows > 1
            and ops.is_tensor(tensor)
            and len(tensor.shape) > 0
            and bool(tensor.shape[0])
            and tensor.shape[0] % self.rows == 0
            and is_float(tensor)
        )

    def other(self, tensor: Any) -> Any:
        """What stands in the other row of each pair."""
        ends, starts = self.halves(tensor)
        return ops.concatenate([starts, ends], axis=0)

    def mean(self, tensor: Any) -> Any:
        """The mean of each pair, in both of its rows."""
        ends, starts = self.halves(tensor)
        return self.both((ends + starts) / 2)

    def halves(self, tensor: Any) -> tuple[Any, Any]:
        """The inputs' rows alone, and the baselines'."""
        middle = tensor.shape[0] // 2
        return tensor[:middle], tensor[middle:]

    def both(self, half: Any) -> Any:
        """Each row in both rows of a pair: the way back from `halves`."""
        return ops.concatenate([half, half], axis=0)

    def differences(self, tensor: Any) -> Any:
        """The inputs' rows less the baselines', one row a pair, in float32."""
        ends, starts = self.halves(tensor)
        return ops.cast(ends, "float32") - ops.cast(starts, "float32")

    @contextmanager
    def inside_a_rule(self) -> Iterator[None]:
        """Leave functions as they are."""
        before, self.quiet = self.quiet, True
        try:
            yield
        finally:
            self.quiet = before


def linearised(
    pairs: Pairs, value: Call, tangent: Callable[..., Callable[..., Any]], *tensors: Any
) -> Any:
    """The numbers of one function with the way back through another.

    Args:
        pairs: The rows.
        value: From the tensors to the numbers.
        tangent: From the tensors to a map of them that is linear, and whose differences between
            the rows of a pair are those of `value`.
        *tensors: Values in pairs of rows.
    """

    def rule(*given: Any) -> tuple[Any, Callable[[Any], Any]]:
        with pairs.inside_a_rule():
            output = value(*given)
            made, pull = backends.current().vjp(tangent(*given), *given)
        return output, lambda arrived: pull(ops.cast(arrived, made.dtype))

    return with_way_back(rule)(*tensors)


def secant(function: Call, a: Any, b: Any, change: Any, sharp: bool = False) -> Any:
    """The slope of an elementwise function between two tensors of float32.

    Where they are as good as equal it is the gradient halfway, which has no rounding error.

    Args:
        function: The function.
        a: Where it ends.
        b: Where it begins.
        change: What it changes by on the way, of which the caller knows both ends.
        sharp: Whether it is straight but for its kinks, so that only equals have no slope.
    """
    difference = a - b
    # Of two values with different signs, the sum is smaller than the difference.
    near = difference == 0 if sharp else ops.abs(difference) <= NEAR * ops.abs(a + b)
    output, pull = backends.current().vjp(function, a if sharp else (a + b) / 2)
    steepness = pull(ops.ones_like(output))[0]
    return ops.where(near, steepness, ops.divide_no_nan(change, difference))
