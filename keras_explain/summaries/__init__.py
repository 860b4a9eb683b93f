"""Pictures, histograms and scalars of each step, for TensorBoard's own tabs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto.summary_pb2 import Summary

from ..methods.base import Record
from ..methods.weight_gradients import EDGES, STATISTICS
from ..store import EventFile, ProbeSet, announcement
from ..store.schema import RecordSpec
from ..store.statistics import as_shown
from . import sheets, values

MOST_PROBES = 16
MOST_CHANNELS = 8
EVIDENCE = 99
"""Percentile of the magnitudes that gets the last colour."""


class Summaries:
    """Writes one event file beside the records.

    TensorBoard keeps ten pictures of a tag and reads all that it is given, so this is kept small:
    a contact sheet a record, the filled bins of each weight's gradient, a few scalars.

    Args:
        folder: The sub-run `<log_dir>/explain`.
        probes: The probes, whose photos lie under the maps.
        complete: Whether more is written than the word to TensorBoard that the run has records.
        fsync: Whether to wait until the disk has each event.
    """

    def __init__(
        self, folder: str | Path, probes: ProbeSet, complete: bool = True, fsync: bool = False
    ) -> None:
        self._file = EventFile(folder, fsync)
        self._complete = complete
        self._photos = {
            name: _photos(probes.pictures.get(name, array)) for name, array in probes.inputs.items()
        }
        self._limits: dict[str, float] = {}

    def add(self, step: int, records: Sequence[Record], figures: Mapping[str, float]) -> None:
        """Write the summaries of one step.

        Args:
            step: TensorBoard's step.
            records: The records of the step.
            figures: Single numbers by tag, for the Scalars tab.
        """
        # First, and alone: a picture that cannot be drawn must not hide the run from the tab.
        self._file.add(step, time.time(), [announcement([spec.key for spec, _ in records])])
        if self._complete:
            found = [values.scalar(tag, figure) for tag, figure in figures.items()]
            self._file.add(step, time.time(), found + self._own(records))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _own(self, records: Sequence[Record]) -> list[Summary.Value]:
        found: list[Summary.Value] = []
        for spec, array in records:
            if spec.key == "weight_gradients/histogram":
                found += _histograms(spec, array)
            elif spec.key == "weight_gradients/statistics":
                norms = array[:, STATISTICS.index("norm")].astype(np.float64)
                found.append(values.scalar("gradient_norm", float(np.sqrt((norms**2).sum()))))
            elif spec.axes in ((), ("metric",)) and spec.key != "scores":
                found += _means(spec, array)
            elif "height" in spec.axes and "width" in spec.axes:
                found.append(self._sheet(spec, array))
        return found

    def _sheet(self, spec: RecordSpec, array: NDArray[np.float32]) -> Summary.Value:
        maps = array[:MOST_PROBES]
        channel = 1 + spec.axes.index("channel") if "channel" in spec.axes else None
        if spec.shown == "all" and channel is not None:
            maps = np.moveaxis(maps, channel, -1)[:MOST_CHANNELS, ..., :MOST_CHANNELS]
            limit = self._limit(spec.key, maps)
            sheet = sheets.channel_sheet(maps, limit=limit)
            shows = "a row a probe, a column a channel"
        else:
            maps = as_shown(maps, spec.axes, spec.shown)
            limit = self._limit(spec.key, maps)
            # Named rows are no probes: there is no photo of any of them.
            photos = None if spec.rows else self._photos.get(spec.input or "")
            under = None if photos is None else photos[:MOST_PROBES]
            sheet = sheets.overlay_sheet(maps, under, signed=spec.signed, limit=limit)
            shows = "one cell a probe"
        text = f"{spec.title}: {shows}. Raw numbers and every step are in the Explain tab."
        return values.image(spec.key, sheets.encoded(sheet), sheet.height, sheet.width, text)

    def _limit(self, key: str, maps: NDArray[np.float32]) -> float:
        """The value of the last colour: it only ever grows, so that steps can be compared."""
        sizes = np.abs(maps[np.isfinite(maps)])
        here = float(np.percentile(sizes, EVIDENCE)) if sizes.size else 0.0
        self._limits[key] = max(self._limits.get(key, 0.0), here)
        return self._limits[key]


def _histograms(spec: RecordSpec, counts: NDArray[np.float32]) -> list[Summary.Value]:
    edges = np.array(EDGES)
    return [
        values.histogram(f"weight_gradients/{path}", edges, row, path)
        for path, row in zip(spec.rows or (), counts, strict=True)
    ]


def _means(spec: RecordSpec, array: NDArray[np.float32]) -> list[Summary.Value]:
    """The mean of each figure over the probes that have one."""
    labels = spec.labels.get("metric", range(array.shape[1])) if spec.axes else None
    tags = [spec.key] if labels is None else [f"{spec.key}/{label}" for label in labels]
    columns = array.reshape(len(array), len(tags)).astype(np.float64).T
    finite = ((tag, column[np.isfinite(column)]) for tag, column in zip(tags, columns, strict=True))
    return [values.scalar(tag, float(column.mean())) for tag, column in finite if column.size]


def _photos(array: NDArray[np.generic]) -> NDArray[np.uint8] | None:
    """An input as grey pictures `(probes, height, width)` from 0 to 255; None if it is none."""
    if array.ndim != 4 or array.shape[-1] not in (1, 3):
        return None
    pictures = array[:MOST_PROBES].astype(np.float32).mean(axis=-1)
    low, high = float(np.nanmin(pictures)), float(np.nanmax(pictures))
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    scaled = (pictures - low) / max(high - low, 1e-12) * 255
    return np.nan_to_num(scaled).clip(0, 255).astype(np.uint8)
