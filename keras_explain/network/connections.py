"""How the places of a model are connected: what reaches the output, and what feeds what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from ..backends.trail import Trail
from ..tap import Tap
from .dataflow import DataFlow, Key, Line


@dataclass(frozen=True)
class Connections:
    """The data flow of one call, by the names of inputs and layers.

    Attributes:
        flow: The data flow.
        keys: The tensor of each input and layer's output, and of each layer's first input as
            `<layer>/input`.
        reaching: Names from which a gradient can come: something of them reaches the output, by
            floating-point numbers.
        counting: Names of which something reaches the output, by whatever way.
        kernels: Names of the weights that mix channels or positions, unlike biases and scales.
        learning: Names of the weights from which a gradient can come to any of the outputs.
    """

    flow: DataFlow
    keys: Mapping[str, Key]
    reaching: frozenset[str] = frozenset()
    counting: frozenset[str] = frozenset()
    kernels: frozenset[str] = frozenset()
    learning: frozenset[str] = frozenset()
    _behind: set[Key] = field(default_factory=set, repr=False)

    @classmethod
    def of(
        cls,
        trail: Trail,
        tap: Tap,
        inputs: Mapping[str, Any],
        weights: Sequence[Any],
        output: Any,
        others: Sequence[Any] = (),
    ) -> Connections:
        """Follow a call that was listened to.

        Args:
            trail: How to go back through it.
            tap: What was heard.
            inputs: Input tensors by name.
            weights: Tensors of all weights.
            output: The explained output.
            others: All outputs.
        """
        by_number = {str(number): one for number, one in enumerate(weights)}
        entries = {f"{name}/input": taken[0] for name, taken in tap.taken.items() if taken}
        places = {**entries, **tap.outputs, **inputs}
        flow = DataFlow.of(trail, inputs, by_number, output, [*places.values(), *others])
        keys = {name: trail.key_of(one) for name, one in places.items()}
        behind, counting = flow.behind([flow.output]), flow.behind([flow.output], gradient=False)
        before_any = flow.behind([flow.output, *map(trail.key_of, others)])
        return cls(
            flow=flow,
            keys=keys,
            reaching=frozenset(name for name, key in keys.items() if key in behind),
            counting=frozenset(name for name, key in keys.items() if key in counting),
            kernels=frozenset(n for n, one in by_number.items() if _is_kernel(one)),
            learning=frozenset(n for key, n in flow.weights.items() if key in before_any),
            _behind=behind,
        )

    def inputs_of(self, name: str) -> frozenset[str]:
        """Names of the inputs that a place was computed from."""
        return self.flow.inputs_of(self.keys.get(name))

    def read_as_numbers(self, names: Iterable[str]) -> list[str]:
        """Which of these inputs of integers are cast to numbers that reach the output.

        Such as pictures of bytes: with the cast left out there is a gradient at them.
        """
        flow = self.flow
        alone = {flow.parents[key] for key in self._behind if len(flow.parents[key]) == 1}
        return [name for name in names if (self.keys[name],) in alone]

    def line(self, sources: Iterable[str]) -> Line:
        """What all that goes from these places to the output passes."""
        return self.flow.line([self.keys[name] for name in sources], self._behind)

    def words(self, tap: Tap, tables: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The embeddings at which the words of each input of ids lie.

        An input is ids where it feeds an Embedding, through casts, lookups and the like, but not
        through weights. Where several tables are summed for each position of a sequence, the words
        are those of the largest; among tables that one input feeds, of that which it feeds most
        directly.

        Args:
            tap: What was heard.
            tables: Names of the Embedding layers' outputs that can be explained.

        Returns:
            Names of the embeddings' outputs by the input's name; none for an input whose tables are
            all beside the words, such as segments.
        """
        flow = self.flow
        found: list[tuple[str, frozenset[str], int, int]] = []
        for name in tables:
            entry = self.keys.get(f"{name}/input")
            output = flow.shapes.get(self.keys[name]) or ()
            before = flow.behind([entry], gradient=False)
            fed_by = flow.inputs_of(entry)
            looks_up = len(output) == len(flow.shapes.get(entry) or ()) + 1
            if fed_by and looks_up and not any(key in flow.weights for key in before):
                ways = sum(bool(flow.inputs_of(key)) for key in before)
                size = int(getattr(tap.layers[name], "input_dim", 0))
                found.append((name, fed_by, size, ways))
        words: dict[str, tuple[str, ...]] = {i: () for _, fed_by, _, _ in found for i in fed_by}
        for this in found:
            if not any(self._is_beside(this, other) for other in found):
                for one in this[1]:
                    words[one] = (*words[one], this[0])
        return words

    def _is_beside(
        self,
        this: tuple[str, frozenset[str], int, int],
        other: tuple[str, frozenset[str], int, int],
    ) -> bool:
        """Whether the other table has the words, and this one is only added to them."""
        keys = [self.keys[this[0]], self.keys[other[0]]]
        shape = self.flow.shapes[keys[0]] or ()
        if keys[0] == keys[1] or len(shape) < 3 or shape[1] == 1:
            return False
        if shape != self.flow.shapes[keys[1]]:
            return False
        both = self.flow.first_with_all(keys)
        if both is None or self.flow.shapes[both] != shape:
            return False
        if this[1] == other[1] and this[3] != other[3]:
            return this[3] > other[3]
        return this[2] < other[2]


def _is_kernel(weight: Any) -> bool:
    """Whether a weight can mix channels or positions: it is long in another axis than its last."""
    is_float = keras.backend.is_float_dtype(keras.backend.standardize_dtype(weight.dtype))
    return bool(is_float) and any(int(size) > 1 for size in weight.shape[:-1])
