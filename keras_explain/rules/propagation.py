"""Relevance on its way back through a model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial, wraps
from typing import Any, Generic, TypeVar

import keras
from keras import ops

from .. import backends
from ..model_view import NEVER_NEGATIVE
from ..network.network import is_float
from ..rewiring import Call, Rewiring
from .activations import activated, rewired
from .calls import PRODUCTS, SCALES, is_scale
from .composites import Composite
from .fitting import no_rule
from .gradients import Way, exchanged, share, shared
from .layer_rules import CentredNormalization, Inside, Move, Pass, first_tensor
from .linear import Linear, in_float32, is_linear, linear_parts
from .linear_rules import Epsilon, split
from .reach import Reach
from .rule import Entry, FirstRule, LayerRule, LinearRule, Rule
from .signs import is_never_negative, keeps_signs
from .work import Work

Kept = TypeVar("Kept")


class _ByTensor(Generic[Kept]):
    """What is known of tensors, by the very tensor; keeps them alive, so that none is mistaken."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Any, Kept]] = {}

    def keep(self, tensor: Any, value: Kept) -> None:
        self._kept[id(tensor)] = tensor, value

    def get(self, tensor: Any) -> Kept | None:
        """What is known of the tensor, or of what it was cast from."""
        for one in backends.current().before_casts(tensor):
            if id(one) in self._kept:
                return self._kept[id(one)][1]
        return None


@dataclass(frozen=True)
class _Ran:
    """A linear map that ran, before any activation."""

    linear: Linear
    rule: Rule
    inputs: Any
    outputs: Any
    entry: Entry | None


