"""DeepLIFT's way back through a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras

from ..rewiring import Call, Rewiring
from ..rules import is_linear
from .functions import RULES, elementwise
from .layers import rule_of
from .pairs import Pairs
from .reveal_cancel import passing, revealing


@dataclass(frozen=True)
class Multipliers(Rewiring):
    """Multipliers instead of gradients, for rows in pairs of an input and its baseline.

    Attributes:
        reveal_cancel: Whether positive and negative contributions are told apart where a linear
            layer runs into a nonlinearity.
    """

    reveal_cancel: bool = False
    _pairs: Pairs = field(default_factory=Pairs, compare=False, repr=False)

    def begin(self, rows: int) -> None:  # noqa: D102
        self._pairs.begin(rows)

    def layer(self, name: str, layer: keras.Layer, call: Call) -> Call | None:  # noqa: D102
        rule = rule_of(layer)
        if rule is not None:
            return rule(self._pairs, layer, call)
        if self.reveal_cancel and is_linear(layer):
            return revealing(self._pairs, layer, call)
        if self.reveal_cancel and isinstance(layer, keras.layers.BatchNormalization):
            return passing(self._pairs, layer, call)
        return None

    def function(self, name: str, function: Call) -> Call | None:  # noqa: D102
        return partial(self._ruled, RULES.get(name, elementwise), function)

    def operation(self, name: str, function: Call) -> Call | None:  # noqa: D102
        return self.function(name, function)

    def _ruled(self, rule: Call, function: Call, *args: Any, **kwargs: Any) -> Any:
        follows = any(map(self._pairs.carries, keras.tree.flatten((args, kwargs))))
        if self._pairs.quiet or not follows:
            return function(*args, **kwargs)
        return rule(self._pairs, function, *args, **kwargs)
