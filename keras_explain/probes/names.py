"""Names of what an output says: its classes, its labels, or its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..store.format.task import Task

ClassNames = Sequence[str] | Mapping[int, str] | Mapping[str, Sequence[str]]


def check_names(names: Any) -> None:
    """Raise a `ValueError` unless these can be names of classes."""
    is_text = isinstance(names, str | bytes)
    if names is None or (isinstance(names, Mapping | Sequence | np.ndarray) and not is_text):
        return
    raise ValueError(
        "`class_names` must be a list of names in the order of the classes, or a mapping from "
        f"class to name, or from output to such a list. Received: {names!r}"
    )


def names_of(names: ClassNames | None, task: Task) -> list[str] | None:
    """The names of a task's classes, labels or numbers, in their order.

    Args:
        names: In order, or by class; or by output, each in one of these forms.
        task: The task; it says how many there are.

    Raises:
        ValueError: If they are not as many, or name another class.
    """
    if isinstance(names, Mapping) and task.output in names:
        names = names[task.output]  # type: ignore[index]
    elif isinstance(names, Mapping) and all(isinstance(key, str) for key in names):
        return None  # of other outputs
    if names is None:
        return None
    if isinstance(names, Mapping):
        return _by_class(names, task)
    found = [str(name) for name in names]
    if len(found) != task.classes:
        raise ValueError(
            f"`class_names` must name the {task.classes} {_what(task)} of the explained output. "
            f"Received: {len(found)} names, {', '.join(found[:8])}"
        )
    return found


def _by_class(names: Mapping[Any, Any], task: Task) -> list[str]:
    strange = [key for key in names if not _is_class(key, task.classes)]
    if strange:
        raise ValueError(
            f"`class_names` must be by class, 0 to {task.classes - 1}. Received: {strange[0]!r}"
        )
    by_number = {int(key): str(name) for key, name in names.items()}
    return [by_number.get(number, str(number)) for number in range(task.classes)]


def _is_class(key: Any, classes: int) -> bool:
    return isinstance(key, int | np.integer) and 0 <= int(key) < classes


def _what(task: Task) -> str:
    return {"labels": "labels", "numbers": "numbers"}.get(task.kind, "classes")
