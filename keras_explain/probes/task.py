"""The task of the explained output: decided once, from its loss, its head and its labels."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import losses
from numpy.typing import NDArray

from ..store.format.task import KINDS, SCALES, Task

SAID = tuple(kind for kind in KINDS if kind != "unknown")

# What a loss of Keras compares. A loss does not say so itself; these are its functions, and a
# subclass of a loss class has the function of its parent.
OF_CLASSES = (
    losses.categorical_crossentropy,
    losses.categorical_focal_crossentropy,
    losses.categorical_hinge,
    losses.kl_divergence,
    losses.sparse_categorical_crossentropy,
)
OF_LABELS = (
    losses.binary_crossentropy,
    losses.binary_focal_crossentropy,
    losses.hinge,
    losses.squared_hinge,
)
OF_NUMBERS = (
    losses.cosine_similarity,
    losses.huber,
    losses.log_cosh,
    losses.mean_absolute_error,
    losses.mean_absolute_percentage_error,
    losses.mean_squared_error,
    losses.mean_squared_logarithmic_error,
    losses.poisson,
)
OF_MARGINS = (losses.categorical_hinge, losses.hinge, losses.squared_hinge)
"""They compare raw scores, which count as logits: their sign, or the largest, decides."""


@dataclass(frozen=True)
class Known:
    """All that is known of the explained output when its task is decided.

    Attributes:
        shape: Of one example's outputs, `(..., outputs)`.
        head: Name of the activation that made it, such as "softmax"; None without one.
        loss: Its compiled loss, as the user gave it: a name, a function or a `keras.Loss`; or None.
        labels: The probes' labels for it, or None.
        output: Its name, in a model of several outputs; else empty.
    """

    shape: tuple[int, ...]
    head: str | None = None
    loss: Any = None
    labels: NDArray[Any] | None = None
    output: str = ""


def task_of(known: Known, said: str | tuple[str, str] | None = None) -> Task:
    """What the explained output is.

    A softmax says classes. Else the loss says what it compares; where it is a function of the
    user's own, a sigmoid and the labels do.

    Args:
        known: What is known of the output.
        said: What the user says it is, see `check_said`.

    Raises:
        ValueError: If the user says what the output cannot be.
    """
    shape = _answers(known.shape)
    kind, scale = said if isinstance(said, tuple) else (said, None)
    function, from_logits = _function_of(known.loss)
    if kind is None:
        kind = _kind(known, function, shape)
    elif kind == "binary" and shape[-1] != 1:
        raise ValueError(
            f"`task='binary'` needs one output. Received: {shape[-1]} outputs; "
            "'classes' and 'labels' are for several"
        )
    if kind in ("numbers", "unknown"):
        scale = "values"
    elif scale is None:
        scale = _scale(known, function, from_logits)
    return Task(kind, scale, shape, known.output)


def scale_is_said(known: Known, said: str | tuple[str, str] | None = None) -> bool:
    """Whether head, loss or user say which scale the outputs have; else the outputs must."""
    function, _ = _function_of(known.loss)
    by_loss = function in OF_CLASSES or function in OF_LABELS or function in OF_NUMBERS
    return isinstance(said, tuple) or by_loss or known.head is not None


def seen(task: Task, outputs: NDArray[Any]) -> Task:
    """The task, with its scale as the outputs show it: rows of chances that sum to one.

    Args:
        task: Of a scale that nobody has said.
        outputs: What the model makes of the probes, `(probes, ..., outputs)`.
    """
    rows = np.asarray(outputs, np.float64).reshape(-1, task.shape[-1])
    sums = np.allclose(rows.sum(axis=-1), 1, atol=1e-3) and bool((rows >= 0).all())
    is_of_chances = task.kind == "classes" and sums
    return dataclasses.replace(task, scale="probabilities") if is_of_chances else task


def check_said(task: Any) -> str | tuple[str, str] | None:
    """The user's word for the task.

    Args:
        task: One of `SAID`; or a pair of that and "probabilities" or "logits"; or None.

    Raises:
        ValueError: If it is none of these.
    """
    if isinstance(task, list):
        task = tuple(task)
    is_pair = isinstance(task, tuple) and len(task) == 2 and task[1] in SCALES[:2]
    kind = task[0] if isinstance(task, tuple) and is_pair else task
    if task is None or (isinstance(kind, str) and kind in SAID):
        return task
    raise ValueError(
        f"`task` must be one of {', '.join(map(repr, SAID))}, or a pair of that and "
        f"'probabilities' or 'logits', or None to decide by loss and labels. Received: {task!r}"
    )


def truth_of(task: Task, labels: Any, count: int) -> NDArray[Any] | None:
    """The labels in the form of the task, `(count, *task.truth_shape)`.

    Args:
        task: What the output is.
        labels: The probes' labels for it, or None.
        count: Number of probes.

    Returns:
        int32 classes, -1 where there is none; float32 labels, 0 or 1, and numbers. None where there
        are no labels, or they say nothing in this form (as sequences for a CTC loss).
    """
    array = None if labels is None else np.asarray(labels)
    if array is None or array.dtype.kind not in "biuf" or task.kind == "unknown":
        return None
    if task.kind == "classes":
        return _classes(array, task, count)
    wanted = (count, *task.shape)
    if array.size != math.prod(wanted):
        return None
    array = array.reshape(wanted)
    if task.kind == "numbers":
        return array.astype(np.float32)
    present = (array > 0.5).astype(np.float32)
    if task.kind == "labels":
        return present
    known = np.isin(array, (-1, 0, 1)) | ((array > 0) & (array < 1))
    return np.where(known, present, -1)[..., 0].astype(np.int32)


def loss_of(loss: Any, names: Sequence[str], index: int) -> Any:
    """The compiled loss of one of the outputs, or None.

    Args:
        loss: What the model was compiled with.
        names: Names of all outputs.
        index: Which of them.
    """
    if isinstance(loss, Mapping):
        return by_path(loss).get(names[index])
    if isinstance(loss, list | tuple):
        flat = [*loss]
        return flat[index] if len(flat) == len(names) else (flat[0] if len(names) == 1 else None)
    return loss


def labels_of(y: Any, loss: Any, names: Sequence[str], index: int) -> Any:
    """The labels of one of the outputs, or None.

    By name where they have names; else by position among all outputs, or among those with a loss.

    Args:
        y: Labels, as `fit` takes them.
        loss: What the model was compiled with.
        names: Names of all outputs.
        index: Which of them.
    """
    if isinstance(y, Mapping):
        return by_path(y).get(names[index])
    flat = keras.tree.flatten(y) if isinstance(y, list | tuple) else [y]
    if len(flat) == len(names):
        return flat[index]
    with_loss = [at for at in range(len(names)) if loss_of(loss, names, at) is not None]
    if len(flat) == len(with_loss) and index in with_loss:
        return flat[with_loss.index(index)]
    return None


def by_path(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves of a mapping by their names, nested ones as `outer/inner`."""
    found: dict[str, Any] = {}
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            found |= {f"{name}/{inner}": leaf for inner, leaf in by_path(value).items()}
        else:
            found[str(name)] = value
    return found


