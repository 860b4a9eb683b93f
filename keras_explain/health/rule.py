"""What a rule is: from the figures of all steps to signals, one a place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .alert import SEVERITIES, Place
from .history import History
from .thresholds import Thresholds

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Signal:
    """A figure over all steps, and at which of them it is beyond its threshold.

    Attributes:
        place: Where, at the step of that index.
        values: `(steps,)`; NaN where it is not known.
        holds: `(steps,)`; what holds at an unknown step goes on as before.
        threshold: What `values` are compared with; one for all steps, or `(steps,)`.
        says: The sentence at the step of that index.
        patience: So many steps in a row it must hold.
        least: Whether the smallest value is the worst, not the largest.
        looked_at: How many places the figure was taken at.
        count: How many of them are concerned, at the step of that index.
    """

    place: Callable[[int], Place]
    values: Values
    holds: NDArray[np.bool_]
    threshold: float | Values
    says: Callable[[int], str]
    patience: int = 1
    least: bool = False
    looked_at: int = 1
    count: Callable[[int], int] = lambda index: 1


Check = Callable[[History, Thresholds], Iterator[Signal]]


@dataclass(frozen=True)
class Rule:
    """One thing that can be wrong.

    Attributes:
        name: As an alert has it.
        title: What a person reads.
        severity: One of `SEVERITIES`.
        needs: What the run must hold for it, in words.
        limits: Names of the thresholds that it reads, the one in its alerts first.
        check: Yields a signal a place, whether or not anything is wrong there.
    """

    name: str
    title: str
    severity: str
    needs: str
    limits: tuple[str, ...]
    check: Check


RULES: dict[str, Rule] = {}
"""Every rule by name, the worst first."""


def rule(title: str, severity: str, needs: str, *limits: str) -> Callable[[Check], Check]:
    """Make a check known as a rule, by the name of its function."""

    def register(check: Check) -> Check:
        name = str(getattr(check, "__name__", ""))
        made = [*RULES.values(), Rule(name, title, severity, needs, limits, check)]
        made.sort(key=lambda each: SEVERITIES.index(each.severity))
        RULES.clear()
        RULES.update((each.name, each) for each in made)
        return check

    return register


def at(place: Place) -> Callable[[int], Place]:
    """The same place at every step."""
    return lambda index: place


def stretches(
    holds: NDArray[np.bool_], known: NDArray[Any], patience: int
) -> list[tuple[int, int]]:
    """First and last index of each stretch of at least `patience` known steps that hold.

    Unknown steps are passed over; so are pauses shorter than `patience`.
    """
    at_ = np.flatnonzero(known)
    held = np.flatnonzero(holds[at_])
    if held.size == 0:
        return []
    # Neighbours in the list of known steps belong together, and what only pauses does too.
    parts = np.split(held, np.flatnonzero(np.diff(held) > max(1, patience - 1)) + 1)
    return [(int(at_[p[0]]), int(at_[p[-1]])) for p in parts if p[-1] - p[0] + 1 >= patience]