class Propagation(Rewiring):
    """Exchanges the gradients of a model's layers for those of their rules.

    The gradient of the score at each place of `at` is then the relevance of its values.

    Args:
        composite: Chooses the rules.
        at: Names of the inputs and layers whose relevance is wanted; none leads to another.
        biases: Whether a bias keeps its part of the relevance.
    """

    def __init__(self, composite: Composite, at: Collection[str], *, biases: bool = True) -> None:
        self._composite = composite
        self._at = frozenset(at)
        self._biases = biases
        self.begin(0)

    def begin(self, rows: int) -> None:  # noqa: D102
        self._entries: _ByTensor[Entry] = _ByTensor()
        self._linears: _ByTensor[_Ran] = _ByTensor()
        self._never_negative: _ByTensor[bool] = _ByTensor()
        self._parts: dict[int, float] = {}
        self._work = Work()
        self._inside_attention = 0
        self._inside_a_rule = 0
        self._reach = Reach()
        self._reached = False

    def further(self) -> tuple[float, float]:  # noqa: D102
        return self._work.passes()

    def place(self, name: str, layer: keras.Layer | None, tensor: Any) -> Any:
        """Turns relevance per unit into relevance, where that is wanted."""
        if not is_float(tensor):
            return tensor
        entry = self._entries.get(tensor)
        if layer is None or isinstance(layer, keras.layers.Embedding):
            shape = ops.shape(tensor)
            entry = Entry(None, ops.ones_like(tensor), lambda value: ops.broadcast_to(value, shape))
        if name in self._at:
            self._reached = True
            side = tensor - ops.stop_gradient(tensor)
            if entry is not None:
                entry = replace(entry, side=side)
                self._reach.begins(side)  # through it relevance passes what only rescales values
            entering = exchanged(tensor, [(tensor, tensor)])
            self._found_signs([tensor], entering)
            tensor = entering
            self._reach.begins(tensor)
        if entry is not None:
            self._entries.keep(tensor, entry)
        return tensor

    def layer(self, name: str, layer: keras.Layer, call: Call) -> Call | None:  # noqa: D102
        rule = self._composite.settled(name, layer)
        if isinstance(rule, LayerRule):
            self._parts |= rule.parts(layer)
            if rule.parts(layer):
                call = self._attending(call)
            return partial(self._through, rule, layer, call)
        if is_linear(layer):
            return partial(self._linear, name, layer, call)
        if rule is not None and isinstance(layer, keras.layers.BatchNormalization):
            own = self._composite.rule(name, layer)
            return partial(self._normalized, own or rule, own is not None, layer, call)
        return partial(self._refuse, name, layer, call)

    def function(self, name: str, function: Call) -> Call | None:  # noqa: D102
        found = rewired(name, function)
        if name not in NEVER_NEGATIVE:
            return found

        @wraps(function)
        def never_negative(*args: Any, **kwargs: Any) -> Any:
            output = (found or function)(*args, **kwargs)
            self._never_negative.keep(output, True)
            return output

        return never_negative

    def operation(self, name: str, function: Call) -> Call | None:  # noqa: D102
        if name in PRODUCTS:
            return partial(self._product, function)
        if name in SCALES:
            return partial(self._scale, name, function)
        if name != "dot_product_attention":
            return None

        @wraps(function)
        def attend(query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._inside_attention:
                query, key, value = shared(query, 0.25), shared(key, 0.25), shared(value, 0.5)
            return function(query, key, value, *args, **kwargs)

        return attend

    def _product(self, function: Call, *args: Any, **kwargs: Any) -> Any:
        """A product whose two factors share the relevance, where both follow from a place."""
        flat = keras.tree.flatten((args, kwargs))
        factors = [t for t in flat if ops.is_tensor(t) and is_float(t)]
        looked_at = self._reached and not self._inside_a_rule and not self._inside_attention
        if not looked_at or len(factors) != 2 or not all(map(self._reach.reaches, factors)):
            return function(*args, **kwargs)
        args, kwargs = keras.tree.map_structure(
            lambda t: shared(t, 0.5) if any(t is one for one in factors) else t, (args, kwargs)
        )
        return function(*args, **kwargs)

    def _scale(self, name: str, function: Call, *args: Any, **kwargs: Any) -> Any:
        """The scale of a normalization, held constant."""
        made = function(*args, **kwargs)
        looked_at = self._reached and not self._inside_a_rule
        return ops.stop_gradient(made) if looked_at and is_scale(name, made) else made

    def _attending(self, call: Call) -> Call:
        """The call of a layer whose rule has seen to the products inside."""

        @wraps(call)
        def attending(*args: Any, **kwargs: Any) -> Any:
            self._inside_attention += 1
            try:
                return call(*args, **kwargs)
            finally:
                self._inside_attention -= 1

        return attending

    def _through(
        self, rule: LayerRule, layer: keras.Layer, call: Call, *args: Any, **kwargs: Any
    ) -> Any:
        """A layer that is no linear map; behind one that moves or rescales is still the entry."""
        given = [t for t in keras.tree.flatten((args, kwargs)) if ops.is_tensor(t)]
        entries = {id(t): entry for t in given if (entry := self._entries.get(t)) is not None}
        enters = isinstance(rule, Move | Pass) and 0 < len(given) == len(entries)
        output = self._called(rule, layer, call, enters, *args, **kwargs)
        if is_never_negative(layer):
            self._never_negative.keep(output, True)
        elif isinstance(rule, Move) or keeps_signs(layer):
            self._found_signs(given, output)
        if not enters or any(output is tensor for tensor in given):
            return output

        def again(of: Callable[[Any, Entry], Any]) -> Any:
            """The layer on something else that came the same way."""

            def other(value: Any) -> Any:
                entry = entries.get(id(value))
                return value if entry is None else ops.cast(of(value, entry), value.dtype)

            changed = keras.tree.map_structure(other, (args, kwargs))
            return call(*changed[0], **changed[1])

        def path(value: Any) -> Any:
            return again(lambda _, entry: entry.path(value))

        if isinstance(rule, Pass):
            entry = replace(entries[id(given[0])], path=path)
            output = exchanged(output, [] if entry.side is None else [(entry.side, output)])
        else:
            side = None
            if any(entry.side is not None for entry in entries.values()):
                side = again(
                    lambda t, entry: ops.zeros_like(t) if entry.side is None else entry.side
                )
            entry = Entry(side, again(lambda _, entry: entry.taken), path)
        self._entries.keep(output, entry)
        return output

    def _called(
        self, rule: LayerRule, layer: Any, call: Call, enters: bool, *args: Any, **kwargs: Any
    ) -> Any:
        """The layer by its rule, which sees to the functions that it calls."""
        has_rule = not isinstance(rule, Inside)
        if isinstance(rule, CentredNormalization):
            rule = replace(rule, keeps_beta=self._biases)
        self._inside_a_rule += has_rule
        try:
            return call(*args, **kwargs) if enters else rule.through(layer, call, *args, **kwargs)
        finally:
            self._inside_a_rule -= has_rule

    def _linear(self, name: str, layer: Any, call: Call, *args: Any, **kwargs: Any) -> Any:
        if not self._reached:
            return call(*args, **kwargs)
        given = first_tensor(args, kwargs)
        entry = self._entries.get(given)
        later = self._composite.settled(name, layer) or Epsilon()
        rule = later
        if entry is not None:
            rule = self._composite.settled(name, layer, first=True) or later
            side = None if entry.side is None else ops.cast(entry.side, "float32")
            entry = replace(entry, side=side, taken=ops.cast(entry.taken, "float32"))
        later = Epsilon() if isinstance(later, FirstRule) else later
        tensor = ops.cast(given, "float32")
        never_negative = bool(self._never_negative.get(given))
        for part in linear_parts(layer):
            part = replace(part, never_negative=never_negative)
            ran = _Ran(part, rule, tensor, part(tensor), entry)
            self._work.ran(part, ran.outputs)
            tensor = self._output_of(ran, name)
            entry, rule, never_negative = None, later, False
        output = ops.cast(tensor, layer.compute_dtype)
        if id(layer) in self._parts:
            output = shared(output, self._parts[id(layer)])
        elif name not in self._at:
            self._linears.keep(output, ran)
        return activated(layer.activation, output)

    def _output_of(
        self, ran: _Ran, name: str, linear: Linear | None = None, outputs: Any = None
    ) -> Any:
        """The output of a map, or of what it was folded into, with the gradient of its rule."""
        linear, outputs = linear or ran.linear, ran.outputs if outputs is None else outputs
        exact = ops.cast(outputs, "float32")
        before = self._work.forward
        ways = _ways(ran, name, self._work.counting(linear), exact, self._biases)
        self._work.back(linear, exact, ways, self._work.forward - before)
        return exchanged(outputs, ways)

    def _found_signs(self, given: list[Any], output: Any) -> None:
        """Keeps that the output of a layer that keeps signs is never negative, if it is not."""
        if given and all(self._never_negative.get(tensor) for tensor in given):
            self._never_negative.keep(output, True)

    def _refuse(self, name: str, layer: keras.Layer, call: Call, *args: Any, **kwargs: Any) -> Any:
        if self._reached:
            raise ValueError(no_rule(name, layer))
        return call(*args, **kwargs)

    def _normalized(
        self, rule: Rule, own: bool, layer: Any, call: Call, *args: Any, **kwargs: Any
    ) -> Any:
        """A batch normalisation: folded into the linear map before it, if that is what it follows.

        Right behind the inputs it is a rescaling; elsewhere it is a linear map of its own.
        """
        given = first_tensor(args, kwargs)
        if self._entries.get(given) is not None and not own:
            return self._through(Pass(), layer, call, *args, **kwargs)
        if not self._reached:
            return call(*args, **kwargs)
        scale, shift = _scale_and_shift(layer)
        rank = len(given.shape)
        before = self._linears.get(given)
        if before is not None and not own:
            same = layer.axis % rank == before.linear.channel_axis % rank
            folded = before.linear.folded(scale, shift) if same else None
            if folded is not None:
                return self._output_of(before, layer.name, folded, call(before.outputs))
        shape = [-1 if axis == layer.axis % rank else 1 for axis in range(rank)]
        diagonal = Linear(ops.multiply, ops.reshape(scale, shape), ops.reshape(shift, shape))
        ran = _Ran(diagonal, rule, ops.cast(given, "float32"), call(*args, **kwargs), None)
        self._work.ran(diagonal, ran.outputs)
        return self._output_of(ran, layer.name)


def _ways(ran: _Ran, name: str, linear: Linear, outputs: Any, biases: bool = True) -> Sequence[Way]:
    """The ways that relevance goes by the map's rule."""
    if isinstance(ran.rule, LinearRule):
        return (
            ran.rule.ways(linear, ran.inputs, outputs)
            if biases
            else _all_ways(ran, linear, outputs)
        )
    if not isinstance(ran.rule, FirstRule) or ran.entry is None:
        raise ValueError(f"{ran.rule!r} does not fit layer {name!r}")
    if ran.entry.side is None:
        return []
    return [ran.rule.way(linear, ran.inputs, outputs, ran.entry)]


def _all_ways(ran: Any, linear: Linear, outputs: Any) -> Sequence[Way]:
    """The ways by the rule without a bias, and for what is then left one by the products' sizes.

    So biases and stabilizers keep nothing, and no small denominator blows anything up.
    """
    plain = linear.changed(lambda kernel: kernel)
    alone = outputs if linear.bias is None else plain(ran.inputs)
    ways = ran.rule.ways(plain, ran.inputs, alone)
    left = outputs - sum(tensor * factor for tensor, factor in ways)
    sizes = split(plain, ran.inputs, ops.abs, lambda kernel: -ops.abs(kernel), ops.abs)
    return [*ways, (sizes, share(left, sizes, 0.0))]


def _scale_and_shift(layer: Any) -> tuple[Any, Any]:
    """What a batch normalisation multiplies each channel with when it does not learn, and adds."""
    mean, variance = in_float32(layer.moving_mean), in_float32(layer.moving_variance)
    scale = ops.rsqrt(variance + layer.epsilon)
    if layer.scale:
        scale = scale * in_float32(layer.gamma)
    shift = -mean * scale
    return scale, shift + in_float32(layer.beta) if layer.center else shift