def _answers(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without positions where there is one only, as after a convolution of a vector."""
    return shape[-1:] if math.prod(shape[:-1]) == 1 else shape


def _kind(known: Known, function: Callable[..., Any] | None, shape: tuple[int, ...]) -> str:
    single = shape[-1] == 1
    one_or_several = "binary" if single else "labels"
    are_chances = known.labels is None or _are_chances(known.labels)
    if known.head in ("softmax", "log_softmax") and not single:
        return "classes"
    if function in OF_CLASSES:
        return "binary" if single else "classes"
    if function in OF_LABELS:
        # Of fractions, as of the pixels of an autoencoder, it is a regression.
        return one_or_several if are_chances else "numbers"
    if function in OF_NUMBERS:
        is_flag = known.head == "sigmoid" and known.labels is not None and are_chances
        return one_or_several if is_flag else "numbers"
    if known.head == "sigmoid":
        return one_or_several if are_chances else "numbers"
    return "unknown" if known.labels is None else _kind_by_labels(known.labels, shape)


def _kind_by_labels(labels: Any, shape: tuple[int, ...]) -> str:
    """Of a raw output whose loss is the user's own: what can be told from its labels alone."""
    array = np.asarray(labels)
    if array.dtype.kind not in "biuf" or not len(array):
        return "unknown"
    whole = bool(np.array_equal(array, np.floor(array)))
    places, outputs = math.prod(shape[:-1]), shape[-1]
    if outputs > 1 and array.size == len(array) * places:
        return "classes" if whole else "unknown"
    if array.size != len(array) * places * outputs:
        return "unknown"
    if outputs > 1 and whole and np.isin(array, (0, 1)).all():
        one_each = array.reshape(-1, outputs).sum(axis=-1) == 1
        return "classes" if one_each.all() else "labels"
    return "numbers"


def _scale(known: Known, function: Callable[..., Any] | None, from_logits: bool) -> str:
    if known.head in ("softmax", "sigmoid"):
        return "probabilities"
    if known.head == "log_softmax":  # logarithms of probabilities are logits too
        return "logits"
    is_of_keras = function in OF_CLASSES or function in OF_LABELS
    if is_of_keras and not from_logits and function not in OF_MARGINS:
        return "probabilities"
    return "logits"


def _function_of(loss: Any) -> tuple[Callable[..., Any] | None, bool]:
    """The function that a loss computes, and whether it takes logits."""
    if isinstance(loss, list | tuple):  # several of one output: the first decides
        loss = loss[0] if loss else None
    if isinstance(loss, str):
        loss = losses.get(loss)
    if isinstance(loss, keras.Loss):
        function = getattr(loss, "fn", None)
        try:
            config = loss.get_config()
        except NotImplementedError:
            config = {}
        return function, bool(config.get("from_logits", False))
    given: dict[str, Any] = {}
    while isinstance(loss, functools.partial):
        given = {**loss.keywords, **given}
        loss = loss.func
    if loss is None or not callable(loss):
        return None, False
    if "from_logits" in given:
        return loss, bool(given["from_logits"])
    try:
        default = inspect.signature(loss).parameters.get("from_logits")
    except (TypeError, ValueError):
        default = None
    return loss, bool(default is not None and default.default is True)


def _are_chances(labels: Any) -> bool:
    """Whether the labels are there or not there, and no fractions; hinge losses say -1 for not."""
    array = np.asarray(labels)
    return array.dtype.kind in "biuf" and bool(np.isin(array, (-1, 0, 1)).all())


def _classes(array: NDArray[Any], task: Task, count: int) -> NDArray[np.int32] | None:
    wanted, outputs = (count, *task.positions), task.classes
    if array.size == math.prod(wanted):
        array = array.reshape(wanted)
        known = (array == np.floor(array)) & (array >= 0) & (array < outputs)
        return np.where(known, array, -1).astype(np.int32)
    if array.size == math.prod(wanted) * outputs and array.shape[-1] == outputs:
        rows = array.reshape(*wanted, outputs)
        one = np.isclose(rows.sum(axis=-1), 1, atol=1e-3)
        return np.where(one, rows.argmax(axis=-1), -1).astype(np.int32)
    return None
