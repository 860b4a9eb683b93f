"""A model as a pure function of its weights and inputs, listened to while it runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..model_view import EntryPlace, Place
from ..probes import Probes, labels_of, loss_of, output_names
from ..probes.calls import Called, reason_of
from ..probes.fitting import is_text, symbol_of
from ..rewiring import Rewiring
from ..tap import Surroundings, Tap, named_layers, named_weights, tapped
from . import keras_internals
from .state import fixed_batch, initial_state

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
        logits: What went into its softmax or sigmoid, `(rows, ..., outputs)`; itself without one,
            and where it is numbers.
        labels: The probes' labels for that output, or None.
        head: Name of the softmax or sigmoid that was looked through, or None.
        loss: The compiled loss of that output, or None.
        output: Its name, in a model of several outputs; else empty.
    """

    tap: Tap
    inputs: Mapping[str, Any]
    outputs: Any
    explained: Any
    logits: Any
    labels: Any
    head: str | None
    loss: Any
    output: str

    def tensor(self, place: Place) -> Any:
        """What lies at `place`."""
        if place.layer is None:
            return self.inputs[place.name]
        heard = self.tap.attention.heard
        if isinstance(place, EntryPlace):
            return self.tap.taken[place.name.removesuffix("/input")][0]
        return heard[place.name] if place.name in heard else self.tap.outputs[place.name]


