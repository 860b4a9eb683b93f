"""What `fit` and `predict` do to data, done to the probes: structure, preprocessing, types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


def preprocessed(model: keras.Model, x: Any, y: Any, weight: Any) -> tuple[Any, Any, Any]:
    """The data as a model that preprocesses inside `fit` trains on it, as keras-hub's tasks do.

    Inputs that are named as the model's own have been preprocessed already.
    """
    preprocess = getattr(model, "preprocess_samples", None)
    if preprocess is None or getattr(model, "preprocessor", None) is None:
        return x, y, weight
    if isinstance(x, Mapping) and set(own_names(model)) <= set(x):
        return x, y, weight
    if all(array.dtype.kind not in "UO" for array in keras.tree.flatten(x)):
        found = preprocess(x, y, weight)
    else:
        found = preprocess(keras.tree.map_structure(_python_strings, x), y, weight)
    found = found if isinstance(found, tuple) else (found,)
    arrays = keras.tree.map_structure(
        lambda part: None if part is None else np.asarray(part), (*found, None, None)[:3]
    )
    return arrays[0], arrays[1], arrays[2]


def structured(model: keras.Model, x: Any) -> Any:
    """Inputs in the structure that the model takes: by name, where they and its inputs have names.

    Raises:
        ValueError: If the model has an input that `x` does not name; or if `x` has no names, and
            Keras could not tell either which array is which input.
    """
    own = getattr(model, "inputs", None) or []
    if not own:
        return x
    names = own_names(model)
    if isinstance(x, Mapping) and not isinstance(_struct(model), Mapping):
        missing = [name for name in names if name not in x]
        if missing:
            raise ValueError(
                f"`probes` must name all inputs of the model: {', '.join(names)}. "
                f"Received: {', '.join(map(str, x))}"
            )
        arrays = [x[name] for name in names]
        return arrays[0] if len(arrays) == 1 else arrays
    if isinstance(_struct(model), Mapping) and not isinstance(x, Mapping):
        arrays = keras.tree.flatten(x)
        if len(own) != len(names) or len(own) != len(arrays):
            return x  # nested, or told by `check_shapes`
        if names == sorted(names):
            return dict(zip(names, arrays, strict=True))
        raise ValueError(
            "`probes` must hold a dict of the model's inputs, as the model was made of one: "
            f"{', '.join(names)}. Received: {len(arrays)} arrays without names"
        )
    if isinstance(x, Mapping):
        return {key: x[key] for key in x if key in _struct(model)} if len(x) > len(own) else x
    return x


def check_shapes(model: keras.Model, x: Any) -> None:
    """Raise a `ValueError` where an input cannot be what the model takes.

    Only of models that declare their inputs; Keras itself adds or drops a last axis of one.
    """
    own = getattr(model, "inputs", None) or []
    flat = keras.tree.flatten(x)
    takes = ", ".join(f"{one.name} {_shape(one.shape)} {one.dtype}" for one in own)
    came = ", ".join(f"{array.shape} {array.dtype}" for array in flat)
    if own and len(own) != len(flat):
        hint = ""
        if len(own) == 1 and len({array.shape for array in flat}) == 1:
            hint = " A list is one array for each input: stack examples, as by `numpy.stack`."
        raise ValueError(
            f"`probes` must hold one array for each of the model's inputs: {takes}.{hint} "
            f"Received: {len(flat)} arrays, {came}"
        )
    for one, array in zip(own, flat, strict=True) if own else ():
        if _fits(tuple(one.shape), array.shape):
            continue
        hint = ""
        if _fits(tuple(one.shape), (1, *array.shape)):
            hint = " One example needs an axis of its own, as in `x[:1]`."
        raise ValueError(
            f"`probes` must hold what the model takes, examples first: {takes}.{hint} "
            f"Received: {came}"
        )


def own_names(model: keras.Model) -> list[str]:
    """Names of the inputs that a model declares."""
    struct = _struct(model)
    if isinstance(struct, Mapping):
        return [str(name) for name in struct]
    return [str(one.name) for one in getattr(model, "inputs", None) or []]


def native(array: NDArray[Any]) -> NDArray[Any]:
    """The array in this machine's byte order."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def symbol_of(array: Any, *rows: int | None) -> keras.KerasTensor:
    """A symbol of an array or a tensor.

    Args:
        array: `(rows, ...)`.
        *rows: Another number of rows; None for any.
    """
    kind = getattr(array.dtype, "kind", "")
    dtype = "string" if kind in ("O", "U", "S") else keras.backend.standardize_dtype(array.dtype)
    return keras.KerasTensor((*(rows or array.shape[:1]), *array.shape[1:]), dtype)


def is_text(array: NDArray[Any]) -> bool:
    """Whether an array holds strings."""
    if array.dtype.kind in "US":
        return True
    return array.dtype.kind == "O" and all(isinstance(one, str | bytes) for one in array.flat)


def _struct(model: keras.Model) -> Any:
    """The structure of the inputs that a model declares, or None."""
    declared = getattr(model, "inputs", None) or None
    try:
        return model.input if declared else None
    except AttributeError:  # a Sequential model has one input, and no structure
        return declared


def _python_strings(array: NDArray[Any]) -> Any:
    if not is_text(array):
        return array
    return [one.decode() if isinstance(one, bytes) else str(one) for one in array.ravel()]


def _fits(declared: tuple[int | None, ...], given: tuple[int, ...]) -> bool:
    options = [declared]
    if len(declared) > 1 and declared[-1] == 1:
        options.append(declared[:-1])
    options.append((*declared, 1))
    return any(
        len(option) == len(given)
        and all(n in (None, m) for n, m in zip(option[1:], given[1:], strict=True))
        for option in options
    )


def _shape(shape: tuple[int | None, ...]) -> str:
    sizes = ", ".join("any" if size is None else str(size) for size in shape[1:])
    return f"(probes, {sizes})" if sizes else "(probes,)"
