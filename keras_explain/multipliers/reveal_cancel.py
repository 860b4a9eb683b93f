"""Reveal-cancel: what speaks for a unit and what speaks against it, each on its own.

Where a linear layer runs into a nonlinearity, the difference that goes in is split into the sum of
its positive contributions and the sum of its negative ones. Rescale sees only what is left when
they cancel; here each of the two gets what it makes of the output on average over both orders in
which they can be added (Shrikumar et al. 2017, eq. 10-12).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from ..rewiring import Call, with_way_back
from ..rules import linear_parts
from .pairs import Pairs, secant


@dataclass(frozen=True)
class Parts:
    """The difference from the baseline in a tensor, in two parts; one row a pair.

    Attributes:
        positive: The sum of the contributions above zero.
        negative: The sum of those below.
        of: The tensor, where it is known; kept so that its id stays its own.
    """

    positive: Any
    negative: Any
    of: Any = None

    def fits(self, tensor: Any) -> bool:
        """Whether these can be the parts of `tensor`."""
        return tuple(self.positive.shape[1:]) == tuple(tensor.shape[1:])


def revealing(pairs: Pairs, layer: keras.Layer, call: Call) -> Call:
    """A linear layer that tells the nonlinearity behind it which parts its output consists of."""

    def with_parts(x: Any, *args: Any, **kwargs: Any) -> Any:
        maps = linear_parts(layer)
        if pairs.quiet or len(maps) != 1 or not pairs.carries(x):
            return call(x, *args, **kwargs)
        with pairs.inside_a_rule():
            positive, negative = _split(pairs, maps[0], ops.cast(x, "float32"))
        pairs.pending.append(Parts(positive, negative))
        try:
            output = call(x, *args, **kwargs)
        finally:
            parts = pairs.pending.pop()
        if _is_linear(getattr(layer, "activation", None)):
            pairs.parts[id(output)] = Parts(parts.positive, parts.negative, output)
        return output

    return with_parts


def passing(pairs: Pairs, layer: keras.Layer, call: Call) -> Call:
    """A layer that scales each value by a weight, such as batch normalisation, passes the parts."""

    def with_parts(x: Any, *args: Any, **kwargs: Any) -> Any:
        output = call(x, *args, **kwargs)
        parts = pairs.parts.get(id(x))
        if parts is not None:
            with pairs.inside_a_rule():
                one, zero = (make(x) for make in (ops.ones_like, ops.zeros_like))
                scale = call(one, *args, **kwargs) - call(zero, *args, **kwargs)
                scale = ops.cast(scale[: parts.positive.shape[0]], "float32")
                up, down = ops.relu(scale), -ops.relu(-scale)
            pairs.parts[id(output)] = Parts(
                up * parts.positive + down * parts.negative,
                up * parts.negative + down * parts.positive,
                output,
            )
        return output

    return with_parts


def revealed(pairs: Pairs, function: Call, x: Any, parts: Parts, sharp: bool = False) -> Any:
    """An elementwise function with a multiplier for each of the two parts that went in."""

    def rule(given: Any, positive: Any, negative: Any) -> tuple[Any, Callable[[Any], Any]]:
        with pairs.inside_a_rule():
            output = function(given)
            _, start = pairs.halves(ops.cast(given, "float32"))
            up, down, end = start + positive, start + negative, start + positive + negative
            at_start, at_up, at_down, at_end = map(function, (start, up, down, end))

            def slope(a: Any, b: Any, change: Any) -> Any:
                return secant(function, a, b, change, sharp)

            # Each part added first, and added last.
            first, last = slope(up, start, at_up - at_start), slope(end, down, at_end - at_down)
            of_positive = (first + last) / 2
            first, last = slope(down, start, at_down - at_start), slope(end, up, at_end - at_up)
            of_negative = (first + last) / 2

        def back(arrived: Any) -> list[Any]:
            multiplier, _ = pairs.halves(ops.cast(arrived, "float32"))
            # All that came in is in the two parts.
            return [ops.zeros_like(given), multiplier * of_positive, multiplier * of_negative]

        return output, back

    return with_way_back(rule)(x, parts.positive, parts.negative)


def _split(pairs: Pairs, linear: Any, x: Any) -> tuple[Any, Any]:
    """The sums of a linear map's positive and negative contributions to each output."""
    difference = _difference(pairs, x)
    # What does not differ contributes nothing, and belongs half to either.
    above = ops.cast(difference > 0, "float32") + ops.cast(difference == 0, "float32") / 2
    both = ops.concatenate([difference * above, difference * (1 - above)], axis=0)
    raised = linear.changed(lambda kernel: ops.maximum(kernel, 0))(both)
    lowered = linear.changed(lambda kernel: ops.minimum(kernel, 0))(both)
    up, up_lowered = ops.split(raised, 2, axis=0)
    down, down_raised = ops.split(lowered, 2, axis=0)
    return up + down_raised, up_lowered + down


def _difference(pairs: Pairs, x: Any) -> Any:
    """Input less baseline, one row a pair; what comes back is a multiplier and goes to both."""

    def rule(given: Any) -> tuple[Any, Callable[[Any], Any]]:
        ends, starts = pairs.halves(given)
        return ends - starts, pairs.both

    return with_way_back(rule)(x)


def _is_linear(activation: Any) -> bool:
    return activation is None or activation is keras.activations.linear
