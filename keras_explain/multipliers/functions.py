"""Rules for the backend's functions, one a function."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from keras import ops

from .. import backends
from ..rewiring import Call, with_way_back
from .pairs import Pairs, linearised, secant
from .reveal_cancel import revealed

Rule = Callable[..., Any]
"""From the pairs, the function and its arguments to its numbers with multipliers behind them."""


def elementwise(
    pairs: Pairs, function: Call, x: Any, *args: Any, sharp: bool = False, **kwargs: Any
) -> Any:
    """Rescale: the difference that comes out by the difference that goes in (Shrikumar, eq. 5)."""

    def alone(tensor: Any) -> Any:
        return function(tensor, *args, **kwargs)

    parts = pairs.parts.get(id(x)) or (pairs.pending[-1] if pairs.pending else None)
    if parts is not None and parts.fits(x):
        return revealed(pairs, alone, x, parts, sharp)

    def rule(given: Any) -> tuple[Any, Callable[[Any], Any]]:
        with pairs.inside_a_rule():
            output = alone(given)
            end, start = (ops.cast(half, "float32") for half in pairs.halves(given))
            half = secant(alone, end, start, pairs.differences(output), sharp)
            slope = pairs.both(half)
        return output, lambda arrived: ops.cast(ops.cast(arrived, "float32") * slope, given.dtype)

    return with_way_back(rule)(x)


def product(pairs: Pairs, function: Call, a: Any, b: Any) -> Any:
    """`d(a * b) = da * mean(b) + mean(a) * db`, exactly; also for matrices."""

    def tangent(a: Any, b: Any) -> Call:
        mean_a, mean_b = pairs.mean(a), pairs.mean(b)
        return lambda a, b: function(a, mean_b) + function(mean_a, b)

    return linearised(pairs, function, tangent, a, b)


def multiply(pairs: Pairs, function: Call, x1: Any, x2: Any) -> Any:
    """A product, where both factors follow from the rows."""
    if not _aligned(pairs, x1, x2):
        return function(x1, x2)
    return product(pairs, function, x1, x2)


def divide(pairs: Pairs, function: Call, x1: Any, x2: Any) -> Any:
    """A product with the reciprocal, whose difference is `-db / (b * b0)`."""
    if not pairs.carries(x2):
        return function(x1, x2)
    x1 = ops.convert_to_tensor(x1, dtype=x2.dtype) if not ops.is_tensor(x1) else x1
    if not _aligned(pairs, x1, x2):  # a constant above
        return elementwise(pairs, lambda below: function(x1, below), x2)

    def tangent(a: Any, b: Any) -> Call:
        mean_a, mean_inverse = pairs.mean(a), pairs.mean(1 / b)
        slope = -1 / (b * pairs.other(b))
        return lambda a, b: a * mean_inverse + mean_a * (slope * b)

    return linearised(pairs, function, tangent, x1, x2)


def matmul(pairs: Pairs, function: Call, x1: Any, x2: Any) -> Any:
    """A product of matrices that both follow from the rows."""
    if not _aligned(pairs, x1, x2) or len(x2.shape) < 3:
        return function(x1, x2)
    return product(pairs, function, x1, x2)


def einsum(pairs: Pairs, function: Call, subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """A product of all operands whose first axis is the first of the result."""
    terms, _, result = subscripts.replace(" ", "").partition("->")
    first = (result or terms)[:1]
    following = [
        number
        for number, (term, operand) in enumerate(zip(terms.split(","), operands, strict=True))
        if pairs.carries(operand) and term[:1] == first
    ]
    if len(following) < 2:
        return function(subscripts, *operands, **kwargs)

    def alone(*varying: Any) -> Any:
        given = list(operands)
        for number, operand in zip(following, varying, strict=True):
            given[number] = operand
        return function(subscripts, *given, **kwargs)

    varying = [operands[number] for number in following]
    rule = product if len(varying) == 2 else partial(path, points=8)  # exact: it is a polynomial
    return rule(pairs, alone, *varying)


def softmax(pairs: Pairs, function: Call, x: Any, axis: Any = -1) -> Any:
    """`dp = m * (dx - sum(m dx) / sum(m))`, exactly, where m is the logarithmic mean of a pair.

    Rescale at the exponential, and the rest by conservation: all of `p` sums to one.
    """

    def tangent(x: Any) -> Call:
        mean = _logarithmic_mean(pairs, x, axis)
        return lambda x: mean * (x - _weighted(x, mean, axis))

    return linearised(pairs, partial(function, axis=axis), tangent, x)


def log_softmax(pairs: Pairs, function: Call, x: Any, axis: Any = -1) -> Any:
    """`d log p = dx - sum(m dx) / sum(m)`, with m as for softmax."""

    def tangent(x: Any) -> Call:
        mean = _logarithmic_mean(pairs, x, axis)
        return lambda x: x - _weighted(x, mean, axis)

    return linearised(pairs, partial(function, axis=axis), tangent, x)


def logsumexp(
    pairs: Pairs, function: Call, x: Any, axis: Any = None, keepdims: bool = False
) -> Any:
    """`sum(m dx) / sum(m)`, with m as for softmax."""

    def tangent(x: Any) -> Call:
        mean = _logarithmic_mean(pairs, x, axis)
        return lambda x: _weighted(x, mean, axis, keepdims)

    return linearised(pairs, partial(function, axis=axis, keepdims=keepdims), tangent, x)


def glu(pairs: Pairs, function: Call, x: Any, axis: int = -1) -> Any:
    """A product of one half with the sigmoid of the other."""
    a, b = ops.split(x, 2, axis=axis)
    gate = elementwise(pairs, lambda tensor: 1 / (1 + ops.exp(-tensor)), b)
    return product(pairs, lambda a, b: a * b, a, gate)


def selection(pairs: Pairs, function: Call, *args: Any, largest: bool, **kwargs: Any) -> Any:
    """What a maximum gains over the baseline's comes from where it was found, what it loses from
    where the baseline's was.

    Both times the input differs there by at least as much, so that nothing is lost.
    """
    place = [number for number, tensor in enumerate(args) if pairs.carries(tensor)]

    def alone(*varying: Any) -> Any:
        given = list(args)
        for number, tensor in zip(place, varying, strict=True):
            given[number] = tensor
        return function(*given, **kwargs)

    def rule(*varying: Any) -> tuple[Any, Callable[[Any], Any]]:
        with pairs.inside_a_rule():
            output, pull = backends.current().vjp(alone, *varying)
            other = pairs.other(output)
            further = (ops.maximum if largest else ops.minimum)(output, other) - other

        def back(arrived: Any) -> list[Any]:
            found = []
            for x, gain in zip(varying, pull(further * arrived), strict=True):
                # What does not differ has gained nothing.
                rate = ops.divide_no_nan(pairs.differences(gain), pairs.differences(x))
                found.append(ops.cast(pairs.both(rate), x.dtype))
            return found

        return output, back

    return with_way_back(rule)(*[args[number] for number in place])


def power(pairs: Pairs, function: Call, x1: Any, x2: Any) -> Any:
    """Elementwise where one side is a constant."""
    if not pairs.carries(x2):
        return elementwise(pairs, lambda x: function(x, x2), x1)
    if not pairs.carries(x1):
        return elementwise(pairs, lambda x: function(x1, x), x2)
    return path(pairs, function, x1, x2)


def variance(pairs: Pairs, function: Call, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`d mean(c * c) = mean(2 * mean(c) * dc)`, where c is centred."""

    def tangent(x: Any) -> Call:
        centre = pairs.mean(x - ops.mean(x, axis=axis, keepdims=True))
        return lambda x: ops.mean(2 * centre * x, axis=axis, keepdims=keepdims)

    return linearised(pairs, partial(function, axis=axis, keepdims=keepdims), tangent, x)


