"""One figure a layer, for all layers at once: which of them is worth a look."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from keras_explain.store import DamagedFile, Reader
from keras_explain.store.format.forms import plane_axis
from keras_explain.store.index import Index, Step
from keras_explain.store.layout import Stored
from keras_explain.store.schema import STATS
from keras_explain.store.tensor_file import opened

from .bundle import bundle
from .channels import Kept, check_reads, figures
from .queries import BadRequest, chosen

Stats = NDArray[np.float32]


def _dead(table: NDArray[np.float32]) -> float:
    """The share of channels that are zero everywhere, for all probes."""
    zero = table[1]
    known = np.isfinite(zero).any(axis=0)
    return float((np.nanmin(zero[:, known], axis=0) == 1).mean()) if known.any() else np.nan


RECORDED: Mapping[str, Callable[[Stats], float]] = {
    "zero": lambda stats: float(np.nanmean(stats[:, STATS.index("zero")])),
    "drift": lambda stats: float(np.nanmedian(stats[:, STATS.index("drift")])),
}
"""What the statistics beside each record say: mean share of zeros, median drift over the probes."""

REDUCED: Mapping[str, Callable[[NDArray[np.float32]], float]] = {
    "dead": _dead,
    "mean_abs": lambda table: float(np.nanmean(table[0])),
}
"""What takes a read of the maps: share of dead channels, mean magnitude."""

OF_LAYERS = (*RECORDED, *REDUCED)


def layers(
    reader: Reader,
    kept: Kept,
    method: str,
    number: int,
    names: Sequence[str],
    at: Sequence[int] | None = None,
) -> bytes:
    """A bundle of the named figures of a method's records at one step, `(records,)` each.

    NaN where a layer has no such figure, or its record is missing or damaged. The header's `keys`
    are the records' keys.

    Args:
        reader: Reads the run.
        kept: Where the tables of channels stay.
        method: Name of the method.
        number: The step.
        names: Of `OF_LAYERS`.
        at: Which of the method's records, in the order of the manifest; all by default.

    Raises:
        UnknownRecord: if there is no such step.
        BadRequest: if there is no such record, or too much would be read.
    """
    index = reader.index([number])
    all_keys = [key for key, of in index.records.items() if of.spec.method == method]
    if not all_keys:
        raise BadRequest(f"`of` must name a method with records. Received: {method[:80]!r}")
    keys = [all_keys[place] for place in chosen(at, "at", len(all_keys))]
    step = index.step(number)
    found = {name: np.full(len(keys), np.nan, np.float32) for name in names}
    if set(names) & set(REDUCED):
        records = [index.records[key] for key in keys]
        check_reads(sum(of.row_count * of.values.row_bytes for of in records), len(keys))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of nothing known, NaN is the mean
        for place, key in enumerate(keys):
            stored = index.stored(step, key)
            if stored is None:
                continue
            for name, value in _figures(reader, kept, index, step, stored, names).items():
                found[name][place] = value
    return bundle(found, keys=keys, step=number)


def _figures(
    reader: Reader, kept: Kept, index: Index, step: Step, stored: Stored, names: Sequence[str]
) -> dict[str, float]:
    found: dict[str, float] = {}
    recorded = [name for name in names if name in RECORDED]
    if recorded:
        stats = _stats(step, stored)
        found |= {name: RECORDED[name](stats) for name in recorded if stats is not None}
    reduced = [name for name in names if name in REDUCED]
    if reduced and plane_axis(stored.spec) is not None:
        table = figures(reader, kept, step, index.records[stored.spec.key])
        found |= {name: REDUCED[name](table) for name in reduced}
    return found


def _stats(step: Step, stored: Stored) -> Stats | None:
    checksum = step.stats_checksums[list(step.layout).index(stored.spec.key)]
    try:
        with opened(step.path) as file:
            return stored.read_stats(file, step.start, checksum)
    except (OSError, DamagedFile):
        return None
