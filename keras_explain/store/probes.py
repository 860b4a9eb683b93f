"""The fixed examples of a run, as the model gets them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .format.task import Task
from .input_facts import InputFacts
from .plain import JSON, dumps
from .schema import is_name, require

KINDS = ("image", "series", "tokens", "features", "volume")
"""What an input is, which decides how it is drawn."""

_DTYPES = ("float32", "uint8", "int32", "int64")


@dataclass(frozen=True, eq=False)
class ProbeSet:
    """The few examples that are explained at every logged step.

    Attributes:
        inputs: By name of the model's input, its values `(probes, *input_shape)`: float32, uint8,
            int32 or int64 (other floats become float32, other integers and booleans int64).
        axes: By name, the axes of one example: `("height", "width", "channel")`.
        kinds: By name, one of `KINDS`.
        labels: True class of each probe, `(probes,)`, or None.
        class_names: Names of the classes, labels or numbers of the output, or None.
        facts: By name, what else is known of the input.
        pictures: By name, how an input looks to people where its numbers do not say so,
            uint8 `(probes, height, width, 1 or 3)`.
        task: What the explained output is; None where nobody has said so.
        truth: What is true of the explained output where that is not one class for each probe,
            `(probes, *task.truth_shape)`: int32 classes at positions, float32 labels or numbers;
            or None.
    """

    inputs: Mapping[str, NDArray[Any]]
    axes: Mapping[str, Sequence[str]]
    kinds: Mapping[str, str]
    labels: NDArray[np.int64] | None = None
    class_names: Sequence[str] | None = None
    facts: Mapping[str, InputFacts] = field(default_factory=dict)
    pictures: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    task: Task | None = None
    truth: NDArray[Any] | None = None
    ranges: Mapping[str, tuple[float, float]] = field(init=False)
    """By name, smallest and largest finite value of the input over all probes."""

    def __post_init__(self) -> None:
        """Check the fields and bring the arrays to the few types that are stored."""
        require(
            bool(self.inputs) and all(map(is_name, self.inputs)),
            "`inputs` must map the names of the model's inputs to arrays.",
            list(self.inputs),
        )
        inputs = {name: _storable(name, values) for name, values in self.inputs.items()}
        counts = {name: len(values) for name, values in inputs.items()}
        require(len(set(counts.values())) == 1, "All inputs must have as many probes.", counts)
        for name, values in inputs.items():
            require(self.kinds.get(name) in KINDS, _kind_rule(name), self.kinds.get(name))
            axes = self.axes.get(name)
            require(
                axes is not None and len(axes) == values.ndim - 1 and all(map(is_name, axes)),
                f"`axes[{name!r}]` must name the {values.ndim - 1} axes of one example.",
                axes,
            )
        self._freeze("inputs", inputs)
        self._freeze("axes", {name: tuple(self.axes[name]) for name in inputs})
        self._freeze("kinds", {name: self.kinds[name] for name in inputs})
        self._freeze("ranges", {name: _range(values) for name, values in inputs.items()})
        for name, pictures in self.pictures.items():
            fits = pictures.ndim == 4 and len(pictures) == self.count and name in inputs
            require(
                fits and pictures.dtype == np.uint8 and pictures.shape[-1] in (1, 3),
                f"`pictures[{name!r}]` must be uint8, ({self.count}, height, width, 1 or 3).",
                f"{pictures.dtype} of shape {pictures.shape}",
            )
        if self.labels is not None:
            labels = np.asarray(self.labels)
            require(
                labels.shape == (self.count,) and np.issubdtype(labels.dtype, np.integer),
                f"`labels` must be {self.count} integers, one a probe.",
                f"{labels.dtype} of shape {labels.shape}",
            )
            self._freeze("labels", labels.astype(np.int64))
        if self.class_names is not None:
            self._freeze("class_names", tuple(map(str, self.class_names)))
        if self.truth is not None:
            self._freeze("truth", _truth(self.truth, self.task, self.count))

    def _freeze(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def count(self) -> int:
        """Number of probes."""
        return len(next(iter(self.inputs.values())))

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the examples and their labels: two runs are comparable where it is equal.

        What people call them, and how they look to people, is no part of it.
        """
        unnamed = replace(self, class_names=None, facts={}, pictures={}, task=None, truth=None)
        digest = hashlib.sha256(dumps(unnamed.to_json()).encode())
        for name in sorted(self.inputs):
            digest.update(np.ascontiguousarray(self.inputs[name]).data)
        if self.truth is not None:
            digest.update(self.truth.data)
        return digest.hexdigest()

    @property
    def true(self) -> NDArray[Any] | None:
        """What is true of the explained output, `(probes, *task.truth_shape)`, or None."""
        return self.labels if self.truth is None else self.truth

    def to_json(self) -> dict[str, JSON]:
        """Everything but the arrays' values, as plain JSON."""
        return {
            **({} if self.task is None else {"task": self.task.to_json()}),
            "class_names": None if self.class_names is None else list(self.class_names),
            "labels": None if self.labels is None else self.labels.tolist(),
            "inputs": [
                {
                    "name": name,
                    "axes": list(self.axes[name]),
                    "kind": self.kinds[name],
                    "dtype": str(values.dtype),
                    "shape": list(values.shape[1:]),
                    "range": list(self.ranges[name]),
                    **(self.facts[name].to_json() if name in self.facts else {}),
                }
                for name, values in self.inputs.items()
            ],
        }


def _kind_rule(name: str) -> str:
    return f"`kinds[{name!r}]` must be one of {', '.join(KINDS)}."


def _truth(truth: Any, task: Task | None, count: int) -> NDArray[Any]:
    array = np.asarray(truth)
    if task is None:
        raise ValueError("`truth` needs a `task` that says what it means.")
    require(
        array.shape == (count, *task.truth_shape) and array.dtype.kind in "biuf",
        f"`truth` must be numbers of shape {(count, *task.truth_shape)}.",
        f"{array.dtype} of shape {array.shape}",
    )
    return np.ascontiguousarray(array, np.int32 if task.has_classes else np.float32)


def _storable(name: str, values: Any) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype == bool or np.issubdtype(array.dtype, np.integer):
        target = str(array.dtype) if str(array.dtype) in _DTYPES else "int64"
    else:
        target = "float32"
    try:
        array = np.ascontiguousarray(array.astype(target, copy=False))
    except (TypeError, ValueError) as error:
        rule = f"`inputs[{name!r}]` must hold numbers."
        raise ValueError(f"{rule} Received: dtype {array.dtype}") from error
    require(array.ndim >= 1 and array.size > 0, f"`inputs[{name!r}]` is empty.", array.shape)
    return array


def _range(values: NDArray[Any]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
