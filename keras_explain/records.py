"""From what a pass found to the records that are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import backends
from .methods.base import Record
from .outcome import Fault, Outcome
from .passes import Pass
from .store import RecordSpec
from .store.prepare import check_shape

SCORES = RecordSpec(
    key="scores",
    method="scores",
    title="Scores",
    axes=(),
    signed=True,
    precision="float32",
    quantity="prediction",
    unit="score",
)


def records_of(made_by: Pass, outcome: Outcome) -> tuple[list[Record], list[Fault]]:
    """The records of one step, and the methods that failed at it.

    Runs on NumPy alone and needs no lock: it may run beside the training.
    """
    records: list[Record] = [
        *made_by.keeping.records(numpy_of(outcome.predictions)),
        (SCORES, numpy_of(outcome.scores)),
    ]
    faults = [*made_by.built.faults, *outcome.faults]
    for index, reading in outcome.readings.items():
        method = made_by.methods[index]
        try:
            arrays = {key: numpy_of(tensor) for key, tensor in reading.items()}
            found = method.records(made_by.built.plans[index], arrays)
        except Exception as error:  # one method's failure must not lose the others' records
            faults.append(Fault(method.name, error))
            continue
        for spec, values in found:
            try:
                check_shape(spec, np.shape(values), made_by.probes.count)
            except ValueError as error:  # nor one record the others of its method
                faults.append(Fault(method.name, error))
            else:
                records.append((spec, values))
    return records, faults


def score_kind(made_by: Pass) -> str:
    """What the explained numbers are: `logit`, `probability` or `output`, by the task."""
    built = made_by.built
    if built.head is not None or built.task.scale == "logits":
        return "logit"
    return "probability" if built.task.scale == "probabilities" else "output"


def numpy_of(tensor: Any) -> NDArray[Any]:
    """A backend tensor as a NumPy array, in float32 where it holds floating-point numbers."""
    array: NDArray[Any] = backends.current().numpy_of(tensor)
    return array if array.dtype.kind in "biu" else array.astype(np.float32, copy=False)
