"""What one logged step found, and what went wrong at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fault:
    """Something that went wrong without stopping the training.

    Attributes:
        source: What failed: a method's name, `pass`, `store`, `event file`.
        error: The exception.
    """

    source: str
    error: Exception

    def __str__(self) -> str:
        return f"{type(self.error).__name__}: {self.error}"


@dataclass
class Outcome:
    """What one pass found, as tensors of the backend.

    Attributes:
        predictions: The explained output, `(probes, ..., outputs)`.
        scores: The numbers explained, `(probes,)`.
        targets: The outputs explained, `(probes,)`.
        goal: How much each logit counts in the score, `(probes, ..., outputs)`.
        loss: The loss on the probes, or None.
        readings: What each method read or computed, by its position among the methods.
        faults: The methods that failed.
    """

    predictions: Any
    scores: Any
    targets: Any
    goal: Any
    loss: Any
    readings: dict[int, Mapping[str, Any]]
    faults: list[Fault] = field(default_factory=list)
