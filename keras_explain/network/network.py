"""A model as a pure function of its weights and inputs, listened to while it runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
from numpy.typing import NDArray

from .. import backends
from ..model_view import Place
from ..probes import Probes, output_names
from ..rewiring import Rewiring
from ..tap import Tap, named_weights, tapped
from .keras_internals import compiled_loss_of

Weights = tuple[list[Any], list[Any]]
"""Values of the trainable weights, and of all the others."""


@dataclass(frozen=True)
class Ran:
    """One call of the model.

    Attributes:
        tap: What was heard.
        inputs: Input tensors by name.
        outputs: What the model returned.
        explained: The one output that is explained.
        logits: What went into its softmax or sigmoid, `(rows, ..., outputs)`; itself without one.
        labels: The probes' labels for that output, or None.
        has_head: Whether a softmax or sigmoid was looked through.
    """

    tap: Tap
    inputs: Mapping[str, Any]
    outputs: Any
    explained: Any
    logits: Any
    labels: Any
    has_head: bool

    def tensor(self, place: Place) -> Any:
        """What lies at `place`."""
        if place.layer is None:
            return self.inputs[place.name]
        heard = self.tap.attention.heard
        return heard[place.name] if place.name in heard else self.tap.outputs[place.name]


class Network:
    """A model that can be run at any weights, and that running does not change.

    It runs in a `StatelessScope`, in inference mode.

    Args:
        model: A built Keras model of any kind.
        probes: The examples, whose structure all inputs have.
        output: Name or index of the explained one among several outputs.

    Attributes:
        names: Names of the inputs.
        x: The probes' inputs, as tensors in the structure that the model takes.
        weights: The trainable Keras variables, by name.
        trainable: The same without names.
    """

    def __init__(self, model: keras.Model, probes: Probes, output: str | int | None = None) -> None:
        self.model = model
        self.x = keras.tree.map_structure(keras.ops.convert_to_tensor, probes.cast_for(model))
        self.names = list(probes.named_inputs(model))
        self.weights = named_weights(model)
        self.trainable = list(self.weights.values())
        self._fixed = list(model.non_trainable_variables)
        self._probes = probes
        self._output = output

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function` as one graph; its first two arguments are the present `Weights`."""
        return backends.current().compiled(function, self.trainable, self._fixed)

    def inputs(self) -> dict[str, NDArray[Any]]:
        """The probes' inputs as arrays, by name."""
        arrays = map(backends.current().numpy_of, keras.tree.flatten(self.x))
        return dict(zip(self.names, arrays, strict=True))

    def packed(self, inputs: Mapping[str, Any]) -> Any:
        """Inputs by name, in the structure that the model takes."""
        flat = [keras.ops.convert_to_tensor(inputs[name]) for name in self.names]
        return keras.tree.pack_sequence_as(self.x, flat)

    @contextmanager
    def running(
        self,
        weights: Weights,
        x: Any,
        rewiring: Rewiring | None = None,
        replaced: Mapping[str, Any] | None = None,
        joined: Collection[str] = (),
    ) -> Iterator[Ran]:
        """The model called on `x` at these weights, listened to, and unable to change."""
        trainable, fixed = weights
        mapping = zip((*self.trainable, *self._fixed), (*trainable, *fixed), strict=True)
        inputs = dict(zip(self.names, keras.tree.flatten(x), strict=True))
        if rewiring is not None:
            rewiring.begin(next(iter(inputs.values())).shape[0])
        with (
            keras.StatelessScope(list(mapping)),
            _on_its_own(),
            tapped(self.model, rewiring, replaced, joined) as tap,
        ):
            if rewiring is not None:
                entering = [rewiring.place(name, None, inputs[name]) for name in self.names]
                x = keras.tree.pack_sequence_as(x, entering)
            outputs = self.model(x, training=False)
            explained, labels = self._explained(outputs)
            head = tap.logits_of(explained)
            logits = explained if head is None else head[1]
            logits = logits if len(logits.shape) > 1 else logits[:, None]
            yield Ran(tap, inputs, outputs, explained, logits, labels, head is not None)

    @property
    def has_loss(self) -> bool:
        """Whether a loss can be computed: there are labels, and the model says how.

        A `train_step` of the user's own may keep it to itself.
        """
        model = self.model
        its_own = type(model).compute_loss is not keras.Model.compute_loss
        says_how = its_own or getattr(model, "loss", None) is not None or bool(model.losses)
        return self._probes.y is not None and getattr(model, "compiled", False) and says_how

    def loss(self, x: Any, outputs: Any) -> Any:
        """The compiled loss on the probes."""
        y, weight = (
            keras.tree.map_structure(
                lambda a: None if a is None else keras.ops.convert_to_tensor(a), part
            )
            for part in (self._probes.y, self._probes.sample_weight)
        )
        return self.model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weight)

    def build_loss(self) -> None:
        """Build a compiled loss that no `fit` has built yet, outside of any graph.

        By a call with symbols, as Keras does: the model's own `compute_loss` may do anything.
        """
        loss = compiled_loss_of(self.model)
        if self._probes.y is not None and loss is not None and not loss.built:
            x, y, weight = keras.tree.map_structure(
                lambda a: None if a is None else keras.KerasTensor(a.shape, a.dtype),
                (self.x, self._probes.y, self._probes.sample_weight),
            )
            _Loss(self.model).compute_output_spec(x, y, weight)

    def _explained(self, outputs: Any) -> tuple[Any, Any]:
        """The one of the model's outputs that is explained, and its labels or None."""
        flat, labels = keras.tree.flatten(outputs), keras.tree.flatten(self._probes.y)
        names = output_names(outputs, self.model)
        place = 0 if self._output is None else self._output
        if isinstance(place, str) and place in names:
            place = names.index(place)
        if isinstance(place, str) or not 0 <= place < len(flat):
            raise ValueError(
                f"`output` must name one of the model's outputs. Known: {', '.join(names)}, "
                f"or 0 to {len(flat) - 1}. Received: {self._output!r}"
            )
        if self._probes.y is not None and len(labels) != len(flat):
            raise ValueError(
                f"`probes` must hold labels for each of the model's {len(flat)} outputs. "
                f"Received: labels for {len(labels)}"
            )
        return flat[place], None if self._probes.y is None else labels[place]


@contextmanager
def _on_its_own() -> Iterator[None]:
    """Nothing that is computed here is spread over devices, as the training may be."""
    spread = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(spread)


class _Loss(keras.Operation):
    """A model and its loss as one operation, which can be called with symbols."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__(name="loss")  # no name that would be counted
        self._model = model

    def call(self, x: Any, y: Any, sample_weight: Any) -> Any:
        y_pred = self._model(x, training=False)
        return self._model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)


def floats(tensors: Sequence[Any]) -> list[Any]:
    """Those of the tensors that hold floating-point numbers."""
    return [tensor for tensor in tensors if is_float(tensor)]


def is_float(tensor: Any) -> bool:
    """Whether the tensor holds floating-point numbers."""
    return bool(keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype)))


def float32(tensor: Any) -> Any:
    """The tensor in float32, if it holds floating-point numbers."""
    return keras.ops.cast(tensor, "float32") if is_float(tensor) else tensor
