"""Where what is in a model's inputs goes, on the way to the explained output.

A call of a model is a graph of tensors. `DataFlow` is that graph by the tensors' keys alone: it
keeps no tensor alive. A gradient passes a tensor of floating-point numbers; integers, truth values
and `stop_gradient` end it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..backends.trail import Trail

Key = Any


def shape_of(tensor: Any) -> tuple[int | None, ...] | None:
    """The static shape; None where not even the rank is known."""
    if getattr(tensor.shape, "rank", 0) is None:
        return None
    return tuple(None if size is None else int(size) for size in tensor.shape)


@dataclass(frozen=True)
class Line:
    """The tensors that everything on its way from a source to the output has passed, in order.

    Attributes:
        keys: Their keys, the first first.
        weights: For each, the names of the weights that come in between the one before and it.
        after: Names of the weights that come in after the last.
    """

    keys: tuple[Key, ...]
    weights: tuple[frozenset[str], ...]
    after: frozenset[str] = frozenset()

    def weights_from(self, index: int) -> frozenset[str]:
        """Names of the weights that come in after the tensor at `index`."""
        return frozenset().union(self.after, *self.weights[index + 1 :])


@dataclass(frozen=True)
class DataFlow:
    """Which tensors of one call were computed from which.

    Attributes:
        order: All tensors that were followed, each after those that it was computed from.
        parents: By tensor, what it was computed from.
        carrying: Tensors that a gradient can pass.
        inputs: By name, the model's inputs.
        weights: By tensor, the name of the weight that it is.
        output: The explained output.
        shapes: By tensor, its shape.
    """

    order: tuple[Key, ...]
    parents: Mapping[Key, tuple[Key, ...]]
    carrying: frozenset[Key]
    inputs: Mapping[str, Key]
    weights: Mapping[Key, str]
    output: Key
    shapes: Mapping[Key, tuple[int | None, ...] | None] = field(default_factory=dict)
    _from: Mapping[Key, frozenset[str]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        trail: Trail,
        inputs: Mapping[str, Any],
        weights: Mapping[str, Any],
        output: Any,
        heard: Iterable[Any],
    ) -> DataFlow:
        """Follow everything that was `heard`, and the `output`, back to where it came from."""
        parents: dict[Key, tuple[Key, ...]] = {}
        carrying: set[Key] = set()
        shapes: dict[Key, tuple[int | None, ...] | None] = {}
        ahead = [output, *heard]
        begins = {trail.key_of(one) for one in (*inputs.values(), *weights.values())}
        while ahead:  # a tensor comes twice: before and after what it was computed from
            tensor = ahead[-1]
            key = trail.key_of(tensor)
            taken = () if key in begins else trail.inputs_of(tensor)
            unseen = [one for one in taken if trail.key_of(one) not in parents]
            if key in parents or not unseen:
                ahead.pop()
                parents.setdefault(key, tuple(map(trail.key_of, taken)))
                shapes[key] = shape_of(tensor)
                if trail.carries(tensor):
                    carrying.add(key)
            else:
                ahead.extend(unseen)
        flow = cls(
            order=tuple(parents),
            parents=parents,
            carrying=frozenset(carrying),
            inputs={name: trail.key_of(one) for name, one in inputs.items()},
            weights={trail.key_of(one): name for name, one in weights.items()},
            output=trail.key_of(output),
            shapes=shapes,
        )
        flow._follow()
        return flow

    def _follow(self) -> None:
        names = {key: frozenset({name}) for name, key in self.inputs.items()}
        origin = dict(self._from)
        for key in self.order:
            origin[key] = names.get(key, frozenset()).union(
                *(origin[parent] for parent in self.parents[key])
            )
        object.__setattr__(self, "_from", origin)

    def inputs_of(self, key: Key) -> frozenset[str]:
        """Names of the inputs that a tensor was computed from, by whatever way."""
        return self._from.get(key, frozenset())

    def behind(self, keys: Iterable[Key], gradient: bool = True) -> set[Key]:
        """All tensors that these were computed from, and these themselves.

        Args:
            keys: Where to begin.
            gradient: Whether only ways count that a gradient can go.
        """
        found: set[Key] = set()
        ahead = [key for key in keys if not gradient or key in self.carrying]
        while ahead:
            key = ahead.pop()
            if key in found:
                continue
            found.add(key)
            ahead += [p for p in self.parents.get(key, ()) if not gradient or p in self.carrying]
        return found

    def line(self, sources: Sequence[Key], reaching: set[Key]) -> Line:
        """What all that goes from the sources to the output passes.

        Args:
            sources: Where it begins.
            reaching: What `behind` says of the output.
        """
        on_way: dict[Key, int] = {}
        begins = set(sources)
        for key in self.order:
            if key in reaching and (
                key in begins or any(parent in on_way for parent in self.parents[key])
            ):
                on_way[key] = len(on_way)
        last = [0] * len(on_way)  # the last one that is computed from each
        for key, position in on_way.items():
            for parent in self.parents[key]:
                if parent in on_way:
                    last[on_way[parent]] = max(last[on_way[parent]], position)
        furthest = max((on_way[key] for key in begins if key in on_way), default=0)
        keys: list[Key] = []
        weights: list[frozenset[str]] = []
        between: set[str] = set()
        seen: set[Key] = set()
        for key, position in on_way.items():
            aside = [parent for parent in self.parents[key] if parent not in on_way]
            between |= self._weights_behind(aside, on_way, seen)
            if furthest <= position:
                keys.append(key)
                weights.append(frozenset(between))
                between, seen = set(), set()
            furthest = max(furthest, last[position])
        return Line(tuple(keys), tuple(weights), frozenset(between))

    def _weights_behind(
        self, keys: Iterable[Key], beside: Mapping[Key, int], seen: set[Key]
    ) -> set[str]:
        found: set[str] = set()
        ahead = list(keys)
        while ahead:
            key = ahead.pop()
            if key in seen or key in beside:
                continue
            seen.add(key)
            if key in self.weights:
                found.add(self.weights[key])
            ahead += self.parents.get(key, ())
        return found

    def first_with_all(self, keys: Sequence[Key]) -> Key | None:
        """The first tensor that was computed from all of these; None if there is none."""
        marks = {key: frozenset({key}) for key in keys}
        for key in self.order:
            found = marks.get(key, frozenset()).union(
                *(marks[parent] for parent in self.parents[key] if parent in marks)
            )
            if len(found) == len(set(keys)):
                return key
            if found:
                marks[key] = found
        return None
