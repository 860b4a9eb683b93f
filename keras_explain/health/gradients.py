"""Rules about the gradients of the weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .alert import Place
from .history import History
from .measures import WEIGHTS
from .rule import Signal, Values, rule
from .thresholds import Thresholds

NO_KERNELS = frozenset({"bias", "beta", "gamma", "scale"})
BEFORE = 10
"""So many steps before are what is usual."""

MOVES = 1000
"""A weight learns if it changes by so many times the limit below which one stays."""

FEWEST = 3
"""With fewer steps before, nothing is usual yet."""


def _kernels(paths: tuple[str, ...]) -> list[int]:
    kernels = [at for at, path in enumerate(paths) if path.split("/")[-1] not in NO_KERNELS]
    return kernels or list(range(len(paths)))


def _place(path: str) -> Place:
    return Place(path, record=WEIGHTS, weight=path)


@rule("Vanishing gradient", "warn", "weight gradients", "vanishing", "patience")
def vanishing(history: History, thresholds: Thresholds) -> Iterator[Signal]:
    """Kernels that hardly get any gradient while other weights do."""
    weight = history.of("weight")
    if "norm" not in weight or "size" not in weight:
        return
    paths = history.specs[WEIGHTS].rows or ()
    kernels = _kernels(paths)
    with np.errstate(all="ignore"):  # steps without the record, and gradients that are all zero
        each = weight["norm"].astype(np.float64) / np.sqrt(weight["size"])
        largest = each.max(axis=1)
        shares = each[:, kernels] / largest[:, None]
    shares[~np.isfinite(shares).all(axis=1)] = np.nan
    known = ~np.isnan(shares[:, 0])
    least = np.where(known, shares.min(axis=1), np.nan)
    below = shares < thresholds.vanishing
    strongest = np.argmax(np.where(np.isfinite(each), each, -1), axis=1)

    def first(index: int) -> str:
        return paths[kernels[int(np.argmin(shares[index]))]]

    def says(index: int) -> str:
        return (
            f"The gradient of {first(index)} is {least[index]:.1g} of that of "
            f"{paths[strongest[index]]}: its layer hardly learns."
        )

    yield Signal(
        place=lambda index: _place(first(index)),
        values=least,
        holds=below.any(axis=1),
        threshold=thresholds.vanishing,
        says=says,
        patience=thresholds.patience,
        least=True,
        looked_at=len(kernels),
        count=lambda index: int(below[index].sum()),
    )


@rule("Weight that stays", "warn", "weight gradients with updates", "update", "patience")
def frozen(history: History, thresholds: Thresholds) -> Iterator[Signal]:
    """Kernels that hardly change from step to step while others do."""
    weight = history.of("weight")
    if "update_norm" not in weight or "weight_norm" not in weight:
        return
    paths = history.specs[WEIGHTS].rows or ()
    kernels = _kernels(paths)
    with np.errstate(all="ignore"):  # the first step has no update
        moved = weight["update_norm"][:, kernels] / weight["weight_norm"][:, kernels]
    moved = moved.astype(np.float64)
    known = np.isfinite(moved).all(axis=1)
    least = np.where(known, moved.min(axis=1), np.nan)
    below = (moved < thresholds.update) & known[:, None]
    # Where nothing moves the training is at its end, or its rate is next to zero.
    others = moved.max(axis=1) >= MOVES * thresholds.update

    def first(index: int) -> str:
        return paths[kernels[int(np.argmin(moved[index]))]]

    def says(index: int) -> str:
        return (
            f"{first(index)} changed by {least[index]:.1g} of its norm since the step before, "
            "while others learn."
        )

    yield Signal(
        place=lambda index: _place(first(index)),
        values=least,
        holds=below.any(axis=1) & others,
        threshold=thresholds.update,
        says=says,
        patience=thresholds.patience,
        least=True,
        looked_at=len(kernels),
        count=lambda index: int(below[index].sum()),
    )


@rule("Exploding gradient", "warn", "weight gradients", "exploding")
def exploding(history: History, thresholds: Thresholds) -> Iterator[Signal]:
    """A norm of all gradients that is far above the steps before, and above the start."""
    norms = history.of("weight").get("norm")
    if norms is None:
        return
    paths = history.specs[WEIGHTS].rows or ()
    with np.errstate(all="ignore"):
        total = np.sqrt(np.sum(norms.astype(np.float64) ** 2, axis=1))
    times, holds, base = _growth(total, thresholds.exploding)

    def worst(index: int) -> int:
        with np.errstate(all="ignore"):
            grown = norms[index] / np.median(
                norms[base[index] : max(base[index] + 1, index)], axis=0
            )
        return int(np.argmax(np.where(np.isfinite(grown), grown, -1)))

    def says(index: int) -> str:
        return (
            f"The norm of all gradients is {times[index]:.3g} times that of the steps before; "
            f"{paths[worst(index)]} has grown most."
        )

    yield Signal(
        place=lambda index: _place(paths[worst(index)]),
        values=times,
        holds=holds,
        threshold=thresholds.exploding,
        says=says,
        looked_at=len(paths),
    )


def _growth(total: Values, limit: float) -> tuple[Values, NDArray[np.bool_], NDArray[np.intp]]:
    """How many times the usual the total is, where that is too much, and where the usual begins.

    While it is too much, the usual stays what it was before.
    """
    times = np.full(len(total), np.nan)
    begins = np.zeros(len(total), np.intp)
    known = np.flatnonzero(np.isfinite(total))
    usual = np.full(len(known), np.nan)
    for place in range(FEWEST, len(known)):
        before = known[max(0, place - BEFORE) : place]
        exploded = times[before[-1]] > limit and total[before[-1]] > total[known[0]]
        usual[place] = usual[place - 1] if exploded else np.median(total[before])
        begins[known[place]] = begins[before[-1]] if exploded else before[0]
        if usual[place] > 0:
            times[known[place]] = total[known[place]] / usual[place]
    start = total[known[0]] if known.size else np.nan
    with np.errstate(invalid="ignore"):
        return times, (times > limit) & (total > start), begins
