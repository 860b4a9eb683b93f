"""What one call of a model showed of it: the places that a method can name."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import keras
from numpy.typing import NDArray

from . import backends
from .flow import Flow
from .network.keras_internals import inner_layers
from .operations import RESHAPES
from .store.format.axes import SPACE
from .tap import Tap

if TYPE_CHECKING:
    from .network.connections import Connections
    from .network.layer_outputs import LayerOutputs

IN_A_LOOP = "it is computed anew at each turn of a loop, or inside a function of its own"
"""Why some outputs are no place."""
LISTED = 9
"""Most names that a sentence lists."""
NEVER_NEGATIVE = {"relu", "relu6", "sigmoid", "hard_sigmoid", "softmax", "softplus", "exponential"}


class NotApplicableError(ValueError):
    """A method has nothing to explain in this model; a default method is then left out."""


@dataclass(frozen=True)
class Place:
    """An input of the model or the output of one of its layers.

    Attributes:
        name: What a user calls it: an input's name, or a layer's name (`outer/inner` if nested).
        axes: Names of the axes of one example, such as `("height", "width", "channel")`.
        shape: Sizes of those axes.
        layer: The layer that made it; None for an input.
        differentiable: Whether it holds floating-point numbers.
        is_text: Whether it holds strings.
    """

    name: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    layer: keras.Layer | None = None
    differentiable: bool = True
    is_text: bool = False

    @property
    def is_spatial(self) -> bool:
        """Whether it has a space or time axis with more than one position."""
        return any(size > 1 for size in self.space)

    @property
    def space(self) -> tuple[int, ...]:
        """Sizes of the space and time axes."""
        return tuple(n for axis, n in zip(self.axes, self.shape, strict=True) if axis in SPACE)

    @property
    def channel_axis(self) -> int | None:
        """Which axis of a batch holds the channels, or None."""
        return self.axes.index("channel") + 1 if "channel" in self.axes else None

    @property
    def is_convolution(self) -> bool:
        """Whether a convolution made it (grouped, depthwise, separable and transposed ones too)."""
        return isinstance(self.layer, keras.layers.Layer) and "Conv" in type(self.layer).__name__

    @property
    def is_signed(self) -> bool:
        """Whether its values have both signs, as far as its layer's activation tells."""
        return not {self.activation, type(self.layer).__name__.lower()} & NEVER_NEGATIVE

    @property
    def activation(self) -> str | None:
        """Name of its layer's activation, such as "relu"; None where it names none."""
        return getattr(getattr(self.layer, "activation", None), "__name__", None)

    @property
    def is_leaf(self) -> bool:
        """Whether its layer holds no other layers."""
        return self.layer is not None and not inner_layers(self.layer)

    @property
    def is_weighted(self) -> bool:
        """Whether its layer has trainable weights of its own."""
        return self.layer is not None and self.is_leaf and bool(self.layer.trainable_variables)


PlaceType = TypeVar("PlaceType", bound=Place)


