"""Two callbacks of one `fit` must not write to one folder: each would hide the other's steps."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from .explain import Explain

_told: WeakSet[Explain] = WeakSet()
"""Those that a training has told its parameters, as long as somebody knows them."""
_lock = threading.Lock()


def join(callback: Explain) -> None:
    """Note a callback that Keras has made part of a training."""
    with _lock:
        _told.add(callback)


def refuse_shared_folder(callback: Explain) -> None:
    """Refuse a folder that another callback of the same `fit` writes to.

    Keras tells all callbacks of a `fit` one and the same object of parameters, before it begins.
    So those of a training that was interrupted, or of the next one, are no neighbours.

    Raises:
        ValueError: If there is such a callback.
    """
    with _lock:
        others = [other for other in _told if other is not callback]
    folder = _resolved(callback)
    for other in others:
        if other.params is callback.params and _resolved(other) == folder:
            raise ValueError(
                "`log_dir` must be another folder for each callback of one `fit`, as each would "
                "hide the other's steps: give one callback all methods, or each its own folder. "
                f"Received, twice: {folder!r}"
            )


def _resolved(callback: Explain) -> str:
    """One text for one folder, however it is written."""
    place = callback.log_dir
    with contextlib.suppress(ValueError):  # a null byte: the folder is refused for itself
        return os.path.realpath(place) if isinstance(place, Path) else str(place)
    return str(place)
