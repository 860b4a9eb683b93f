"""Rules about what comes out of layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .alert import Place
from .history import History
from .rule import Signal, at, rule
from .thresholds import Thresholds


def _place(history: History, key: str) -> Place:
    layer = history.specs[key].layer
    return Place(layer or key, record=key, layer=layer)


@rule("Dead units", "warn", "activation maps", "dead_share", "patience")
def dead_units(history: History, thresholds: Thresholds) -> Iterator[Signal]:
    """Units that are zero for every example, several steps in a row."""
    for key, table in history.of("dead").items():
        known = np.flatnonzero(table[:, 0] >= 0)
        lasting = _lasting(table[known] == 1, thresholds.patience)
        shares = np.full(len(table), np.nan)
        shares[known] = lasting.mean(axis=1)
        counts = np.zeros(len(table), int)
        counts[known] = lasting.sum(axis=1)
        place = _place(history, key)

        def says(index: int, place=place, counts=counts, units=table.shape[1]) -> str:  # type: ignore[no-untyped-def]
            return (
                f"{counts[index]} of the {units} units kept of {place.name} are zero for every "
                f"example, for {thresholds.patience} steps in a row or more."
            )

        yield Signal(
            place=at(place),
            values=shares,
            holds=shares > thresholds.dead_share,
            threshold=thresholds.dead_share,
            says=says,
            patience=thresholds.patience,
        )


def _lasting(holds: NDArray[np.bool_], patience: int) -> NDArray[np.bool_]:
    """Where each column holds, `(steps, columns)`, for at least `patience` steps in a row."""
    lasting = np.zeros_like(holds)
    if len(holds) >= patience:
        views = np.lib.stride_tricks.sliding_window_view(holds, patience, axis=0)
        windows = np.asarray(views.all(axis=-1))
        for later in range(patience):
            lasting[later : later + len(windows)] |= windows
    return lasting


@rule("Saturated units", "warn", "activation maps of a sigmoid or tanh", "saturated", "patience")
def saturated(history: History, thresholds: Thresholds) -> Iterator[Signal]:
    """Sigmoids or tanhs that are at the ends of their range, where they pass no gradient."""
    for key, table in history.of("saturated").items():
        shares = table[:, 0]
        place = _place(history, key)
        kind = history.specs[key].options.get("activation")

        def says(index: int, place=place, shares=shares, kind=kind) -> str:  # type: ignore[no-untyped-def]
            return (
                f"{shares[index]:.0%} of the outputs of {place.name} lie in the outer 1 % of the "
                f"range of {kind}, where no gradient passes."
            )

        yield Signal(
            place=at(place),
            values=shares,
            holds=shares > thresholds.saturated,
            threshold=thresholds.saturated,
            says=says,
            patience=thresholds.patience,
        )