def listed(names: Iterable[str]) -> str:
    """Names for a sentence: of many, some."""
    known = list(names)
    if len(known) <= LISTED:
        return ", ".join(known) or "none"
    first, last = known[: LISTED - LISTED // 3], known[-(LISTED // 3) :]
    return f"{', '.join(first)} ... {', '.join(last)} ({len(known)} in all)"


@dataclass(frozen=True)
class AttentionPlace(Place):
    """The attention of a layer, `<layer>/attention`, with axes `("head", "query", "key")`.

    Attributes:
        crosses: Whether the queries are of another sequence than the keys.
        transformed: What each key would add to the layer's output if it had all the attention of a
            head, `("head", "key", "channel")`; None where that is not plain.
    """

    crosses: bool = False
    transformed: Place | None = None


@dataclass(frozen=True)
class EntryPlace(Place):
    """What goes into a layer where no layer made it, such as a sum: `<layer>/input`."""

    @property
    def is_convolution(self) -> bool:
        """No: the layer is the one that takes it."""
        return False

    @property
    def is_signed(self) -> bool:
        """Nothing is known of it."""
        return True

    @property
    def activation(self) -> str | None:
        """Nothing is known of it."""
        return None

    @property
    def is_leaf(self) -> bool:
        """No layer made it."""
        return False


@dataclass(frozen=True)
class ModelView:
    """The places of a model, in the order in which they are computed.

    Attributes:
        inputs: The inputs by name.
        layers: The layers' outputs by name. A layer called again stands there again as `name#2`.
        weights: Names of the trainable weights, in model order, as `layer/kernel`.
        weight_shapes: Their shapes.
        idle_weights: Those that no loss of the outputs depends on.
        head: Names of the layers whose output is the model's output, or only a softmax before it.
        classes: Number of outputs that a target can name; None where that is not known.
        has_loss: Whether a loss can be computed.
        functions: Names of the backend's functions that it calls, such as `relu` and `matmul`.
        flow: The way from its places to the output.
        attention: The attention of the layers that have some, by the layer's name.
        fed_by: By a layer's name, the inputs and layers whose very outputs go into it.
        absent: By name, layers whose output is not one array per probe, and why.
        embeddings: By the name of an input of token ids, the outputs of the embeddings that it
            feeds, in whose place gradients are taken.
        connections: What reaches the output, and what feeds what.
        entries: What goes into layers where no layer made it, by `<layer>/input`.
        keras_names: By Keras's own name, the name of each layer by its place in this model.
        fitted: From examples in the form of the probes, arrays by the input's name.
    """

    inputs: Mapping[str, Place]
    layers: Mapping[str, Place]
    weights: tuple[str, ...] = ()
    weight_shapes: tuple[tuple[int, ...], ...] = ()
    idle_weights: frozenset[str] = frozenset()
    head: frozenset[str] = frozenset()
    classes: int | None = None
    has_loss: bool = False
    functions: frozenset[str] = frozenset()
    flow: Flow | None = field(default=None, compare=False, repr=False)
    attention: Mapping[str, AttentionPlace] = field(default_factory=dict)
    fed_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    embeddings: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    connections: Connections | None = field(default=None, compare=False, repr=False)
    entries: Mapping[str, EntryPlace] = field(default_factory=dict)
    keras_names: Mapping[str, str] = field(default_factory=dict)
    fitted: Callable[[Any], Mapping[str, NDArray[Any]]] = field(
        default=dict, compare=False, repr=False
    )

    @property
    def inner(self) -> dict[str, Place]:
        """Places inside of layers, by name: attention, and what it mixes."""
        several = ((place, place.transformed) for place in self.attention.values())
        return {place.name: place for pair in several for place in pair if place is not None}

    def layer(self, name: str) -> Place:
        """The output of the layer called `name`; the inner name alone will do where it is unique.

        Raises:
            ValueError: If the model has no such layer, or several; it lists what is known.
        """
        name = self.name_of(name)
        attention = {place.name: place for place in self.attention.values()}
        further = {**attention, **self.entries}
        if name in further:
            return further[name]
        absent = [one for one in self.absent if name in (one, one.rsplit("/", 1)[-1])]
        if absent and not any(name in (one, one.rsplit("/", 1)[-1]) for one in self.layers):
            raise ValueError(
                "`layer` must name a layer with one array per probe. "
                f"Received: {name!r}: {self.absent[absent[0]]}"
            )
        return place_named(self.layers, name)

    def name_of(self, name: str) -> str:
        """The name by place of a layer that is called by Keras's own name; else what was given.

        The inner name alone will do where it is unique. A call that is not the first, attention,
        and what goes into a layer are told by their ending.
        """
        parts = re.fullmatch(r"(.*?)((?:#\d+)?(?:/attention(?:#\d+)?|/input)?)", name)
        called, ending = (parts[1], parts[2]) if parts else (name, "")
        if called in self.keras_names:
            return self.keras_names[called] + ending
        inner = [own for own in self.keras_names if own.rsplit("/", 1)[-1] == called]
        known = called in self.keras_names.values()
        return self.keras_names[inner[0]] + ending if len(inner) == 1 and not known else name

    @property
    def integers_read_as_numbers(self) -> list[str]:
        """Names of inputs of integers that are no ids, and cast to numbers by the model.

        Not of those that say something of each of several ids, such as a padding mask.
        """
        if self.connections is None:
            return []
        beside = [self.inputs[name].shape for name in self.embeddings]
        integers = [
            name
            for name, place in self.inputs.items()
            if not (place.differentiable or place.is_text or name in self.embeddings)
            and not (place.shape in beside and math.prod(place.shape) > 1)
        ]
        return self.connections.read_as_numbers(integers)

    def reaches(self, place: Place, gradient: bool = True) -> bool:
        """Whether something of a place reaches the explained output.

        Args:
            place: An input, a layer's output, or attention.
            gradient: Whether by a way that a gradient can go: not through integers.
        """
        if self.connections is None:
            return True
        name = place.name
        if name not in self.connections.keys:  # inside of a layer
            name = next((n for n in self.attention if name.startswith(f"{n}/")), name)
        if name not in self.connections.keys:
            return True
        return name in (self.connections.reaching if gradient else self.connections.counting)

    def connections_reach(self, name: str) -> bool:
        """Whether a gradient of the explained output comes to an input or a layer's output."""
        return self.connections is None or name in self.connections.reaching

    def feeds(self, place: Place, later: Place) -> bool:
        """Whether one place is computed from the inputs that another one is computed from."""
        if self.connections is None:
            return True
        inputs_of = self.connections.inputs_of
        return bool(inputs_of(place.name) & inputs_of(later.name))

    def layer_that_reaches(self, name: str, gradient: bool = True) -> Place:
        """The output of the layer called `name`, of which something reaches the explained output.

        Raises:
            ValueError: If there is no such layer, or nothing of it reaches the output.
        """
        place = self.layer(name)
        if not self.reaches(place, gradient):
            known = [p.name for p in self.layers.values() if self.reaches(p, gradient)]
            raise ValueError(
                "`layer` must name a layer that reaches the explained output: nothing of "
                f"{place.name!r} does. Known: {', '.join(known) or 'none'}. Received: {name!r}"
            )
        return place

    def ids_of(self, text: Place) -> Place | None:
        """The layer's output in which the strings of an input are token ids; None without one."""
        if self.connections is None:
            return None
        for embedding in self.embeddings.get(text.name, ()):
            for place in self.layers.values():
                is_of_text = self.connections.inputs_of(place.name) == {text.name}
                if is_of_text and not place.differentiable and place.shape == embedding.shape[:-1]:
                    return place
        return None

    def input_under(self, place: Place) -> str | None:
        """Name of the input that a map at `place` can be laid over; None if that is not plain."""
        if place.layer is None:
            return place.name
        inputs = list(self.inputs.values())
        if self.connections is not None:
            known = self.connections.inputs_of(place.name)
            inputs = [p for p in inputs if p.name in known]
        words = [name for name, places in self.embeddings.items() if place in places]
        if words or isinstance(place.layer, keras.layers.Embedding):
            under = words or [p.name for p in inputs if p.shape == place.shape[:-1]]
        else:
            space = [axis for axis in place.axes if axis in SPACE]
            under = [p.name for p in inputs if space and [a for a in p.axes if a in SPACE] == space]
        return under[0] if len(under) == 1 else None

    @property
    def convolutions(self) -> list[Place]:
        """Every convolution's output that is a map, in order."""
        return [place for place in self.layers.values() if place.is_convolution and place.is_leaf]


def view_of(
    tap: Tap,
    inputs: Mapping[str, Any],
    head: Sequence[Any],
    weights: Mapping[str, Any],
    has_loss: bool,
    connections: Connections,
    outputs: LayerOutputs,
) -> ModelView:
    """The view of a model whose call was listened to by `tap`.

    Args:
        tap: What was heard.
        inputs: Input tensors by name.
        head: The explained output and, if that is another tensor, its logits.
        weights: Trainable Keras variables by name.
        has_loss: Whether a loss can be computed.
        connections: Its data flow.
        outputs: What counts as a layer's output.
    """
    is_head = {id(tensor) for tensor in head}
    # A tensor that a layer hands on as it is belongs to what made it; one that is cast does too.
    made_by = {id(t): n for n, t in reversed([*inputs.items(), *tap.outputs.items()])}
    faults = {
        name: outputs.fault(name, tensor, bool(connections.inputs_of(name)))
        for name, tensor in tap.outputs.items()
    }
    # A loop's first turn may be tried outside of it.
    turns = {name.partition("#")[0] for name, fault in faults.items() if fault == IN_A_LOOP}
    faults |= {name: IN_A_LOOP for name in faults if name.partition("#")[0] in turns}
    absent = {name: fault for name, fault in faults.items() if fault is not None}
    layers = {n: _place(n, t, tap.layers[n]) for n, t in tap.outputs.items() if n not in absent}
    tables = [
        name
        for name, place in layers.items()
        if isinstance(place.layer, keras.layers.Embedding) and name in connections.reaching
    ]
    words = connections.words(tap, tables)
    given = {name: _place(name, tensor, None) for name, tensor in inputs.items()}
    for name in words:
        if name not in connections.reaching:
            given[name] = replace(given[name], differentiable=False)
    return ModelView(
        inputs=given,
        layers=layers,
        weights=tuple(weights),
        weight_shapes=tuple(tuple(weight.shape) for weight in weights.values()),
        head=frozenset(n for n in layers if id(tap.outputs[n]) in is_head),
        classes=head[0].shape[-1] if len(head[0].shape) > 1 else 1,
        has_loss=has_loss,
        functions=frozenset(c.name for c in tap.functions if c.name not in RESHAPES),
        flow=Flow(tap, inputs, head[-1]),
        attention=_attention(tap, outputs),
        fed_by={n: tuple(_maker(made_by, t) for t in taken) for n, taken in tap.taken.items()},
        absent=absent,
        embeddings={name: tuple(layers[one] for one in at) for name, at in words.items()},
        connections=connections,
        entries=_entries(tap, inputs, connections, outputs),
        keras_names={own: name for name, own in tap.keras_names.items()},
    )


def _entries(
    tap: Tap, inputs: Mapping[str, Any], connections: Connections, outputs: LayerOutputs
) -> dict[str, EntryPlace]:
    """What goes into layers where no layer made it."""
    made = {connections.keys[name] for name in (*inputs, *tap.outputs)}
    found: dict[str, EntryPlace] = {}
    for layer, taken in tap.taken.items():
        name = f"{layer}/input"
        if not taken or connections.keys[name] in made or name not in connections.reaching:
            continue
        if outputs.fault(name, taken[0], bool(connections.inputs_of(name))) is None:
            made.add(connections.keys[name])
            place = _place(name, taken[0], None)
            found[name] = EntryPlace(name, place.axes, place.shape, tap.layers[layer])
    return found


def _maker(made_by: Mapping[int, str], tensor: Any) -> str:
    """Which place made the tensor, or what it was cast from; empty if none did."""
    known = (made_by.get(id(one)) for one in backends.current().before_casts(tensor))
    return next((name for name in known if name is not None), "")


def _attention(tap: Tap, outputs: LayerOutputs) -> dict[str, AttentionPlace]:
    """The attention that was heard, where its rows are the probes."""
    found = {}
    heard = tap.attention
    for name, layer in heard.layers.items():
        tensor, mixed = heard.heard[name], heard.transformed.get(name)
        shape = tensor.shape
        if outputs.fault(name, tensor, True) is not None:
            continue
        transformed = None
        if mixed is not None:
            sizes = tuple(heard.heard[mixed].shape[1:])
            transformed = Place(mixed, ("head", "key", "channel"), sizes, layer)
        found["".join(name.rsplit("/attention", 1))] = AttentionPlace(
            name=name,
            axes=("head", "query", "key"),
            shape=tuple(shape[1:]),
            layer=layer,
            crosses=name in heard.crossing,
            transformed=transformed,
        )
    return found


def place_named(known: Mapping[str, PlaceType], name: str, kind: str = "layer") -> PlaceType:
    """That of the `known` places with this name; the inner name alone will do where it is unique.

    Raises:
        ValueError: If there is no such place, or several; it lists what is known.
    """
    if name in known:
        return known[name]
    inner = [one for one in known if one.rsplit("/", 1)[-1] == name]
    if len(inner) == 1:
        return known[inner[0]]
    fault = f"names several {kind}s" if inner else f"names no {kind}"
    near = difflib.get_close_matches(name, inner or known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near and not inner else ""
    raise ValueError(
        f"`layer` {fault} of this model. Known: {', '.join(inner or known)}.{hint} "
        f"Received: {name!r}"
    )


def _place(name: str, tensor: Any, layer: keras.Layer | None) -> Place:
    channels_first = getattr(layer, "data_format", None) == "channels_first"
    return Place(
        name=name,
        axes=axes_of(len(tensor.shape) - 1, channels_first),
        shape=tuple(int(size) for size in tensor.shape[1:]),
        layer=layer,
        differentiable=keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype)),
        is_text=keras.backend.standardize_dtype(tensor.dtype) == "string",
    )


def axes_of(rank: int, channels_first: bool = False) -> tuple[str, ...]:
    """Names of the axes of one example with so many axes: an image has height, width, channel."""
    space = {2: ("time",), 3: ("height", "width"), 4: ("depth", "height", "width")}.get(rank)
    if space is None:
        return ("feature",) if rank == 1 else tuple(f"axis{i}" for i in range(rank))
    return ("channel", *space) if channels_first else (*space, "channel")
