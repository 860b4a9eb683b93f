"""Norm-based attention: how much each token truly adds, and not only how much it is weighed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from ..model_view import AttentionPlace, ModelView, NotApplicableError, Place
from .attention_method import AttentionMethod, check_heads, heads_of, taken
from .base import Needs, Plan, Seen, register


@register
@dataclass(frozen=True)
class AttentionNorms(AttentionMethod):
    """The length of what each key adds to each query's output: attention times value, projected.

    The output of a layer is its bias plus the sum over heads and keys of the vectors
    `attention * value @ output_kernel`. A token that is looked at much may still add little: many
    heads look at tokens with short values when they have nothing to say. Unsigned, in units of the
    layer's output. `attention_norms/<layer>`, `(probes, queries, keys)`, is the length of the sum
    of all heads' vectors; `attention_norms/<layer>/heads`, `(probes, heads, queries, keys)`, that
    of each head's. Read off the common pass, for about one more projection of the values a layer.

    Kobayashi et al. 2020, https://arxiv.org/abs/2004.10102

    Attributes:
        layers: Names of the attention layers; `"all"` for every one. If None, six at most, spread
            evenly over the depth, the last among them. Layers with a gate cannot be taken apart.
        heads: Most heads kept of a layer, spread evenly and the same at every step; or the numbers
            of those that are kept. None keeps all. All of them count in the sum.
        tokens: Most queries and keys that are kept of a map. In a longer sequence as many
            neighbours as needed stand together: the queries' mean, and the sum over their keys.
            None keeps all.
    """

    heads: Sequence[int] | int | None = 8

    title = "Attention norms"
    quantity = "importance"
    unit = "layer"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_heads(self.heads)

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        named = self.named(model)
        apart = {layer: place for layer, place in named.items() if place.transformed}
        if not apart or (self.layers is not None and len(apart) < len(named)):
            fault = NotApplicableError if self.layers is None else ValueError
            known = (layer for layer, place in model.attention.items() if place.transformed)
            raise fault(
                "`layers` of AttentionNorms must have a projection of values, one of outputs, and "
                f"no gate. Known: {', '.join(known) or 'none'}. "
                f"Received: {', '.join(layer for layer in named if layer not in apart)}"
            )
        places = self.chosen(apart)
        specs = {}
        for layer, place in places.items():
            key = f"{self.name}/{layer}"
            heads = heads_of(place, self.heads)
            specs[key] = self.map_spec(key, layer, place, None)
            specs[f"{key}/heads"] = self.map_spec(f"{key}/heads", layer, place, heads)
        by_key = {f"{self.name}/{layer}": place for layer, place in places.items()}
        needed = [*places.values(), *map(_transformed, places.values())]
        return Plan(Needs(values=frozenset(needed)), specs, by_key)

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:  # noqa: D102
        found = {}
        for key, place in plan.places.items():
            attention = seen.values[place]
            transformed = seen.values[_transformed(place)]
            heads = heads_of(place, self.heads)
            found[key] = self.kept(norms_of_sums(attention, transformed))
            lengths = keras.ops.norm(transformed, axis=-1)
            found[f"{key}/heads"] = self.kept(taken(attention * lengths[:, :, None], heads))
        return found


def _transformed(place: Place) -> Place:
    found = place.transformed if isinstance(place, AttentionPlace) else None
    if found is None:
        raise TypeError(f"{place.name!r} cannot be taken apart")
    return found


def norms_of_sums(attention: Any, transformed: Any) -> Any:
    """Lengths of the vectors' sums over the heads, `(rows, queries, keys)`.

    The vectors of all pairs of tokens are never made: their products by each other are made once a
    key, and a pair's sum is as long as the root of the products that its attention weighs.

    Args:
        attention: `(rows, heads, queries, keys)`.
        transformed: `(rows, heads, keys, channels)`.
    """
    ops = keras.ops
    vectors = ops.transpose(transformed, (0, 2, 1, 3))
    products = ops.matmul(vectors, ops.transpose(vectors, (0, 1, 3, 2)))
    weights = ops.transpose(attention, (0, 3, 1, 2))  # `(rows, keys, heads, queries)`
    squares = ops.sum(ops.matmul(products, weights) * weights, axis=2)
    return ops.sqrt(ops.maximum(ops.transpose(squares, (0, 2, 1)), 0.0))
