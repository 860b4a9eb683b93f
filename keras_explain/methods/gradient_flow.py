"""Gradient flow: how much of the gradient arrives at each layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from ..model_view import ModelView, NotApplicableError, Place
from ..store import RecordSpec
from .base import Method, Needs, Plan, Seen, register

SAMPLED = 1024
SMALLEST_SQUARES = 1e-30


@register
@dataclass(frozen=True)
class GradientFlow(Method):
    """Norm of the gradient of the score at the output of every layer, from the first to the last.

    `(probes, layers)`, in score units per unit of the layer's output: the Euclidean norm over all
    values of the output. Unsigned. Where it falls towards the first layers gradients vanish, where
    it rises they explode. `gradient_flow/zeros` is the share of values whose gradient is exactly
    zero, such as those behind a ReLU that is off: 1 where nothing arrives at all. Layers that hold
    no other layers are taken, in the order in which they are computed, but for those that make the
    model's output, whose gradient is known. Read off the common pass: one backward sweep.

    The norms that He et al. 2015, https://arxiv.org/abs/1502.01852 and Glorot and Bengio 2010,
    https://proceedings.mlr.press/v9/glorot10a.html look at.
    """

    title = "Gradient flow"
    quantity = "sensitivity"
    unit = "score per layer unit"
    formula = r"\left\lVert \partial S_c / \partial A_l \right\rVert_2 \text{ at each layer } l"

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        places = _places(model)
        if not places:
            raise NotApplicableError(
                "gradient flow needs a layer before the one that makes the model's output. "
                f"Known: {', '.join(model.layers)}"
            )
        named = {
            self.name: (self.title, self.quantity, self.unit),
            f"{self.name}/zeros": (f"{self.title}: share of zeros", "figure", "share"),
        }
        specs = {
            key: RecordSpec(
                key=key,
                method=self.name,
                title=title,
                axes=("layer",),
                labels={"layer": tuple(place.name for place in places)},
                signed=False,
                options=self.options(),
                precision="float32",
                quantity=quantity,
                unit=unit,
            )
            for key, (title, quantity, unit) in named.items()
        }
        return Plan(Needs(gradients=frozenset(places)), specs)

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:  # noqa: D102
        ops = keras.ops
        names = plan.specs[self.name].labels["layer"]
        by_name = {place.name: seen.gradients[place] for place in plan.needs.gradients}
        flat = [
            ops.reshape(by_name[name], (-1, math.prod(by_name[name].shape[1:]))) for name in names
        ]
        return {
            self.name: ops.stack([_norm(gradient) for gradient in flat], axis=1),
            f"{self.name}/zeros": ops.stack(
                [ops.mean(ops.cast(gradient == 0, "float32"), axis=1) for gradient in flat], axis=1
            ),
        }


def _norm(gradient: Any) -> Any:
    """The norm of each row."""
    ops = keras.ops
    squares = ops.sum(ops.square(gradient), axis=1)
    is_plain = (squares > SMALLEST_SQUARES) & (squares < 1 / SMALLEST_SQUARES)
    norm = ops.sqrt(squares)
    return ops.cond(
        ops.all(is_plain),
        lambda: norm,
        # Row by row: a probe's norm must not depend on the others.
        lambda: ops.where(is_plain, norm, _norm_in_units(gradient)),
    )


def _norm_in_units(gradient: Any) -> Any:
    """The norm of each row, also where the square of a vanishing gradient is not a float32.

    All is measured in units of the largest of some values; to look for the largest of all would
    cost as much as the norm.
    """
    ops = keras.ops
    some = gradient[:, :: max(1, gradient.shape[1] // SAMPLED)]
    largest = ops.max(ops.abs(some), axis=1, keepdims=True)
    unit = ops.where(largest > 0, largest, 1.0)
    return unit[:, 0] * ops.sqrt(ops.sum(ops.square(gradient / unit), axis=1))


def _places(model: ModelView) -> list[Place]:
    """Every layer's output whose gradient is not known beforehand, in order."""
    return [
        place
        for place in model.layers.values()
        if place.is_leaf
        and place.differentiable
        and place.name not in model.head
        and model.reaches(place)
    ]
