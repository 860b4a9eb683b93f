"""The writing half: one immutable file a logged step."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .encoding import Encoded, encode
from .folder import probes_file, publish, remove_temporary, step_file
from .layout import Prepared, step_bytes
from .probe_file import probe_bytes
from .probes import ProbeSet
from .reader import Reader
from .schema import STATS, RecordSpec, StepInfo, require
from .statistics import as_shown, drift, row_statistics


class Writer:
    """Writes the records of one training to `folder`.

    A training that goes on behind the last step of the same probes continues that attempt.
    Any other start opens a new attempt, from whose first step on the older ones are hidden.

    One step costs its file's bytes on disk and no memory but the stored rows of the last two
    steps, which the drift needs.

    Args:
        folder: The records' folder, `<log_dir>/explain/plugins/keras_explain`; made if missing.
        probes: The examples explained. Their file is written at once.
        start: The first step that will be written.
        fsync: Wait at every step until the disk has it, so that a power cut cannot take it back.

    Raises:
        OSError: if the folder or the probes' file cannot be written.
    """

    def __init__(
        self, folder: str | PathLike[str], probes: ProbeSet, start: int, *, fsync: bool = False
    ) -> None:
        self.folder = Path(folder)
        self.probes = probes
        self._fsync = fsync
        self.drift: dict[str, float] = {}
        """By key, the median drift over the probes at the last step; not where it is unknown."""
        self._kept: list[tuple[int, dict[str, Encoded]]] = []
        """The last two steps written, with their records."""
        self._publish_probes()
        remove_temporary(self.folder)
        self.attempt = self._open_attempt(start)

    def write(self, info: StepInfo, records: Sequence[tuple[RecordSpec, ArrayLike]]) -> Path:
        """Write one step; a step that is written again replaces its file.

        Args:
            info: What the step says about itself. Its `step` must not be below the last one's.
            records: Each with its values, `(rows, *row_shape)`; they are stored as float16 with
                one scale a row, or by their `precision`.

        Returns:
            The file.

        Raises:
            ValueError: if a record does not fit its spec or the probes.
            OSError: if the file system refuses. The folder is then as it was before.
        """
        last = self._kept[-1][0] if self._kept else -1
        require(info.step >= last, f"`step` must be at least {last}, the last one.", info.step)
        require(
            len(info.targets) == self.probes.count,
            f"`targets` must be {self.probes.count}, one a probe.",
            info.targets,
        )
        keys = [spec.key for spec, _ in records]
        require(len(set(keys)) == len(keys), "The keys of a step's records must differ.", keys)
        before = next((kept for step, kept in reversed(self._kept) if step < info.step), {})
        prepared = [
            _prepare(spec, _checked(spec, values, self.probes.count), before.get(spec.key))
            for spec, values in records
        ]
        self._publish_probes()
        path = self.folder / step_file(self.attempt, info.step)
        content = step_bytes(info, self.attempt, self.probes.hash, prepared)
        publish(path, content, self._fsync)
        earlier = [kept for kept in self._kept if kept[0] < info.step]
        encoded = {record.spec.key: record.encoded for record in prepared}
        self.drift = {
            record.spec.key: float(np.nanmedian(record.stats[:, STATS.index("drift")]))
            for record in prepared
            if record.spec.rows is None and np.isfinite(record.stats[:, STATS.index("drift")]).any()
        }
        self._kept = [*earlier[-1:], (info.step, encoded)]
        return path

    def _publish_probes(self) -> None:
        # At every step: who tidies up the log directory during a training loses the past only.
        path = self.folder / probes_file(self.probes.hash)
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            publish(path, probe_bytes(self.probes), self._fsync)

    def _open_attempt(self, start: int) -> int:
        reader = Reader(self.folder)
        index = reader.index()
        if index.last_attempt is None:
            return 0
        last = index.steps[-1] if index.steps else None
        if last is not None and last.probes == self.probes.hash and start > last.info.step:
            self._kept = [(last.info.step, reader.encoded_step(last))]
            return last.attempt
        return index.last_attempt + 1


def _checked(spec: RecordSpec, values: ArrayLike, probes: int) -> NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):  # beyond float32 is infinite, and flagged as such
            array = np.asarray(values).astype(np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The values of {spec.key!r} must be numbers.") from error
    rows = probes if spec.rows is None else len(spec.rows)
    require(
        array.ndim == 1 + len(spec.axes) and len(array) == rows and array.size > 0,
        f"The values of {spec.key!r} must have {rows} rows of axes {spec.axes}.",
        array.shape,
    )
    for axis, entries in spec.labels.items():
        require(axis in spec.axes, f"`labels` of {spec.key!r} must name its axes.", axis)
        size = array.shape[1 + spec.axes.index(axis)]
        require(
            len(entries) in (size, size + 1),  # bins have one edge more
            f"`labels[{axis!r}]` of {spec.key!r} must have {size} entries (or edges, one more).",
            len(entries),
        )
    return array


def _prepare(spec: RecordSpec, values: NDArray[np.float32], before: Encoded | None) -> Prepared:
    encoded = encode(values, spec.precision)
    figures = row_statistics(as_shown(values, spec.axes, spec.shown))
    return Prepared(spec, encoded, np.column_stack([figures, drift(encoded, before)]))
