"""Pictures, histograms and scalars of each step, for TensorBoard's own tabs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto.summary_pb2 import Summary

from ..store import ProbeSet, announcement, event_file_in
from ..store.format import axes
from ..store.format.forms import form_of, has_pictures, turns
from ..store.place import Place
from ..store.schema import RecordSpec
from . import sheets, values
from .contact import ContactSheets

if TYPE_CHECKING:
    from ..methods.base import Record


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
        self, folder: str | Place, probes: ProbeSet, complete: bool = True, fsync: bool = False
    ) -> None:
        self._file = event_file_in(folder, fsync)
        self._complete = complete
        self._sheets = ContactSheets(probes)

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
            if spec.quantity == "histogram":
                found += _histograms(spec, array)
            elif "norm" in spec.labels.get("statistic", ()):
                norms = array[:, spec.labels["statistic"].index("norm")].astype(np.float64)
                found.append(values.scalar("gradient_norm", float(np.sqrt((norms**2).sum()))))
            elif form_of(spec) == "numbers":
                found += _means(spec, array)
            elif has_pictures(spec):
                sheet = self._sheets.of(spec, array)
                size = sheet.picture.height, sheet.picture.width
                text = f"{sheet.shows} Raw numbers and every step are in the Explain tab."
                found.append(values.image(spec.key, sheets.encoded(sheet.picture), *size, text))
        return found


def drift_figures(specs: Iterable[RecordSpec], drift: Mapping[str, float]) -> dict[str, float]:
    """How far each map turned since the step before, by tag for the Scalars tab.

    Args:
        specs: The records of the step.
        drift: By key, the median drift over the probes, where it is known.
    """
    maps = {spec.key for spec in specs if turns(spec) and form_of(spec) != "outputs"}
    return {f"drift/{key}": drift[key] for key in drift if key in maps}


def _histograms(spec: RecordSpec, counts: NDArray[np.float32]) -> list[Summary.Value]:
    edges = np.array(spec.labels["bin"])
    return [
        values.histogram(f"{spec.method}/{path}", edges, row, path)
        for path, row in zip(spec.rows or (), counts, strict=True)
    ]


def _means(spec: RecordSpec, array: NDArray[np.float32]) -> list[Summary.Value]:
    """The mean of each figure over the probes that have one."""
    labels = spec.labels.get(axes.FIGURE, range(array.shape[1])) if spec.axes else None
    tags = [spec.key] if labels is None else [f"{spec.key}/{label}" for label in labels]
    columns = array.reshape(len(array), len(tags)).astype(np.float64).T
    finite = ((tag, column[np.isfinite(column)]) for tag, column in zip(tags, columns, strict=True))
    return [values.scalar(tag, float(column.mean())) for tag, column in finite if column.size]