def dot_product_attention(
    pairs: Pairs,
    function: Call,
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: Any = None,
    attn_logits_soft_cap: Any = None,
) -> Any:
    """Product, softmax, product."""
    groups = query.shape[2] // key.shape[2]
    key, value = (ops.repeat(tensor, groups, axis=2) for tensor in (key, value))
    scale = 1 / math.sqrt(key.shape[-1]) if scale is None else scale
    with pairs.inside_a_rule():
        dots = product(pairs, partial(ops.einsum, "btnh,bsnh->bnts"), query, key)
        logits = ops.cast(dots, "float32") * scale
        logits = logits if bias is None else logits + ops.cast(bias, "float32")
        allowed = np.ones(logits.shape[-2:], bool)
        visible = ops.convert_to_tensor(np.tril(allowed) if is_causal else allowed)
        visible = visible if mask is None else ops.logical_and(visible, mask)
        logits = ops.where(visible, logits, ops.full_like(logits, -1e30))
        weights = ops.cast(softmax(pairs, ops.softmax, logits), value.dtype)
        return product(pairs, partial(ops.einsum, "bnts,bsnh->btnh"), weights, value)


def path(pairs: Pairs, function: Call, *tensors: Any, points: int = 32) -> Any:
    """The gradient's mean on the straight way from the baseline: for any smooth function."""

    def rule(*given: Any) -> tuple[Any, Callable[[Any], Any]]:
        with pairs.inside_a_rule():
            output = function(*given)
            places, weights = np.polynomial.legendre.leggauss(points)
            ends = [tuple(map(pairs.both, pairs.halves(tensor))) for tensor in given]
            pulls = []
            for place in (1 + places) / 2:
                on_the_way = [start + float(place) * (end - start) for end, start in ends]
                pulls.append(backends.current().vjp(function, *on_the_way)[1])

        def back(arrived: Any) -> list[Any]:
            found = [ops.zeros_like(tensor) for tensor in given]
            for pull, weight in zip(pulls, weights / 2, strict=True):
                gradients = zip(found, pull(arrived), strict=True)
                found = [total + float(weight) * one for total, one in gradients]
            return found

        return output, back

    return with_way_back(rule)(*tensors)


