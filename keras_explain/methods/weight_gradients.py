"""Weight gradients: where the network would change, and how strongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, NotApplicableError
from ..store import RecordSpec
from .base import Method, Needs, Plan, Record, Seen, register

# Bin k holds the magnitudes in [2^k, 2^(k+1)); fixed, so that any two steps can be subtracted.
SMALLEST, LARGEST = -40, 16
EDGES = tuple(
    [-(2.0**k) for k in range(LARGEST, SMALLEST - 1, -1)]
    + [2.0**k for k in range(SMALLEST, LARGEST + 1)]
)
STATISTICS = (
    "norm", "mean", "std", "min", "max", "zero_share", "weight_norm", "size", "update_norm",
)  # fmt: skip
"""The last one only where updates are watched."""


@register
@dataclass(frozen=True)
class WeightGradients(Method):
    """Gradient of the loss on the probes at every trainable weight.

    Three things are kept, in loss units per unit of the weight: a histogram of every weight's
    gradient in 113 fixed bins (signed powers of two from 2^-40 to 2^16 with what is closer to zero
    in the middle; magnitudes beyond the last edge count in the last bin), statistics (norm, mean,
    standard deviation, smallest, largest, share of exact zeros, the weight's own norm and size, and
    the norm of its change since the step that was explained before: NaN at the first of a `fit`),
    and the gradient itself of every kernel that is small enough.

    The loss is the compiled one, over all probes at once, with the model in inference mode (batch
    normalisation by its moving statistics, no dropout): fixed, so that steps compare. A weight that
    it does not depend on, such as that of a head that is not trained, has no gradient and is
    skipped. Costs a backward sweep to the weights.

    Attributes:
        keep_below: The gradient itself is kept of kernels (weights with two axes or more, so not
            of biases) with at most so many values.
        updates: Whether the norm of each weight's change is among the statistics. It takes memory
            for a second copy of the trainable weights, made and compared off the training thread.
    """

    keep_below: int = 4096
    updates: bool = True

    title = "Weight gradients"
    quantity = "sensitivity"
    unit = "loss per weight unit"

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        if not model.has_loss:
            raise NotApplicableError(
                "weight gradients need a loss: labels with the probes, and a model that is "
                "compiled with a loss or has a `compute_loss` of its own"
            )
        if not model.weights:
            raise NotApplicableError("weight gradients need a trainable weight; all are frozen")
        shapes = dict(zip(model.weights, model.weight_shapes, strict=True))
        shapes = {path: shape for path, shape in shapes.items() if path not in model.idle_weights}
        if not shapes:
            raise NotApplicableError(
                "weight gradients need a trainable weight that the loss depends on. "
                f"Received: {', '.join(model.weights)}"
            )
        specs = [
            self._spec(
                "histogram",
                ("bin",),
                tuple(shapes),
                signed=False,
                labels={"bin": EDGES},
                quantity="histogram",
                unit="none",
            ),
            self._spec(
                "statistics",
                ("statistic",),
                tuple(shapes),
                labels={"statistic": self._statistics},
                quantity="figure",
                unit="several",
            ),
        ]
        for path, shape in shapes.items():
            if len(shape) > 1 and 0 < np.prod(shape) <= self.keep_below:
                specs.append(self._spec(path, _kernel_axes(len(shape)), (path,)))
        return Plan(Needs(weight_gradients=True), {spec.key: spec for spec in specs})

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:  # noqa: D102
        weights = {f"weight/{path}": weight for path, weight in seen.weights.items()}
        return {**seen.weight_gradients, **weights}

    def records(self, plan: Plan, arrays: Mapping[str, NDArray[Any]]) -> Sequence[Record]:
        """Counts, figures and small gradients; NumPy counts faster than the graph would."""
        histogram, statistics, *kept = plan.specs.values()
        paths = histogram.rows or ()
        gradients = [arrays[path] for path in paths]
        weights = {path: arrays[f"weight/{path}"] for path in paths}
        figures = [
            statistics_of(gradient, weights[path], plan.memory.get(path))[: len(self._statistics)]
            for path, gradient in zip(paths, gradients, strict=True)
        ]
        if self.updates:
            # Copies: what the backend hands out may be the memory of the weights themselves.
            plan.memory.update((path, np.array(own, np.float32)) for path, own in weights.items())
        return [
            (histogram, np.stack([histogram_of(gradient) for gradient in gradients])),
            (statistics, np.stack(figures)),
            *((spec, arrays[spec.rows[0]][None]) for spec in kept if spec.rows),
        ]

    @property
    def follows(self) -> str:
        """The weights of the step before are those that an update is measured from."""
        return "last" if self.updates else ""

    @property
    def _statistics(self) -> tuple[str, ...]:
        return STATISTICS if self.updates else STATISTICS[:-1]

    def _spec(
        self,
        part: str,
        axes: tuple[str, ...],
        rows: tuple[str, ...],
        **facts: Any,
    ) -> RecordSpec:
        own = {"signed": True, "quantity": self.quantity, "unit": self.unit}
        return RecordSpec(
            key=f"{self.name}/{part}",
            method=self.name,
            title=self.title,
            axes=axes,
            rows=rows,
            options=self.options(),
            precision="float32",  # counts, and figures of sizes far apart in one row
            **{**own, **facts},
        )


def histogram_of(values: NDArray[Any]) -> NDArray[np.float32]:
    """Counts in the bins between `EDGES`, `(113,)`, of the finite values.

    The bin is read off the exponent bits of each float32, several times faster than a search.
    """
    bits = np.ascontiguousarray(values, np.float32).reshape(-1).view(np.uint32)
    # The nine top bits are sign and exponent: 512 counts, folded into the bins below.
    raw = np.bincount(bits >> 23, minlength=512).reshape(2, 256)
    finite = raw[:, :255]
    first = SMALLEST + 127
    last = LARGEST - 1 + 127
    counts = finite[:, first : last + 1].copy()
    counts[:, -1] += finite[:, last + 1 :].sum(axis=1)
    centre = finite[:, :first].sum()
    return np.concatenate([counts[1, ::-1], [centre], counts[0]]).astype(np.float32)


def statistics_of(
    gradient: NDArray[Any], weight: NDArray[Any], before: NDArray[Any] | None = None
) -> NDArray[np.float32]:
    """The figures named in `STATISTICS`, `(9,)`, of one weight's gradient.

    Args:
        gradient: The gradient.
        weight: The weight.
        before: The weight at the step explained before, where there was one.
    """
    flat = np.asarray(gradient, np.float32).reshape(-1)
    own = np.asarray(weight, np.float32).reshape(-1)
    norm, mean = np.sqrt(_square_sum(flat)), flat.mean(dtype=np.float64)
    with np.errstate(invalid="ignore"):  # a gradient that is not finite has no deviation
        variance = np.maximum(norm * norm / flat.size - mean * mean, 0)
    zeros = 1 - np.count_nonzero(flat) / flat.size
    figures = (norm, mean, np.sqrt(variance), flat.min(), flat.max(), zeros)
    update = np.nan
    if before is not None:
        with np.errstate(invalid="ignore", over="ignore"):  # weights that are not finite
            update = np.sqrt(_square_sum(own - before.reshape(-1)))
    return np.array([*figures, np.sqrt(_square_sum(own)), flat.size, update], np.float32)


def _square_sum(flat: NDArray[np.float32]) -> np.float64:
    # Not `np.dot`: BLAS would spread it over threads that the training is using.
    with np.errstate(over="ignore"):
        squares = np.sum(flat * flat, dtype=np.float64)
    # Squares of tiny gradients vanish in float32, those of huge ones overflow.
    if 1e-25 < squares < 1e35:
        return squares
    wide = flat.astype(np.float64)
    return np.sum(wide * wide)


def _kernel_axes(rank: int) -> tuple[str, ...]:
    if rank == 2:
        return ("in", "out")
    sides = ("kernel_depth", "kernel_height", "kernel_width")[-(rank - 2) :]
    return (
        (*sides, "in", "out") if len(sides) == rank - 2 else tuple(f"axis{i}" for i in range(rank))
    )
