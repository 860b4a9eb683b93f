"""What all methods share that read attention: which layers, which heads, and how much is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from ..model_view import AttentionPlace, ModelView, NotApplicableError, Place, place_named
from ..store import RecordSpec
from .base import Method

ALL = "all"
MOST_LAYERS = 6


@dataclass(frozen=True)
class AttentionMethod(Method):
    """A method that reads where the heads of attention layers look.

    Attributes:
        layers: Names of the attention layers.
        tokens: Most queries and keys that are kept of a map. In a longer sequence as many
            neighbours as needed stand together: the queries' mean, and the sum over their keys, so
            that the rows still sum to what they did. None keeps all.
    """

    layers: Sequence[str] | str | None = None
    tokens: int | None = field(default=96, kw_only=True)

    def __post_init__(self) -> None:
        if self.tokens is not None and self.tokens < 1:
            raise ValueError(
                f"`tokens` must be at least 1, or None for all. Received: {self.tokens}"
            )

    def named(self, model: ModelView) -> dict[str, AttentionPlace]:
        """The attention of the layers that are named, or of all, by layer."""
        known = model.attention
        if not known:
            raise NotApplicableError(
                f"the model has no attention that can be listened to{_unheard(model)}. Heard are "
                "`keras.ops.dot_product_attention` in any layer, and a softmax over the keys, "
                "`(rows, heads, queries, keys)`, in layers whose class is called ...Attention"
            )
        if self.layers is None or self.layers == ALL:
            return dict(known)
        names = [self.layers] if isinstance(self.layers, str) else self.layers
        try:
            by_place = [model.name_of(name).removesuffix("/attention") for name in names]
            chosen = {place_named(known, name, "attention layer") for name in by_place}
        except ValueError as error:
            raise ValueError(f"{error}{_unheard(model)}") from None
        return {name: place for name, place in known.items() if place in chosen}

    def chosen(self, places: Mapping[str, AttentionPlace]) -> dict[str, AttentionPlace]:
        """Those that are named; if none is, a choice of them that stays small."""
        if self.layers is not None:
            return dict(places)
        names = list(places)
        return {names[i]: places[names[i]] for i in evenly(len(names), MOST_LAYERS)}

    def map_spec(
        self, key: str, layer: str | None, place: AttentionPlace, heads: Sequence[int] | None
    ) -> RecordSpec:
        """The description of a map of queries and keys, of some heads or of none in particular."""
        _, queries, keys = place.shape
        labels: dict[str, tuple[Any, ...]] = {} if heads is None else {"head": tuple(heads)}
        if self._together(queries) * self._together(keys) > 1:
            labels |= {"query": self._spans(queries), "key": self._spans(keys)}
        return RecordSpec(
            key=key,
            method=self.name,
            title=self.title,
            axes=("query", "key") if heads is None else place.axes,
            signed=False,
            layer=layer,
            labels=labels,
            options=self.options(),
            quantity=self.quantity,
            unit=self.unit,
        )

    def kept(self, maps: Any) -> Any:
        """Maps `(..., queries, keys)` with neighbours put together until `tokens` are left."""
        ops, (*before, queries, keys) = keras.ops, maps.shape
        steps = self._together(queries), self._together(keys)
        if steps == (1, 1):
            return maps
        rows, columns = (-(-n // step) for n, step in zip((queries, keys), steps, strict=True))
        # A sum, and a product by ones: pooling took most of the time of a step.
        filled = ops.pad(
            ops.reshape(maps, (-1, queries, keys)),
            [(0, 0), (0, rows * steps[0] - queries), (0, 0)],
        )
        sums = ops.sum(ops.reshape(filled, (-1, rows, steps[0], keys)), axis=2)
        joined = np.arange(keys)[:, None] // steps[1] == np.arange(columns)
        # The last group of queries may be smaller.
        own = np.minimum(steps[0], queries - steps[0] * np.arange(rows))
        means = ops.matmul(sums / own.astype("f4")[:, None], joined.astype("f4"))
        return ops.reshape(means, (-1, *before[1:], rows, columns))

    def _together(self, length: int) -> int:
        return 1 if self.tokens is None else -(-length // self.tokens)

    def _spans(self, length: int) -> tuple[str, ...]:
        step = self._together(length)
        ends = ((begin, min(begin + step, length) - 1) for begin in range(0, length, step))
        return tuple(f"{a}-{b}" if b > a else str(a) for a, b in ends)


def evenly(count: int, most: int | None) -> list[int]:
    """Which of `count` things are kept if at most so many may be: spread evenly, the last too."""
    if most is None or count <= most:
        return list(range(count))
    return sorted({count - 1 - round(i * (count - 1) / max(most - 1, 1)) for i in range(most)})


def heads_of(place: Place, heads: Sequence[int] | int | None) -> list[int]:
    """The heads that are kept of a layer.

    Raises:
        ValueError: If the layer has no such head.
    """
    count = place.shape[0]
    if heads is None or isinstance(heads, int):
        return evenly(count, heads)
    if any(not 0 <= head < count for head in heads):
        raise ValueError(
            f"`heads` must name heads of {place.name!r}, 0 to {count - 1}. Received: {list(heads)}"
        )
    return list(heads)


def check_heads(heads: Any) -> None:
    """Raise a `ValueError` unless `heads` is what a user may give."""
    several = isinstance(heads, Sequence) and not isinstance(heads, str)
    fits = heads is None or (
        bool(heads) and all(isinstance(h, int) for h in heads)
        if several
        else isinstance(heads, int) and heads >= 1
    )
    if not fits:
        raise ValueError(
            "`heads` must be how many are kept, at least 1, or their numbers, or None for all. "
            f"Received: {heads!r}"
        )


def taken(attention: Any, heads: Sequence[int]) -> Any:
    """Some of the heads, of `(rows, heads, ...)`."""
    if list(heads) == list(range(attention.shape[1])):
        return attention
    return keras.ops.take(attention, np.array(heads, "int32"), axis=1)


def _unheard(model: ModelView) -> str:
    """A sentence's end on layers that look like attention, and could not be listened to."""
    names = [
        name
        for name, place in model.layers.items()
        if "Attention" in type(place.layer).__name__ and name not in model.attention
    ]
    return f" (not to be listened to: {', '.join(names)})" if names else ""
