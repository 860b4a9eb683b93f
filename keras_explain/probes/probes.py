"""The few fixed examples that are watched all training long."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..inputs import InputNames, named
from ..labels import class_indices
from ..model_view import axes_of
from ..network.keras_internals import symbolic_build_of
from ..store import ProbeSet

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
    """

    x: Any
    y: Any
    sample_weight: Any
    count: int

    @classmethod
    def of(cls, data: Any) -> Probes:
        """Read probes from anything that `fit` takes as validation data.

        Args:
            data: `(x, y)` or another of the forms above; a data set is read to its end.

        Raises:
            ValueError: If it is none of these, is empty, holds over 256 examples, or the arrays
                differ in length.
        """
        if isinstance(data, tuple) and len(data) in (1, 2, 3) and not _is_data_set(data[0]):
            x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
            x = x[0] if isinstance(x, list | tuple) and len(x) == 1 else x
        elif _is_data_set(data):
            x, y, weight = keras.utils.unpack_x_y_sample_weight(_read_to_the_end(data))
        else:
            raise ValueError(f"`probes` must be {FORMS}. Received: {type(data).__name__}")
        x, y, weight = (keras.tree.map_structure(_array, part) for part in (x, y, weight))
        lengths = {len(array) for array in keras.tree.flatten((x, y, weight)) if array is not None}
        if len(lengths) != 1:
            raise ValueError(
                "`probes` must hold arrays of one length, examples first. "
                f"Received: lengths {sorted(lengths)}"
            )
        count = lengths.pop()
        _check_count(count)
        return cls(x, y, weight, count)

    def build(self, model: keras.Model) -> None:
        """Build a model before its first batch does, from symbols of the probes' shapes.

        The way in which Keras itself builds where the backend asks for it: nothing is computed, and
        the weights get the values that they would have got. A model that cannot be built like this
        is left to its first batch.
        """
        batch = keras.tree.map_structure(
            lambda a: a if a is None else keras.KerasTensor((None, *a.shape[1:]), a.dtype),
            (self.cast_for(model), self.y, self.sample_weight),
        )
        build = symbolic_build_of(model)
        with contextlib.suppress(RuntimeError, NotImplementedError):
            if not getattr(model, "compiled", False):  # in a loop of one's own
                model(batch[0])
            elif build is not None:
                build(data_batch=batch)

    def named_inputs(self, model: keras.Model) -> dict[str, NDArray[Any]]:
        """The input arrays by the names that the model gives them."""
        return dict(zip(input_names(self.x, model), keras.tree.flatten(self.x), strict=True))

    def described(
        self,
        model: keras.Model,
        class_names: Sequence[str] | None = None,
        names: InputNames | Mapping[str, InputNames] | None = None,
    ) -> ProbeSet:
        """The probes as they are kept in the run, with what is known of them.

        Args:
            model: The model that gets them.
            class_names: Names of the classes.
            names: What is known of an input, by the input's name or of the only one.

        Raises:
            ValueError: If the names do not fit the inputs.
        """
        inputs = self.named_inputs(model)
        axes = {name: axes_of(array.ndim - 1) for name, array in inputs.items()}
        said = named(names, inputs)
        known = {name: one.facts(name, inputs[name]) for name, one in said.items()}
        looks = {name: one.pictures(name, inputs[name]) for name, one in said.items()}
        return ProbeSet(
            inputs=inputs,
            axes=axes,
            kinds={
                name: known[name][0] if name in known else _kind(array)
                for name, array in inputs.items()
            },
            labels=self.classes(),
            class_names=class_names,
            facts={name: facts for name, (_, facts) in known.items()},
            pictures={name: pictures for name, pictures in looks.items() if pictures is not None},
        )

    def classes(self) -> NDArray[np.int64] | None:
        """The labels of the first output, where they are classes."""
        labels = keras.tree.flatten(self.y)[:1] if self.y is not None else []
        for array in labels:
            try:
                classes = class_indices(array, self.count, array.shape[-1])
            except ValueError:
                continue
            return classes.astype(np.int64)
        return None

    def cast_for(self, model: keras.Model) -> Any:
        """`x` as arrays of the types that the model computes with.

        Pictures of integers become floats, so that there is a gradient at them; token ids stay.
        """
        inputs = getattr(model, "inputs", None) or []
        flat = keras.tree.flatten(self.x)
        declared = [keras.backend.standardize_dtype(i.dtype) for i in inputs]
        if len(declared) != len(flat):
            declared = ["int32" if _may_be_ids(array) else "float32" for array in flat]
        cast = [
            array.astype("float32" if keras.backend.is_float_dtype(dtype) else dtype)
            if array.dtype.kind in "biuf"
            else array
            for array, dtype in zip(flat, declared, strict=True)
        ]
        return keras.tree.pack_sequence_as(self.x, cast)


def input_names(x: Any, model: keras.Model) -> list[str]:
    """A name for each input array: the dict's keys, else the model's names, else `input`."""
    if isinstance(x, Mapping):
        return ["/".join(map(str, path)) for path, _ in keras.tree.flatten_with_path(x)]
    flat = keras.tree.flatten(x)
    own = [getattr(tensor, "name", "") for tensor in getattr(model, "inputs", None) or []]
    if len(own) == len(flat) > 1 and all(own):
        return own
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
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *read)


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
    array = keras.ops.convert_to_numpy(value) if keras.ops.is_tensor(value) else np.asarray(value)
    if array.dtype.kind == "O" or array.ndim == 0:
        raise ValueError(
            "`probes` must hold arrays of numbers, examples first. "
            f"Received: {type(value).__name__} of shape {array.shape}, {array.dtype}"
        )
    return array


def _kind(array: NDArray[Any]) -> str:
    if array.ndim <= 2:
        return "tokens" if array.dtype.kind in "iu" and array.ndim == 2 else "features"
    return {3: "series", 4: "image", 5: "volume"}.get(array.ndim, "features")


def _may_be_ids(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "iu" and array.ndim <= 2
