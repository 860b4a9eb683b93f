"""Rules about the explanations themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from .alert import Place
from .history import History
from .rule import Signal, Values, at, rule
from .thresholds import Thresholds

BEFORE, FEWEST = 10, 5
"""Drift is compared with so many steps before, and not before there are so few."""


def _place(history: History, key: str) -> Place:
    return Place(key, record=key, layer=history.specs[key].layer)


def _with_probe(place: Place, rows: Values) -> Callable[[int], Place]:
    return lambda index: replace(place, probe=int(rows[index]))


@rule("Flat maps", "warn", "maps of the examples", "flat_share", "patience")
def flat_maps(history: History, thresholds: Thresholds) -> Iterator[Signal]:
    """Maps that have one value everywhere, and so say nothing."""
    for key, table in history.of("flat").items():
        shares, rows = table.T

        def says(index: int, key: str = key, shares: Values = shares) -> str:
            return f"{shares[index]:.0%} of the maps of {key} have one value everywhere."

        yield Signal(
            place=_with_probe(_place(history, key), rows),
            values=shares,
            holds=shares > thresholds.flat_share,
            threshold=thresholds.flat_share,
            says=says,
            patience=thresholds.patience,
        )


@rule("Wrong reason", "warn", "Quality(regions=...)", "region_mass", "patience")
def wrong_reason(history: History, thresholds: Thresholds) -> Iterator[Signal]:
    """Examples classified correctly by what lies outside of their region."""
    for key, table in history.of("region").items():
        masses, rows, counts = table.T
        shown = key.removeprefix("quality/")
        place = Place(key, record=shown if shown in history.specs else key)

        def says(
            index: int, shown: str = shown, masses: Values = masses, n: Values = counts
        ) -> str:
            return (
                f"Half of the {int(n[index])} examples that are right have at most "
                f"{masses[index]:.0%} of their map {shown} inside the region."
            )

        yield Signal(
            place=_with_probe(place, rows),
            values=masses,
            holds=masses < thresholds.region_mass,
            threshold=thresholds.region_mass,
            says=says,
            patience=thresholds.patience,
            least=True,
        )


@rule("Explanation jump", "info", "maps of the examples", "jump", "jump_least")
def explanation_jump(history: History, thresholds: Thresholds) -> Iterator[Signal]:
    """Maps that turned far more than at the steps before."""
    for key, table in history.of("drift").items():
        drift, rows = table.T
        limits = _usual(drift, thresholds)

        def says(index: int, key: str = key, drift: Values = drift) -> str:
            return (
                f"A tenth of the maps of {key} turned by {drift[index]:.2g} or more, far more than "
                "at the steps before."
            )

        yield Signal(
            place=_with_probe(_place(history, key), rows),
            values=drift,
            holds=drift > limits,
            threshold=limits,
            says=says,
        )


def _usual(drift: Values, thresholds: Thresholds) -> Values:
    """Up to where a drift is usual after the steps before; infinite where that is not known."""
    limits = np.full(len(drift), np.inf)
    known = np.flatnonzero(np.isfinite(drift))
    for width in range(FEWEST, min(BEFORE, len(known) - 1) + 1):
        # All steps with `width` steps before them: one each, and the rest with the most.
        last = len(known) if width == BEFORE else width + 1
        windows = np.lib.stride_tricks.sliding_window_view(drift[known], width)
        windows = windows[: last - width]
        centre = np.median(windows, axis=1)
        spread = np.median(np.abs(windows - centre[:, None]), axis=1)
        limit = np.maximum(centre + thresholds.jump * spread, thresholds.jump_least)
        limits[known[width:last]] = limit[: last - width]
    return limits


@rule("Explanation collapse", "info", "maps of the examples", "alike", "patience")
def collapse(history: History, thresholds: Thresholds) -> Iterator[Signal]:
    """Maps that are almost the same for nearly all examples."""
    for key, table in history.of("alike").items():
        alike = table[:, 0]

        def says(index: int, key: str = key, alike: Values = alike) -> str:
            return (
                f"The maps of {key} are almost the same for nearly all examples: rank correlation "
                f"{alike[index]:.3f}."
            )

        yield Signal(
            place=at(_place(history, key)),
            values=alike,
            holds=alike > thresholds.alike,
            threshold=thresholds.alike,
            says=says,
            patience=thresholds.patience,
        )
