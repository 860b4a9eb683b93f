"""Rows in pairs, and the ways back that all rules are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from keras import ops

from .. import backends
from ..network import is_float
from ..rewiring import Call, with_way_back

NEAR = 1e-4
"""Two values that differ by less than this share of their size have the slope between them."""


@dataclass
class Pairs:
    """The rows of one call of the model: an input, its baseline, the next input, its baseline ...

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
        return ops.reshape(ops.flip(self._paired(tensor), axis=1), tensor.shape)

    def mean(self, tensor: Any) -> Any:
        """The mean of each pair, in both of its rows."""
        return (tensor + self.other(tensor)) / 2

    def halves(self, tensor: Any) -> tuple[Any, Any]:
        """The inputs' rows alone, and the baselines'."""
        paired, shape = self._paired(tensor), (-1, *tensor.shape[1:])
        return ops.reshape(paired[:, 0], shape), ops.reshape(paired[:, 1], shape)

    def both(self, half: Any) -> Any:
        """Each row in both rows of a pair: the way back from `halves`."""
        of_each = half.shape[0] // (self.rows // 2)
        paired = ops.reshape(half, (self.rows // 2, 1, of_each, *half.shape[1:]))
        return ops.reshape(ops.repeat(paired, 2, axis=1), (-1, *half.shape[1:]))

    @contextmanager
    def inside_a_rule(self) -> Iterator[None]:
        """Leave functions as they are."""
        before, self.quiet = self.quiet, True
        try:
            yield
        finally:
            self.quiet = before

    def _paired(self, tensor: Any) -> Any:
        of_each = tensor.shape[0] // self.rows
        return ops.reshape(tensor, (self.rows // 2, 2, of_each, *tensor.shape[1:]))


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


def secant(function: Call, a: Any, b: Any) -> Any:
    """The slope of an elementwise function between two tensors, in float32.

    Where they are as good as equal it is the gradient halfway, which has no rounding error.
    """
    a, b = ops.cast(a, "float32"), ops.cast(b, "float32")
    difference = a - b
    near = ops.abs(difference) <= NEAR * (ops.abs(a) + ops.abs(b))
    halfway = (a + b) / 2
    output, pull = backends.current().vjp(function, halfway)
    steepness = pull(ops.ones_like(output))[0]
    quotient = (function(a) - function(b)) / ops.where(near, ops.ones_like(a), difference)
    return ops.where(near, steepness, quotient)
