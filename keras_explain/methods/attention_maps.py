"""Attention maps: where each head of each layer looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..model_view import ModelView
from .attention_method import AttentionMethod, check_heads, heads_of, taken
from .base import Needs, Plan, Seen, register


@register
@dataclass(frozen=True)
class AttentionMaps(AttentionMethod):
    """How much each token (query) takes from each other one (key), by layer and head.

    Unsigned shares: behind the softmax and the masks, before dropout, a row sums to one over its
    keys, or to zero where the query is masked itself. `(probes, heads, queries, keys)`. The layers'
    own computation, flash attention too, stays as it is; the shares are computed beside it, for
    one more product of queries and keys a layer. Costs room: 2 bytes for each number, at most
    0.9 MB a probe and step by default.

    Vaswani et al. 2017, https://arxiv.org/abs/1706.03762

    Attributes:
        layers: Names of the attention layers; `"all"` for every one. If None, six at most, spread
            evenly over the depth, the last among them.
        heads: Most heads kept of a layer, spread evenly and the same at every step; or the numbers
            of those that are kept. None keeps all.
        tokens: Most queries and keys that are kept of a map. In a longer sequence as many
            neighbours as needed stand together: the queries' mean, and the sum over their keys, so
            that the rows still sum to one. None keeps all.
    """

    heads: Sequence[int] | int | None = 8

    title = "Attention"
    quantity = "importance"
    unit = "share"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_heads(self.heads)

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        places = self.chosen(self.named(model))
        by_key = {f"{self.name}/{layer}": place for layer, place in places.items()}
        specs = {
            f"{self.name}/{layer}": self.map_spec(
                f"{self.name}/{layer}", layer, place, heads_of(place, self.heads)
            )
            for layer, place in places.items()
        }
        return Plan(Needs(values=frozenset(places.values())), specs, by_key)

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:  # noqa: D102
        return {
            key: self.kept(taken(seen.values[place], heads_of(place, self.heads)))
            for key, place in plan.places.items()
        }
