"""The rules for the layer that the inputs go into: relevance also where an input is zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops
from numpy.typing import ArrayLike

from .gradients import Way, share
from .linear import Linear
from .linear_rules import negative, positive
from .rule import Entry, FirstRule


@dataclass(frozen=True)
class ZBox(FirstRule):
    """For inputs in a box: `R_i = sum_j (x_i w_ij - low_i w_ij+ - high_i w_ij-) R_j / sum_i (...)`.

    Conserves relevance whatever the bias. Costs three more forward and backward passes through the
    layer.

    Montavon et al. 2017, https://doi.org/10.1016/j.patcog.2016.11.008

    Attributes:
        low: Lowest value that an input can have, in the units of the model's inputs: a number, or
            an array that broadcasts to `(probes, *input_shape)`.
        high: Highest value, likewise.
        stabilizer: Keeps denominators from zero.
    """

    low: ArrayLike
    high: ArrayLike
    stabilizer: float = 1e-6

    def way(self, linear: Linear, inputs: Any, outputs: Any, entry: Entry) -> Way:  # noqa: D102
        ends = [ops.cast(entry.path(end), "float32") for end in (self.low, self.high)]
        # A rescaling by a negative factor swaps them.
        low, high = ops.minimum(*ends), ops.maximum(*ends)
        up, down = linear.changed(positive, positive), linear.changed(negative, negative)
        whole = outputs - up(low) - down(high)
        inputs, side = ops.stop_gradient(inputs), entry.side
        parts = linear(inputs * side) - up(low * side) - down(high * side)
        return parts, share(outputs, whole, self.stabilizer)


@dataclass(frozen=True)
class Flat(FirstRule):
    """Each output's relevance is spread evenly over the inputs that it looks at.

    Costs two more forward passes through the layer and one backward.

    Lapuschkin et al. 2019, https://doi.org/10.1038/s41467-019-08987-4

    Attributes:
        stabilizer: Keeps denominators from zero.
    """

    stabilizer: float = 1e-6

    def way(self, linear: Linear, inputs: Any, outputs: Any, entry: Entry) -> Way:  # noqa: D102
        return _spread(linear.changed(ops.ones_like), outputs, entry, self.stabilizer)


@dataclass(frozen=True)
class WSquare(FirstRule):
    """Each output's relevance is spread over the inputs by the squares of their weights.

    Costs two more forward passes through the layer and one backward.

    Montavon et al. 2017, https://doi.org/10.1016/j.patcog.2016.11.008

    Attributes:
        stabilizer: Keeps denominators from zero.
    """

    stabilizer: float = 1e-6

    def way(self, linear: Linear, inputs: Any, outputs: Any, entry: Entry) -> Way:  # noqa: D102
        return _spread(linear.changed(ops.square), outputs, entry, self.stabilizer)


def _spread(weights: Linear, outputs: Any, entry: Entry, stabilizer: float) -> Way:
    whole = weights(entry.taken)
    return weights(entry.side), share(outputs, whole, stabilizer)
