"""A value of one kind and a gradient of another: how a rule is written.

Relevance is carried as relevance per unit, `R / x`, which is a gradient: `R = x * dscore/dx` with
the gradients of some layers exchanged. What is linear, or scales with its inputs (sums,
concatenation, pooling, ReLU), needs no exchange. A rule is a second expression for a layer's output
whose ordinary gradient is the rule's.
"""

from __future__ import annotations

from typing import Any

from keras import ops

TINY = 1e-9


def with_gradient(value: Any, of: Any) -> Any:
    """The numbers of `value`, with the gradient of `of`, which is of the same shape."""
    value = ops.stop_gradient(value)
    return value + ops.cast(of - ops.stop_gradient(of), value.dtype)


def stabilized(values: Any, epsilon: float) -> Any:
    """The values moved away from zero by `epsilon`, zero itself upwards."""
    return values + ops.where(values < 0, -float(epsilon), float(epsilon))


def share(part: Any, whole: Any, epsilon: float) -> Any:
    """`part / whole` as a constant, `whole` being moved away from zero; zero of zero is zero."""
    whole = stabilized(whole, epsilon)
    return ops.stop_gradient(_divided(part, whole, whole == 0))


def per_unit(output: Any, inputs: Any) -> Any:
    """`output / inputs` as a constant; zero where there is next to no input."""
    inputs, output = (ops.cast(ops.stop_gradient(t), "float32") for t in (inputs, output))
    return _divided(output, inputs, ops.abs(inputs) < TINY)


def _divided(part: Any, whole: Any, is_empty: Any) -> Any:
    return ops.where(is_empty, 0.0, part / ops.where(is_empty, 1.0, whole))


def passed(output: Any, inputs: Any) -> Any:
    """The elementwise `output`, whose relevance passes to `inputs` as it is."""
    return with_gradient(output, ops.cast(inputs, "float32") * per_unit(output, inputs))


def shared(tensor: Any, part: float) -> Any:
    """The tensor, whose gradient is the given part of what it was: for the factors of a product."""
    return with_gradient(tensor, tensor * part)
