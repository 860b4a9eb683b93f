"""What the model said of the probes at one step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keras_explain.store import Reader, statistics
from keras_explain.store.index import Step


def loaded(reader: Reader, step: Step, key: str, count: int) -> NDArray[np.float32] | None:
    """A record of `count` rows, or None where the step has none that can be used."""
    stored = step.layout.get(key)
    if stored is None or stored.row_count != count:
        return None
    return reader.load_usable(step, key)


def by_class(reader: Reader, step: Step, count: int) -> NDArray[np.float32] | None:
    """The outputs `(probes, classes)`, or None: a single sigmoid stands for two classes."""
    outputs = loaded(reader, step, "predictions", count)
    if outputs is None or outputs.ndim != 2:
        return None
    return statistics.by_class(outputs, binary=step.info.score != "output")


def classes(chances: NDArray[np.float32]) -> NDArray[np.int32]:
    """The class of each row; -1 where an output is not finite."""
    predicted = chances.argmax(axis=1).astype(np.int32)
    predicted[~np.isfinite(chances).all(axis=1)] = -1
    return predicted
