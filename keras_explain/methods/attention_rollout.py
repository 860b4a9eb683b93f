"""Attention rollout: how much of each token reaches the last layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ..model_view import AttentionPlace, ModelView, NotApplicableError, Place
from ..store import RecordSpec
from .attention_method import AttentionMethod
from .base import Needs, Plan, Seen, register


@register
@dataclass(frozen=True)
class AttentionRollout(AttentionMethod):
    """Follow attention through the layers, back to the tokens that came in.

    Each layer passes on one half of its heads' mean attention and one half of the token itself
    (the residual connection); the layers' product is `attention_rollout/tokens`, `(probes,
    queries, keys)`, unsigned shares whose rows sum to one. `attention_rollout` is the row of one
    `token`, `(probes, time)`, laid on the input; where the tokens are the patches of a picture,
    with or without a class token before them, `(probes, height, width)` without that token. It
    does not depend on the target. Read off the common pass, for one product of matrices a layer.

    Abnar and Zuidema 2020, https://arxiv.org/abs/2005.00928

    Attributes:
        layers: Names of the self-attention layers that are followed, whose lengths must be equal;
            they are taken in the order in which they are computed. If None, all of the model.
        token: Number of the token whose row is laid on the input: 0 for a class token, -1 for the
            last. If None, the mean over all that are not masked, as fits a model that averages
            its tokens.
        tokens: Most queries and keys that are kept of the product. In a longer sequence as many
            neighbours as needed stand together: the queries' mean, and the sum over their keys.
            None keeps all. The row on the input is always kept whole.
    """

    token: int | None = None

    title = "Attention rollout"
    quantity = "importance"
    unit = "share"

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        places = self.named(model)
        lengths = {length for place in places.values() for length in place.shape[1:]}
        if len(lengths) > 1 or any(place.crosses for place in places.values()):
            shown = (
                f"{layer} ({'cross' if place.crosses else 'self'}-attention, "
                f"{place.shape[1]} queries, {place.shape[2]} keys)"
                for layer, place in places.items()
            )
            fault = NotApplicableError if self.layers is None else ValueError
            raise fault(
                "`layers` of AttentionRollout must be self-attention of equal length. "
                f"Received: {', '.join(shown)}"
            )
        place = next(iter(places.values()))
        length = place.shape[2]
        if self.token is not None and not -length <= self.token < length:
            raise ValueError(
                f"`token` must be None or one of {length}, counted from 0, or from the end as -1. "
                f"Received: {self.token}"
            )
        laid = _laid(model, length)
        row = RecordSpec(
            key=self.name,
            method=self.name,
            title=self.title,
            axes=laid.axes,
            signed=False,
            input=laid.name or None,
            options=self.options(),
            quantity=self.quantity,
            unit=self.unit,
        )
        tokens = self.map_spec(f"{self.name}/tokens", None, place, None)
        needs = Needs(values=frozenset(places.values()))
        specs = {spec.key: spec for spec in (row, tokens)}
        return _Plan(needs, specs, layers=tuple(places.values()), shape=laid.shape)

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:  # noqa: D102
        if not isinstance(plan, _Plan):
            raise TypeError(f"`plan` must be this method's own. Received: {type(plan).__name__}")
        ops = keras.ops
        rolled: Any = None
        for place in plan.layers:
            mixed = ops.mean(seen.values[place], axis=1) + np.eye(place.shape[2], dtype="f4")
            # A masked token has no attention, and stays itself.
            mixed = mixed / ops.sum(mixed, axis=-1, keepdims=True)
            rolled = mixed if rolled is None else ops.matmul(mixed, rolled)
        if self.token is None:
            there = ops.any(seen.values[plan.layers[0]] > 0, axis=(1, 3))
            there = ops.cast(there, "float32")[:, :, None]
            row = ops.sum(there * rolled, axis=1) / ops.maximum(ops.sum(there, axis=1), 1.0)
        else:
            row = rolled[:, self.token]
        before = row.shape[1] - math.prod(plan.shape)  # a class token
        row = ops.reshape(row[:, before:], (-1, *plan.shape))
        return {self.name: row, f"{self.name}/tokens": self.kept(rolled)}


@dataclass(frozen=True)
class _Plan(Plan):
    """With the layers in the order in which they are computed, and the shape of the row."""

    layers: tuple[AttentionPlace, ...] = ()
    shape: tuple[int, ...] = ()


def _laid(model: ModelView, tokens: int) -> Place:
    """Where a number for each token lies: on a picture or a sequence, or on nothing known."""
    found = []
    for place in model.inputs.values():
        patches = patches_of(place, tokens)
        if patches is not None:
            found.append(Place(place.name, ("height", "width"), patches))
        elif place.shape[:1] == (tokens,) and len(place.shape) <= 2:
            found.append(Place(place.name, ("time",), (tokens,)))
    first = [place.name for place in found[:1]]
    # Inputs beside the first, such as masks and segments of the same tokens, tell nothing else.
    alike = {(place.axes, place.shape) for place in found}
    return found[0] if first and len(alike) == 1 else Place("", ("time",), (tokens,))


def patches_of(place: Place, tokens: int) -> tuple[int, int] | None:
    """Rows and columns of a picture's square patches, if so many tokens are those, or one more."""
    sizes = dict(zip(place.axes, place.shape, strict=True))
    if set(sizes) - {"channel"} != {"height", "width"}:
        return None
    height, width = sizes["height"], sizes["width"]
    for count in (tokens, tokens - 1):
        step = math.isqrt(height * width // count) if count > 0 else 0
        even = step > 0 and height % step == 0 and width % step == 0
        if even and height * width == count * step**2:
            return height // step, width // step
    return None
