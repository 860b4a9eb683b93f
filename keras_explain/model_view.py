"""What one call of a model showed of it: the places that a method can name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import keras

from . import backends
from .flow import Flow
from .network.keras_internals import inner_layers
from .store.format.axes import SPACE
from .tap import Tap

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
    """

    name: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    layer: keras.Layer | None = None
    differentiable: bool = True

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
class ModelView:
    """The places of a model, in the order in which they are computed.

    Attributes:
        inputs: The inputs by name.
        layers: The layers' outputs by name. A layer called again stands there again as `name#2`.
        weights: Names of the trainable weights, in model order, as `layer/kernel`.
        weight_shapes: Their shapes.
        head: Names of the layers whose output is the model's output, or only a softmax before it.
        classes: Number of outputs that a target can name; None where that is not known.
        has_loss: Whether a loss can be computed.
        functions: Names of the backend's functions that it calls, such as `relu` and `matmul`.
        flow: The way from its places to the output.
        attention: The attention of the layers that have some, by the layer's name.
        fed_by: By a layer's name, the inputs and layers whose very outputs go into it.
    """

    inputs: Mapping[str, Place]
    layers: Mapping[str, Place]
    weights: tuple[str, ...] = ()
    weight_shapes: tuple[tuple[int, ...], ...] = ()
    head: frozenset[str] = frozenset()
    classes: int | None = None
    has_loss: bool = False
    functions: frozenset[str] = frozenset()
    flow: Flow | None = field(default=None, compare=False, repr=False)
    attention: Mapping[str, AttentionPlace] = field(default_factory=dict)
    fed_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
        attention = {place.name: place for place in self.attention.values()}
        return attention[name] if name in attention else place_named(self.layers, name)

    def input_under(self, place: Place) -> str | None:
        """Name of the input that a map at `place` can be laid over; None if that is not plain."""
        if place.layer is None:
            return place.name
        if type(place.layer).__name__ == "Embedding":
            ids = (p for p in self.inputs.values() if not p.differentiable)
            under = [p.name for p in ids if p.shape[:1] == place.shape[:1]]
        else:
            space = [axis for axis in place.axes if axis in SPACE]
            under = [
                p.name
                for p in self.inputs.values()
                if space and [axis for axis in p.axes if axis in SPACE] == space
            ]
        return under[0] if len(under) == 1 else None

    @property
    def convolutions(self) -> list[Place]:
        """Every convolution's output that is a map, in order."""
        return [place for place in self.layers.values() if place.is_convolution and place.is_leaf]

    def last_feature_map(self) -> Place:
        """The finished feature map of the last convolution before the head.

        That is the last output of the same size before pooling: behind the convolution's batch
        normalisation, activation or residual sum, where there are such.

        Raises:
            NotApplicableError: If the model has no convolution before its head.
        """
        order = [p for p in self.layers.values() if p.is_leaf and p.differentiable]
        last = None
        for position, place in enumerate(order):
            is_head = place.name in self.head or place.shape[-1:] == (self.classes,)
            weighted_after = any(later.is_weighted for later in order[position + 1 :])
            if place.is_convolution and place.is_spatial and (weighted_after or not is_head):
                last = position
        if last is None:
            raise NotApplicableError(
                "a class activation map needs a convolution before the head of the model, or "
                f"`layer`. Known: {', '.join(self.layers)}. Received: layer=None"
            )
        found = order[last]
        for place in order[last + 1 :]:
            if place.is_weighted and type(place.layer).__name__ != "BatchNormalization":
                break
            same = place.shape == order[last].shape and place.axes == order[last].axes
            if same and not any(word in type(place.layer).__name__ for word in ("Drop", "Pool")):
                found = place
        return found


def view_of(
    tap: Tap,
    inputs: Mapping[str, Any],
    head: Sequence[Any],
    weights: Mapping[str, Any],
    has_loss: bool,
) -> ModelView:
    """The view of a model whose call was listened to by `tap`.

    Args:
        tap: What was heard.
        inputs: Input tensors by name.
        head: The explained output and, if that is another tensor, its logits.
        weights: Trainable Keras variables by name.
        has_loss: Whether a loss can be computed.
    """
    is_head = {id(tensor) for tensor in head}
    # A tensor that a layer hands on as it is belongs to what made it; one that is cast does too.
    made_by = {id(t): n for n, t in reversed([*inputs.items(), *tap.outputs.items()])}
    return ModelView(
        inputs={name: _place(name, tensor, None) for name, tensor in inputs.items()},
        layers={n: _place(n, tensor, tap.layers[n]) for n, tensor in tap.outputs.items()},
        weights=tuple(weights),
        weight_shapes=tuple(tuple(weight.shape) for weight in weights.values()),
        head=frozenset(n for n, tensor in tap.outputs.items() if id(tensor) in is_head),
        classes=head[0].shape[-1] if len(head[0].shape) > 1 else 1,
        has_loss=has_loss,
        functions=frozenset(called.name for called in tap.functions),
        flow=Flow(tap, inputs, head[-1]),
        attention=_attention(tap, next(iter(inputs.values())).shape[0]),
        fed_by={n: tuple(_maker(made_by, t) for t in taken) for n, taken in tap.taken.items()},
    )


def _maker(made_by: Mapping[int, str], tensor: Any) -> str:
    """Which place made the tensor, or what it was cast from; empty if none did."""
    known = (made_by.get(id(one)) for one in backends.current().before_casts(tensor))
    return next((name for name in known if name is not None), "")


def _attention(tap: Tap, rows: int) -> dict[str, AttentionPlace]:
    """The attention that was heard, where its rows are the probes."""
    found = {}
    heard = tap.attention
    for name, layer in heard.layers.items():
        shape, mixed = heard.heard[name].shape, heard.transformed.get(name)
        if shape[0] not in (rows, None) or None in shape[1:]:
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
    )


def axes_of(rank: int, channels_first: bool = False) -> tuple[str, ...]:
    """Names of the axes of one example with so many axes: an image has height, width, channel."""
    space = {2: ("time",), 3: ("height", "width"), 4: ("depth", "height", "width")}.get(rank)
    if space is None:
        return ("feature",) if rank == 1 else tuple(f"axis{i}" for i in range(rank))
    return ("channel", *space) if channels_first else (*space, "channel")
