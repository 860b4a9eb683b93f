"""The rules for linear layers. In the formulas `z` is the output, `w` a weight, `x` an input.

Where weights are split by their sign, so are the inputs: a product counts by its own sign, so that
inputs may have both. Biases count in the denominators, by their sign, and keep their part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras import ops

from .gradients import Way, share
from .linear import Change, Linear
from .rule import LinearRule


def positive(values: Any) -> Any:
    """The values above zero, else zero."""
    return ops.maximum(values, 0.0)


def negative(values: Any) -> Any:
    """The values below zero, else zero."""
    return ops.minimum(values, 0.0)


@dataclass(frozen=True)
class Z(LinearRule):
    """`R_i = x_i sum_j w_ij R_j / z_j`, LRP-0: gradient x input.

    Bach et al. 2015, https://doi.org/10.1371/journal.pone.0130140
    """

    def ways(self, linear: Linear, inputs: Any, outputs: Any) -> Sequence[Way]:  # noqa: D102
        return [(outputs, 1)]


@dataclass(frozen=True)
class Epsilon(LinearRule):
    """`R_i = x_i sum_j w_ij R_j / (z_j + epsilon sign z_j)`. Costs nothing beside the gradient.

    Bach et al. 2015, https://doi.org/10.1371/journal.pone.0130140

    Attributes:
        epsilon: Keeps that part of the relevance that small outputs would blow up.
    """

    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        _check_not_negative("epsilon", self.epsilon)

    def ways(self, linear: Linear, inputs: Any, outputs: Any) -> Sequence[Way]:  # noqa: D102
        return [(outputs, share(outputs, outputs, self.epsilon))]


@dataclass(frozen=True)
class Gamma(LinearRule):
    """Weights count more, by `gamma`, where they speak for the output's own sign.

    For a positive output `R_i = x_i sum_j (w_ij + gamma w_ij+) R_j / sum_i (...)`, for a negative
    one with `w_ij-`. Costs four more forward and backward passes through the layer; two where
    inputs are never negative.

    Montavon et al. 2019, https://doi.org/10.1007/978-3-030-28954-6_10, for outputs and inputs of
    both signs as in Andéol et al. 2021, https://arxiv.org/abs/2106.06467

    Attributes:
        gamma: How much more.
        stabilizer: Keeps denominators from zero.
    """

    gamma: float = 0.25
    stabilizer: float = 1e-6

    def __post_init__(self) -> None:
        _check_not_negative("gamma", self.gamma)
        _check_not_negative("stabilizer", self.stabilizer)

    def ways(self, linear: Linear, inputs: Any, outputs: Any) -> Sequence[Way]:  # noqa: D102
        def up(weights: Any) -> Any:
            return weights + self.gamma * positive(weights)

        def down(weights: Any) -> Any:
            return weights + self.gamma * negative(weights)

        speaks_for = split(linear, inputs, up, down, up)
        against = split(linear, inputs, down, up, down)
        return [
            (speaks_for, share(positive(outputs), speaks_for, self.stabilizer)),
            (against, share(negative(outputs), against, self.stabilizer)),
        ]


@dataclass(frozen=True)
class ZPlus(LinearRule):
    """`R_i = sum_j (x_i w_ij)+ R_j / sum_i (x_i w_ij)+`: only what speaks for the output counts.

    The relevance of an output that nothing speaks for is lost; behind a ReLU it has none. Costs two
    more forward passes through the layer and another backward; none where inputs are never
    negative but one forward.

    Montavon et al. 2017, https://doi.org/10.1016/j.patcog.2016.11.008

    Attributes:
        stabilizer: Keeps denominators from zero.
    """

    stabilizer: float = 1e-6

    def __post_init__(self) -> None:
        _check_not_negative("stabilizer", self.stabilizer)

    def ways(self, linear: Linear, inputs: Any, outputs: Any) -> Sequence[Way]:  # noqa: D102
        speaks_for = split(linear, inputs, positive, negative, positive)
        return [(speaks_for, share(outputs, speaks_for, self.stabilizer))]


@dataclass(frozen=True)
class AlphaBeta(LinearRule):
    """What speaks for the output counts `alpha`, what speaks against it `-beta`.

    `R_i = sum_j (alpha p_ij+ / sum_i p_ij+ - beta p_ij- / sum_i p_ij-) R_j` with `p = x_i w_ij`.
    Costs up to four more forward and backward passes through the layer, half where inputs are never
    negative or with `beta=0`.

    Bach et al. 2015, https://doi.org/10.1371/journal.pone.0130140

    Attributes:
        alpha: At least 1.
        beta: `alpha - 1`, so that relevance is conserved.
        stabilizer: Keeps denominators from zero.
    """

    alpha: float = 2.0
    beta: float = 1.0
    stabilizer: float = 1e-6

    def __post_init__(self) -> None:
        if self.beta < 0 or abs(self.alpha - self.beta - 1) > 1e-9:
            raise ValueError(
                "`beta` must be at least 0, and `alpha - beta` must be 1. "
                f"Received: alpha={self.alpha}, beta={self.beta}"
            )
        _check_not_negative("stabilizer", self.stabilizer)

    def ways(self, linear: Linear, inputs: Any, outputs: Any) -> Sequence[Way]:  # noqa: D102
        speaks_for = split(linear, inputs, positive, negative, positive)
        ways = [(speaks_for, self.alpha * share(outputs, speaks_for, self.stabilizer))]
        if self.beta:
            against = split(linear, inputs, negative, positive, negative)
            ways.append((against, -self.beta * share(outputs, against, self.stabilizer)))
        return ways


def split(linear: Linear, inputs: Any, above: Change, below: Change, bias: Change) -> Any:
    """What a map with changed weights makes of inputs of both signs.

    Args:
        linear: The map.
        inputs: What goes into it.
        above: What is done to the weights of inputs above zero.
        below: The same for inputs below zero.
        bias: What is done to the bias.
    """
    if linear.never_negative:
        return linear.changed(above, bias)(inputs)
    return linear.changed(above, bias)(positive(inputs)) + linear.changed(below)(negative(inputs))


def _check_not_negative(name: str, value: float) -> None:
    if not value >= 0:
        raise ValueError(f"`{name}` must be at least 0. Received: {value}")