def _aligned(pairs: Pairs, *tensors: Any) -> bool:
    """Whether all follow from the rows, which then are the first axis of each."""
    return all(map(pairs.carries, tensors)) and len({len(t.shape) for t in tensors}) == 1


def _logarithmic_mean(pairs: Pairs, x: Any, axis: Any) -> Any:
    """`(p - p0) / (log p - log p0)` for the softmax of a pair, which lies between p and p0."""
    x = ops.cast(x, "float32")
    log_p = x - ops.logsumexp(x, axis=axis, keepdims=True)
    log_q = pairs.other(log_p)
    ratio = log_p - log_q
    near = ops.abs(ratio) < 0.1
    # The series of sinh(r / 2) / (r / 2), to nine digits.
    squared = ops.where(near, ratio, ops.zeros_like(ratio)) ** 2
    close = ops.exp((log_p + log_q) / 2) * (1 + squared / 24 + squared**2 / 1920)
    apart = (ops.exp(log_p) - ops.exp(log_q)) / ops.where(near, ops.ones_like(ratio), ratio)
    return ops.where(near, close, apart)


def _weighted(x: Any, weights: Any, axis: Any, keepdims: bool = True) -> Any:
    total = ops.sum(weights, axis=axis, keepdims=keepdims)
    return ops.sum(weights * x, axis=axis, keepdims=keepdims) / total


RULES: dict[str, Rule] = {
    "absolute": partial(elementwise, sharp=True),
    "adaptive_max_pool": partial(selection, largest=True),
    "clip": partial(elementwise, sharp=True),
    "divide": divide,
    "dot_product_attention": dot_product_attention,
    "einsum": einsum,
    "glu": glu,
    "leaky_relu": partial(elementwise, sharp=True),
    "log_softmax": log_softmax,
    "logsumexp": logsumexp,
    "matmul": matmul,
    "max": partial(selection, largest=True),
    "max_pool": partial(selection, largest=True),
    "maximum": partial(selection, largest=True),
    "min": partial(selection, largest=False),
    "minimum": partial(selection, largest=False),
    "multiply": multiply,
    "power": power,
    "prod": path,
    "relu": partial(elementwise, sharp=True),
    "relu6": partial(elementwise, sharp=True),
    "softmax": softmax,
    "var": variance,
}
"""By the function's name; all others that are listened to are elementwise."""
