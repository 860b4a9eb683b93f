"""The few fixed examples that are watched all training long."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..inputs import InputNames, named
from ..network.layer_names import layers_inside, renumbered
from ..store import ProbeSet
from .calls import Called, reason_of
from .fitting import check_shapes, is_text, native, preprocessed, structured, symbol_of
from .keeping import Keeping
from .looks import Look, look_of
from .names import ClassNames, names_of
from .task import truth_of

MOST = 256
FORMS = (
    "(x, y), (x, y, sample_weight), a tf.data.Dataset, a keras.utils.PyDataset or a generator of "
    "batches, as `fit` takes for `validation_data`"
)


@dataclass(frozen=True)
class Probes:
    """Fixed examples in the structure that the model is called with.

    Attributes:
        x: Arrays `(probes, ...)`, in the structure of the model's inputs (array, list or dict).
        y: Labels in the structure of the model's outputs, or None.
        sample_weight: Weights of the examples in the loss, or None.
        count: Number of probes.
        whole: What was given, where it may also be inputs alone: a tuple of as many arrays as a
            model with a training step of its own takes.
    """

    x: Any
    y: Any
    sample_weight: Any
    count: int
    whole: Any = None

    @classmethod
    def of(cls, data: Any) -> Probes:
        """Read probes from anything that `fit` takes as validation data.

        Args:
            data: `(x, y)` or another of the forms above; a data set is read to its end.

        Raises:
            ValueError: If it is none of these, is empty, holds over 256 examples, or the arrays
                differ in length.
        """
        if isinstance(data, tuple) and data and not _is_data_set(data[0]):
            whole = data
        elif _is_data_set(data):
            whole = _read_to_the_end(data)
        else:
            raise ValueError(f"`probes` must be {FORMS}. Received: {type(data).__name__}")
        if isinstance(whole, tuple) and len(whole) > 3:  # more than inputs, labels and weights
            whole = (whole,)
        x, y, weight = keras.utils.unpack_x_y_sample_weight(whole)
        x = x[0] if isinstance(x, list | tuple) and len(x) == 1 else x
        x, y, weight = (keras.tree.map_structure(_array, part) for part in (x, y, weight))
        arrays = [array for array in keras.tree.flatten((x, y, weight)) if array is not None]
        lengths = {len(array) for array in arrays if array.ndim}
        if len(lengths) != 1 or not all(array.ndim for array in arrays):
            raise ValueError(
                "`probes` must hold arrays of one length, examples first (a single example is "
                "`(x[:1], y[:1])`, a list is one array for each input). "
                f"Received: lengths {sorted(lengths)}, shapes "
                f"{', '.join(str(array.shape) for array in arrays)}"
            )
        count = lengths.pop()
        _check_count(count)
        parts = (x, y, weight)[: len(whole)] if isinstance(whole, tuple) else ()
        several = len(parts) > 1 and all(part is not None for part in parts)
        return cls(x, y, weight, count, parts if several else None)

    def fitted(self, model: keras.Model) -> Probes:
        """The probes as the model gets them: preprocessed, in its structure, in native byte order.

        Raises:
            ValueError: If they cannot be what the model takes.
        """
        x, y, weight = self.x, self.y, self.sample_weight
        if self.whole is not None and _takes_tuple(model, x, self.whole):
            x, y, weight = self.whole, None, None
        x, y, weight = preprocessed(model, x, y, weight)
        x = structured(model, x)
        x, y, weight = (
            keras.tree.map_structure(lambda a: a if a is None else native(a), part)
            for part in (x, y, weight)
        )
        check_shapes(model, x)
        return replace(self, x=x, y=y, sample_weight=weight, whole=None)

    def build(self, model: keras.Model) -> None:
        """Build a model that is not built yet, from symbols of the probes' shapes.

        The way in which Keras itself builds where the backend asks for it: nothing is computed, and
        the weights get the values that they would have got. A model that cannot be built like this
        is left to its first batch.

        Raises:
            ValueError: If the model does not take the probes.
        """
        if is_built(model):
            return
        if self.whole is not None and _has_own_step(model):
            return  # only what its first batch builds tells what it takes
        symbols = keras.tree.map_structure(
            lambda a: symbol_of(a, None),
            self.fitted(model).cast_for(model),
        )
        try:
            Called(model).compute_output_spec(symbols)
        except ValueError as error:
            if model.built:
                return  # a layer inside is not, and need not be
            came = ", ".join(f"{one.shape} {one.dtype}" for one in keras.tree.flatten(self.x))
            raise ValueError(
                f"`probes` must hold inputs that {type(model).__name__} can be called on, as `fit` "
                f"does: that fails with {reason_of(error)}. Received: {came}"
            ) from error
        except Exception:
            return  # what cannot be built from symbols is left to its first batch

    def named_inputs(self, model: keras.Model) -> dict[str, NDArray[Any]]:
        """The input arrays by the names that the model gives them."""
        return dict(zip(input_names(self.x, model), keras.tree.flatten(self.x), strict=True))

    def described(
        self,
        model: keras.Model,
        class_names: ClassNames | None = None,
        names: InputNames | Mapping[str, InputNames] | None = None,
        *,
        keeping: Keeping | None = None,
        labels: Any = None,
        looks: Mapping[str, Look] | None = None,
    ) -> ProbeSet:
        """The probes as they are kept in the run, with what is known of them.

        Args:
            model: The model that gets them.
            class_names: Names of the classes.
            names: What is known of an input, by the input's name or of the only one.
            keeping: What the explained output is, and how much of it is kept.
            labels: The labels of that output.
            looks: By the input's name, what it is, where the model has told.

        Raises:
            ValueError: If the names do not fit the inputs, or the outputs.
        """
        inputs = self.named_inputs(model)
        said = named(names, inputs)
        looks = {
            name: (looks or {}).get(name) or look_of(array, (), False, said.get(name))
            for name, array in inputs.items()
        }
        kept = {name: looks[name].kept(array) for name, array in inputs.items()}
        inputs = {name: values for name, (values, _) in kept.items()}
        known = {name: one.facts(name, inputs[name]) for name, one in said.items()}
        pictures = {name: one.pictures(name, inputs[name]) for name, one in said.items()}
        facts = {name: known for name, (_, known) in kept.items() if known is not None}
        task = None if keeping is None else keeping.kept_task
        truth = None if keeping is None else truth_of(keeping.task, labels, self.count)
        if keeping is not None and truth is not None:
            truth = keeping.thinned(truth)
        is_class = task is not None and task.has_classes and not task.is_dense
        return ProbeSet(
            inputs=inputs,
            axes={name: look.axes for name, look in looks.items()},
            kinds={
                name: known[name][0] if name in known else look.kind for name, look in looks.items()
            },
            labels=truth.astype(np.int64) if is_class and truth is not None else None,
            class_names=None if task is None else names_of(class_names, task),
            facts={**facts, **{name: one for name, (_, one) in known.items()}},
            pictures={name: shown for name, shown in pictures.items() if shown is not None},
            task=task,
            truth=None if is_class else truth,
        )

    def undeclared_integers(self, model: keras.Model) -> list[str]:
        """Names of inputs of whole numbers whose type the model does not declare."""
        if getattr(model, "inputs", None):
            return []
        arrays = self.named_inputs(model)
        return [name for name, array in arrays.items() if array.dtype.kind in "iu"]

    def cast_for(self, model: keras.Model, floats: Collection[str] = ()) -> Any:
        """`x` as arrays of the types that the model computes with.

        Integers become floats where the model declares floats, so that there is a gradient at
        them; else they stay, less those that are named.

        Args:
            model: The model.
            floats: Names of inputs that become floats.
        """
        inputs = getattr(model, "inputs", None) or []
        names, flat = input_names(self.x, model), keras.tree.flatten(self.x)
        declared: list[str | None] = [keras.backend.standardize_dtype(i.dtype) for i in inputs]
        if len(declared) != len(flat):
            declared = [None] * len(flat)
        cast = []
        for name, array, dtype in zip(names, flat, declared, strict=True):
            if array.dtype.kind not in "biuf" or dtype == "string":
                cast.append(array)
            elif dtype is not None:
                is_float = keras.backend.is_float_dtype(dtype) or name in floats
                cast.append(array.astype("float32" if is_float else dtype))
            else:
                stays = array.dtype.kind in "iu" and name not in floats
                cast.append(array if stays else array.astype("float32"))
        return keras.tree.pack_sequence_as(self.x, cast)


def input_names(x: Any, model: keras.Model) -> list[str]:
    """A name for each input array: the dict's keys, else the model's names, else `input`."""
    if isinstance(x, Mapping):
        return ["/".join(map(str, path)) for path, _ in keras.tree.flatten_with_path(x)]
    flat = keras.tree.flatten(x)
    own = [getattr(tensor, "name", "") for tensor in getattr(model, "inputs", None) or []]
    if len(own) == len(flat) > 1 and all(own):
        # Keras counts the inputs of a process: the second model of the same code has other names.
        own = renumbered(own, ["InputLayer"] * len(own))
        return renumbered(own, ["KerasTensor"] * len(own))
    return ["input"] if len(flat) == 1 else [f"input_{i}" for i in range(len(flat))]


def output_names(outputs: Any, model: keras.Model) -> list[str]:
    """A name for each output: the dict's keys, else the model's names, else its number."""
    if isinstance(outputs, Mapping):
        return ["/".join(map(str, path)) for path, _ in keras.tree.flatten_with_path(outputs)]
    names = getattr(model, "output_names", None)
    count = len(keras.tree.flatten(outputs))
    return list(names) if names and len(names) == count else [str(i) for i in range(count)]


def _is_data_set(data: Any) -> bool:
    if isinstance(data, keras.utils.PyDataset):
        return True
    is_array = hasattr(data, "shape") or isinstance(data, str | bytes | Mapping | list | tuple)
    return hasattr(data, "__iter__") and not is_array


def _read_to_the_end(data: Any) -> Any:
    if isinstance(data, keras.utils.PyDataset):
        if data.num_batches is None:
            raise ValueError("`probes` must be finite. Received: a PyDataset without a length")
        batches = (data[index] for index in range(data.num_batches))
    else:
        batches = iter(data)
    read: list[Any] = []
    count = 0
    for batch in batches:
        read.append(keras.tree.map_structure(_array, batch))
        count += len(keras.tree.flatten(read[-1])[0])
        _check_count(count)
    if not read:
        raise ValueError("`probes` must hold at least one example. Received: an empty data set")
    try:
        return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *read)
    except ValueError as error:
        shapes = ", ".join(str(keras.tree.flatten(batch)[0].shape) for batch in read[:4])
        raise ValueError(
            "`probes` must hold batches of one shape, as after `padded_batch`. "
            f"Received: inputs of shapes {shapes}"
        ) from error


def _check_count(count: int) -> None:
    if not 1 <= count <= MOST:
        raise ValueError(
            f"`probes` must hold 1 to {MOST} examples: they are explained together at every step. "
            "Take a few, as in `(x_val[:16], y_val[:16])` or "
            f"`data.unbatch().batch(16).take(1)`. Received: {count} or more"
        )


def _array(value: Any) -> Any:
    if value is None:
        return None
    if hasattr(value, "toarray") and hasattr(value, "tocsr"):  # SciPy's sparse matrices
        value = value.toarray()
    array = keras.ops.convert_to_numpy(value) if keras.ops.is_tensor(value) else np.asarray(value)
    if array.ndim and array.dtype.kind in "OUS":
        if is_text(array):
            return array.astype(object)
        with contextlib.suppress(TypeError, ValueError):  # pandas' numbers that may be missing
            return np.asarray(array, "float32")
    if array.dtype.kind not in "biuf":
        raise ValueError(
            "`probes` must hold arrays of numbers or strings, examples first, all of one shape. "
            f"Received: {type(value).__name__} of shape {array.shape}, {array.dtype}"
        )
    return array


def is_built(model: keras.Model) -> bool:
    """Whether a model and all layers inside it have their weights."""
    return bool(model.built) and all(found.layer.built for found in layers_inside(model))


def _has_own_step(model: keras.Model) -> bool:
    """Whether the model trains by a step of its own, which need not take inputs and labels."""
    its_own = type(model).train_step is not keras.Model.train_step
    return its_own and getattr(model, "loss", None) is None


def _takes_tuple(model: keras.Model, x: Any, whole: Any) -> bool:
    """Whether a model takes all arrays as its inputs, and not the first one alone."""
    declared = getattr(model, "inputs", None)
    if declared:
        given, alone = (len(keras.tree.flatten(part)) for part in (whole, x))
        return len(declared) == given > alone
    return _has_own_step(model) and not _can_call(model, x) and _can_call(model, whole)


def _can_call(model: keras.Model, x: Any) -> bool:
    """Whether a built model can be called on such inputs; nothing is computed."""
    symbols = keras.tree.map_structure(symbol_of, x)
    try:
        Called(model).compute_output_spec(symbols)
    except Exception:
        return False
    return True
