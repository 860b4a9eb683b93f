"""A value of one kind and a gradient of another: how a rule is written.

Relevance is carried as relevance per unit, `R / x`, which is a gradient: `R = x * dscore/dx` with
the gradients of some layers exchanged. What is linear, or scales with its inputs (sums,
concatenation, pooling, ReLU), needs no exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from ..rewiring import with_way_back

Way = tuple[Any, Any]
"""A tensor, and what a gradient is multiplied with before it goes on to that tensor."""


def exchanged(value: Any, ways: Sequence[Way]) -> Any:
    """The numbers of `value`, with the gradient that the `ways` give it instead of its own.

    Args:
        value: Any tensor.
        ways: Tensors of its shape that the gradient goes on to, each times a factor.
    """

    @with_way_back
    def exchange(value: Any, *tensors: Any) -> Any:
        def back(arrived: Any) -> tuple[Any, ...]:
            parts = [
                ops.cast(arrived, tensor.dtype) * ops.cast(factor, tensor.dtype)
                for tensor, (_, factor) in zip(tensors, ways, strict=True)
            ]
            return ops.zeros_like(value), *parts

        return value, back

    return exchange(ops.stop_gradient(value), *(tensor for tensor, _ in ways))


def with_gradient(value: Any, of: Any) -> Any:
    """The numbers of `value`, with the gradient of `of`, which is of the same shape."""
    return exchanged(value, [(of, 1)])


def passed(output: Any, inputs: Any) -> Any:
    """The elementwise `output`, whose relevance passes to `inputs` as it is."""
    per_unit = ops.divide_no_nan(*(ops.stop_gradient(tensor) for tensor in (output, inputs)))
    return exchanged(output, [(inputs, per_unit)])


def shared(tensor: Any, part: float) -> Any:
    """The tensor, whose gradient is the given part of what it was: for the factors of a product."""
    return exchanged(tensor, [(tensor, part)])


def share(part: Any, whole: Any, epsilon: float) -> Any:
    """`part / whole` as a constant, with `whole` moved away from zero; zero of zero is zero."""
    part, whole = ops.stop_gradient(part), ops.stop_gradient(whole)
    if not epsilon:
        return ops.divide_no_nan(part, whole)
    return part / stabilized(whole, epsilon)


def stabilized(values: Any, epsilon: float) -> Any:
    """The values moved away from zero by `epsilon`, zero itself upwards."""
    return values + ops.where(values < 0, -float(epsilon), float(epsilon))