class Network:
    """A model that can be run at any weights, and that running does not change.

    It runs in a `StatelessScope`, in inference mode.

    Args:
        model: A built Keras model of any kind.
        probes: The examples as the model takes them (`Probes.fitted`).
        output: Name or index of the explained one among several outputs.
        floats: Names of inputs of whole numbers that are given as floating-point numbers, so that
            there is a gradient at them.

    Attributes:
        names: Names of the inputs.
        x: The probes' inputs, as tensors in the structure that the model takes; filled up with
            the last probe where the model takes a fixed number of rows.
        rows: That number, or None.
        weights: The trainable Keras variables, by name.
        trainable: The same without names.
        explains_logits: Whether a softmax or sigmoid at the end is looked through; not where the
            outputs are numbers.
    """

    def __init__(
        self,
        model: keras.Model,
        probes: Probes,
        output: str | int | None = None,
        floats: Collection[str] = (),
    ) -> None:
        self.model = model
        self.floats = tuple(floats)
        self.explains_logits = True
        self.rows = fixed_batch(model)
        if self.rows is not None and probes.count > self.rows:
            raise ValueError(
                f"`probes` must hold at most {self.rows} examples: the model takes batches of "
                f"{self.rows}. Received: {probes.count}"
            )
        self.x = keras.tree.map_structure(self._tensor, probes.cast_for(model, floats))
        self.names = list(probes.named_inputs(model))
        self.weights = named_weights(model)
        self.trainable = list(self.weights.values())
        self._fixed = list(model.non_trainable_variables)
        self._surroundings = Surroundings.of(model)
        self._initial = initial_state(model, named_layers(model).values())
        self._probes = probes
        self._output = output
        self._loss_fault: str | None = None

    def _tensor(self, array: NDArray[Any]) -> Any:
        if self.rows is not None and self.rows != len(array):
            array = array[np.minimum(np.arange(self.rows), len(array) - 1)]
        return keras.ops.convert_to_tensor(array)

    def of_probes(self, tensor: Any) -> Any:
        """The probes' own rows of what was computed from `x`."""
        is_filled = self.rows is not None and self.rows != self._probes.count
        return tensor[: self._probes.count] if is_filled else tensor

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function` as one graph; its first two arguments are the present `Weights`."""
        return backends.current().compiled(function, self.trainable, self._fixed)

    def inputs(self) -> dict[str, NDArray[Any]]:
        """The probes' inputs as arrays, by name."""
        arrays = map(backends.current().numpy_of, keras.tree.flatten(self.x))
        return dict(zip(self.names, map(self.of_probes, arrays), strict=True))

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
            # With what layers add to the loss while they are called.
            keras.StatelessScope([*mapping, *self._initial], collect_losses=True),
            _on_its_own(),
            self._taking_floats(),
            tapped(self.model, rewiring, replaced, joined, self._surroundings) as tap,
        ):
            if rewiring is not None:
                entering = [rewiring.place(name, None, inputs[name]) for name in self.names]
                x = keras.tree.pack_sequence_as(x, entering)
            outputs = self.model(x, training=False)
            explained, labels, loss, output = self._explained(outputs)
            head = tap.logits_of(explained) if self.explains_logits else None
            name, logits = (None, explained) if head is None else head
            explained, logits = (self._with_rows(one, inputs) for one in (explained, logits))
            yield Ran(tap, inputs, outputs, explained, logits, labels, name, loss, output)

    def _taking_floats(self) -> AbstractContextManager[None]:
        """The model takes floats, where it declares integers, if there are such inputs."""
        inside = (self.model, *named_layers(self.model).values()) if self.floats else ()
        return keras_internals.integers_as_they_come(inside)

    def _with_rows(self, tensor: Any, inputs: Mapping[str, Any]) -> Any:
        """An output with the number of its rows known, `(rows, ..., outputs)`.

        Where strings or ragged rows have passed, TensorFlow has lost it.
        """
        rows = next(iter(inputs.values())).shape[0]
        if tensor.shape[0] is None and None not in tensor.shape[1:]:
            tensor = keras.ops.reshape(tensor, (rows, *tensor.shape[1:]))
        return tensor if len(tensor.shape) > 1 else tensor[:, None]

    @property
    def has_loss(self) -> bool:
        """Whether a loss can be computed: there are labels, and the model says how.

        A `train_step` of the user's own may keep it to itself. A model that adds its losses while
        it is called needs no labels.
        """
        model = self.model
        if not getattr(model, "compiled", False) or self._loss_fault is not None:
            return False
        its_own = type(model).compute_loss is not keras.Model.compute_loss
        says_how = its_own or getattr(model, "loss", None) is not None
        adds_some = bool(model.losses)
        return adds_some and not says_how if self._probes.y is None else says_how or adds_some

    @property
    def loss_is_of_outputs(self) -> bool:
        """Whether nothing but the outputs goes into the loss."""
        its_own = type(self.model).compute_loss is not keras.Model.compute_loss
        return not its_own and not self.model.losses

    def loss(self, x: Any, outputs: Any) -> Any:
        """The compiled loss on the probes."""
        outputs = keras.tree.map_structure(self.of_probes, outputs)
        x = keras.tree.map_structure(self.of_probes, x)
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

        Raises:
            ValueError: If the probes' labels do not fit the loss, so that no training could be
                validated on them.
        """
        model, y = self.model, self._probes.y
        if y is None or getattr(model, "loss", None) is None:
            return
        if any(array is not None and is_text(array) for array in keras.tree.flatten(y)):
            raise ValueError(
                "`probes` must hold labels that the model's loss takes, as `validation_data` does; "
                "names of classes are for `class_names`. Received: labels that are strings"
            )
        symbols = keras.tree.map_structure(
            lambda a: None if a is None else symbol_of(a),
            (self.x, y, self._probes.sample_weight),
        )
        try:
            outputs = Called(model).compute_output_spec(symbols[0])
        except Exception:
            return  # the trace will say what is wrong with the inputs
        outputs = keras.tree.map_structure(self._symbol_of_probes, outputs)
        names = output_names(outputs, model)
        needed = [at for at in range(len(names)) if loss_of(model.loss, names, at) is not None]
        lacking = [names[at] for at in needed if labels_of(y, model.loss, names, at) is None]
        if lacking:
            self._loss_fault = f"there are no labels for {', '.join(lacking)}"
            return
        try:
            x = keras.tree.map_structure(self._symbol_of_probes, symbols[0])
            _Loss(model).compute_output_spec(x, symbols[1], outputs, symbols[2])
        except Exception as error:
            if self._differs_in_training(symbols[0], outputs):
                self._loss_fault = "the model has other outputs in training"
                return
            raise ValueError(
                "`probes` must hold labels that the model's loss takes, as `validation_data` does: "
                f"the loss {_called(model.loss)} fails on outputs {_shapes(outputs)} with "
                f"{reason_of(error)}. Received: labels {_shapes(y)}"
            ) from error

    def _symbol_of_probes(self, symbol: Any) -> Any:
        if self.rows is None:
            return symbol
        return keras.KerasTensor((self._probes.count, *symbol.shape[1:]), symbol.dtype)

    def _differs_in_training(self, x: Any, outputs: Any) -> bool:
        """Whether the outputs in training are others than those that are explained."""
        trained = Called(self.model, training=True).compute_output_spec(x)
        trained = keras.tree.map_structure(self._symbol_of_probes, trained)
        shapes = [[one.shape for one in keras.tree.flatten(some)] for some in (trained, outputs)]
        return shapes[0] != shapes[1]

    def _explained(self, outputs: Any) -> tuple[Any, Any, Any, str]:
        """The output that is explained, its labels or None, its loss or None, and its name."""
        flat, names = keras.tree.flatten(outputs), output_names(outputs, self.model)
        place = 0 if self._output is None else self._output
        if isinstance(place, str) and place in names:
            place = names.index(place)
        if isinstance(place, str) or not 0 <= place < len(flat):
            raise ValueError(
                f"`output` must name one of the model's outputs. Known: {', '.join(names)}, "
                f"or 0 to {len(flat) - 1}. Received: {self._output!r}"
            )
        compiled = getattr(self.model, "loss", None)
        labels = labels_of(self._probes.y, compiled, names, place)
        loss = loss_of(compiled, names, place)
        return flat[place], labels, loss, names[place] if len(flat) > 1 else ""


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
    """A model's loss as an operation, which can be called with symbols."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__(name="loss")
        self._model = model

    def call(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        return self._model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)


def _called(loss: Any) -> str:
    """The names of the losses."""
    names = [
        one if isinstance(one, str) else getattr(one, "__name__", type(one).__name__)
        for one in keras.tree.flatten(loss)
    ]
    return ", ".join(names)


def _shapes(arrays: Any) -> str:
    flat = keras.tree.flatten(arrays)
    return ", ".join(f"{tuple(one.shape)} {one.dtype}" for one in flat)


def floats(tensors: Sequence[Any]) -> list[Any]:
    """Those of the tensors that hold floating-point numbers."""
    return [tensor for tensor in tensors if is_float(tensor)]


def is_float(tensor: Any) -> bool:
    """Whether the tensor holds floating-point numbers."""
    return bool(keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype)))


def float32(tensor: Any) -> Any:
    """The tensor in float32, if it holds floating-point numbers."""
    return keras.ops.cast(tensor, "float32") if is_float(tensor) else tensor
