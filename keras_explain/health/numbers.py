"""Rules about numbers that are none, and about what failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..store.format.forms import says_where
from .alert import Place
from .history import History
from .measures import WEIGHTS
from .rule import Signal, at, rule
from .thresholds import Thresholds

Flags = NDArray[np.bool_]


@rule("Not finite", "error", "any record or log")
def not_finite(history: History, thresholds: Thresholds) -> Iterator[Signal]:
    """Gradients, maps, outputs of layers or logs that are NaN or infinite."""
    weight = history.of("weight")
    if "norm" in weight and "size" in weight:
        known = np.isfinite(weight["size"])
        paths = history.specs[WEIGHTS].rows or ()
        places = [Place(path, record=WEIGHTS, weight=path) for path in paths]
        broken = known & ~np.isfinite(weight["norm"])
        yield _first_of(broken, known, places, "The gradient of {} is not finite", "weights")
    rows = history.of("broken")
    layers = [key for key in rows if history.specs[key].quantity == "activation"]
    maps = [key for key in rows if says_where(history.specs[key])]
    for keys, what in ((maps, "The map {}"), (layers, "The output of {}")):
        if keys:
            yield _of_records(history, keys, what)
    logs = history.of("log")
    if logs:
        known = np.stack([table[:, 1] == 1 for table in logs.values()], axis=1)
        finite = np.stack([np.isfinite(table[:, 0]) for table in logs.values()], axis=1)
        places = [Place(name) for name in logs]
        yield _first_of(known & ~finite, known, places, "{} is not finite", "logs")


def _of_records(history: History, keys: Sequence[str], what: str) -> Signal:
    tables = history.of("broken")
    counts = np.stack([tables[key][:, 0] for key in keys], axis=1)
    firsts = np.stack([tables[key][:, 1] for key in keys], axis=1)
    specs = [history.specs[key] for key in keys]
    places = [
        Place(key if says_where(spec) else spec.layer or key, record=key, layer=spec.layer)
        for key, spec in zip(keys, specs, strict=True)
    ]
    signal = _first_of(counts > 0, np.isfinite(counts), places, what + " is not finite", "records")

    def place(index: int) -> Place:
        record = int(np.argmax(counts[index] > 0))
        probe = int(firsts[index, record])
        return Place(**{**vars(places[record]), "probe": probe})

    def says(index: int) -> str:
        record = int(np.argmax(counts[index] > 0))
        rows = int(counts[index, record])
        examples = f"example {int(firsts[index, record])}" if rows == 1 else f"{rows} examples"
        return signal.says(index).replace(" is not finite", f" is not finite for {examples}", 1)

    return Signal(
        place=place,
        values=signal.values,
        holds=signal.holds,
        threshold=0,
        says=says,
        looked_at=len(keys),
        count=signal.count,
    )


def _first_of(
    broken: Flags, known: Flags, places: Sequence[Place], sentence: str, noun: str
) -> Signal:
    """One signal for all places: what breaks one breaks many."""
    counts = broken.sum(axis=1)

    def first(index: int) -> int:
        return int(np.argmax(broken[index]))

    def says(index: int) -> str:
        more = counts[index] - 1
        others = f", as {'are' if more > 1 else 'is'} {more} more of the {len(places)} {noun}"
        return sentence.format(places[first(index)].name) + (others if more else "") + "."

    return Signal(
        place=lambda index: places[first(index)],
        values=np.where(known.any(axis=1), counts, np.nan).astype(np.float64),
        holds=counts > 0,
        threshold=0,
        says=says,
        looked_at=len(places),
        count=lambda index: int(counts[index]),
    )


@rule("Failing method", "warn", "a method that failed", "patience")
def failing(history: History, thresholds: Thresholds) -> Iterator[Signal]:
    """A method that fails at every step, so that its map is missing."""
    for source, table in history.of("failure").items():
        failed = table[:, 0] == 1
        yield Signal(
            place=at(Place(source)),
            values=failed.astype(np.float64),
            holds=failed,
            threshold=0,
            says=partial(_fails, source),
            patience=thresholds.patience,
        )


def _fails(source: str, index: int) -> str:
    return f"{source} fails step after step; its maps are missing."
