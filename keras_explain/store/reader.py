"""The reading half: a folder of records, whoever wrote it, while it is being written."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .encoding import Encoded
from .errors import DamagedFile, DamagedRecord, StoreError, UnknownRecord
from .folder import Found, probes_file, step_files
from .layout import Layout, StepHeader, Stored, step_header
from .probe_file import ProbeFile
from .schema import STATS
from .tensor_file import opened, read_header


@dataclass(frozen=True)
class Step(StepHeader):
    """A step that is shown, and its file."""

    path: Path


@dataclass(frozen=True)
class Problem:
    """A file that cannot be used, and why; `lasting` until the file changes."""

    file: str
    error: str
    lasting: bool = True


@dataclass(frozen=True)
class Index:
    """What a folder held when it was looked at.

    Attributes:
        steps: The steps shown, in order.
        problems: Files that cannot be used.
        records: By key, the record as the newest step that has it says.
    """

    steps: tuple[Step, ...]
    problems: tuple[Problem, ...]
    records: Layout

    @cached_property
    def by_number(self) -> dict[int, Step]:
        """The steps shown, by their numbers."""
        return {step.info.step: step for step in self.steps}

    def step(self, number: int) -> Step:
        """The step of that number.

        Raises:
            UnknownRecord: if it is not shown.
        """
        if number in self.by_number:
            return self.by_number[number]
        raise UnknownRecord(f"`step` must be {_listed(list(self.by_number))}. Received: {number!r}")

    def record(self, key: str) -> Stored:
        """The record of that key.

        Raises:
            UnknownRecord: if no step has it.
        """
        if key in self.records:
            return self.records[key]
        raise UnknownRecord(f"`key` must be {_listed(list(self.records))}. Received: {key[:80]!r}")

    def stored(self, step: Step, key: str) -> Stored | None:
        """The record at that step, if it is there and of the same meaning and shape as now."""
        stored, now = step.layout.get(key), self.records[key]
        if stored is None or stored is now:
            return stored
        same = stored.spec == now.spec and stored.values.shape == now.values.shape
        return stored if same else None


def _listed(values: Sequence[object]) -> str:
    if not values:
        return "one that has been written (there is none)"
    more = f", ... ({len(values)} in all)" if len(values) > 30 else ""
    return "one of " + ", ".join(str(value)[:80] for value in values[:30]) + more


_SETTLED = 2.0
"""Seconds; some file systems do not tell two changes of a folder apart that are closer."""

_LOOK_AGAIN = 5.0
"""Seconds after which a folder is listed anew in any case: files may change in their place."""


class Reader:
    """Reads the records in `folder`. Holds no file open, and may be shared between threads.

    A file is read from its header on only once as long as name, size and time stay the same; rows
    are read when asked for, and never without their checksum.

    Args:
        folder: `<log_dir>/explain/plugins/keras_explain`; it need not exist yet.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = Path(folder)
        self._lock = threading.Lock()
        self._known: dict[Found, Step | Problem] = {}
        self._index = Index((), (), {})
        self._listed = (0, 0.0)
        self._layouts: dict[str, Layout] = {}
        self._probes: tuple[tuple[str, int, int], ProbeFile] | None = None

    def index(self) -> Index:
        """What the folder holds now; the same object as long as nothing has changed.

        A folder that is not there is empty; one that cannot be listed is a problem.
        """
        with self._lock:
            if self._is_quiet():
                return self._index
            looked = self._version(), time.time()
            try:
                found = set(step_files(self.folder))
            except OSError as error:
                self._listed = 0, 0.0
                problem = Problem(self.folder.name, f"It cannot be listed: {error.strerror}")
                return Index((), (problem,), {})
            self._listed = looked
            if found != self._known.keys():
                known = {file: self._known.get(file) or self._read(file) for file in found}
                self._index = _index(known)
                # What could not be read this time may be readable the next.
                self._known = {
                    file: read
                    for file, read in known.items()
                    if isinstance(read, Step) or read.lasting
                }
            return self._index

    def probes(self, step: Step) -> ProbeFile:
        """The probes that the records of `step` are about.

        Raises:
            DamagedFile: if their file is missing or not theirs.
        """
        path = self.folder / probes_file(step.probes)
        try:
            status = path.lstat()
            version = (step.probes, status.st_size, status.st_mtime_ns)
            with self._lock:
                if self._probes is None or self._probes[0] != version:
                    self._probes = (version, ProbeFile.open(path, step.probes))
                return self._probes[1]
        except OSError as error:
            raise DamagedFile(f"{path.name} cannot be read: {error.strerror}") from error
        except DamagedFile as error:
            raise DamagedFile(f"{path.name} cannot be used. {error}") from error

    def rows(
        self, step: Step, stored: Stored, rows: Sequence[int]
    ) -> tuple[Encoded, NDArray[np.bool_]]:
        """Rows of a record at `step` as stored, and which of them match their checksum.

        Raises:
            DamagedFile: if the file is no longer there as it was listed.
        """
        try:
            with opened(step.path) as file:
                return stored.read(file, step.start, rows)
        except OSError as error:
            raise DamagedFile(f"{step.path.name} cannot be read: {error.strerror}") from error

    def load(self, step: Step, key: str, rows: Sequence[int] | None = None) -> NDArray[np.float32]:
        """A record's values, `(rows, *row_shape)`.

        Args:
            step: One of the index's steps.
            key: One of the step's records.
            rows: Which rows; all by default.

        Raises:
            UnknownRecord: if the step does not have the record or the rows.
            DamagedRecord: if a row is not what was written.
        """
        stored = step.layout.get(key)
        if stored is None:
            known = _listed(list(step.layout))
            raise UnknownRecord(
                f"`key` at step {step.info.step} must be {known}. Received: {key[:80]!r}"
            )
        every = range(stored.row_count)
        at = every if rows is None else rows
        if rows is not None and not all(row in every for row in rows):
            rule = f"Rows of {key!r} must be from 0 to {stored.row_count - 1}."
            raise UnknownRecord(f"{rule} Received: {list(at)[:20]}")
        try:
            encoded, intact = self.rows(step, stored, at)
        except DamagedFile as error:
            raise DamagedRecord(f"{key!r} at step {step.info.step}: {error}") from error
        if not intact.all():
            damaged = [row for row, is_intact in zip(at, intact, strict=True) if not is_intact]
            raise DamagedRecord(
                f"Rows {damaged[:20]} of {key!r} at step {step.info.step} "
                f"({step.path.name}) do not match their checksums."
            )
        return encoded.decode()

    def load_usable(
        self, step: Step, key: str, rows: Sequence[int] | None = None
    ) -> NDArray[np.float32] | None:
        """What `load` gives, or None where the step has no such record that can be used."""
        try:
            return self.load(step, key, rows)
        except StoreError:
            return None

    def encoded_step(self, step: Step) -> dict[str, Encoded]:
        """Every record of a step as stored, but for those that are damaged."""
        records = {}
        for key, stored in step.layout.items():
            try:
                encoded, intact = self.rows(step, stored, range(stored.row_count))
            except DamagedFile:
                continue
            if intact.all():
                records[key] = encoded
        return records

    def stats(
        self, index: Index, key: str, steps: Sequence[Step | None] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """By name of `STATS`, a record's figures `(steps, rows)`; NaN where they are missing.

        Args:
            index: What `index` gave.
            key: Which record.
            steps: Steps of the index; None stands for one that is not there. All by default.

        Raises:
            UnknownRecord: if no step has the record.
        """
        asked = index.steps if steps is None else steps
        figures = np.full((len(asked), index.record(key).row_count, len(STATS)), np.nan, "f4")
        for at, step in enumerate(asked):
            stored = index.stored(step, key) if step else None
            if step and stored:
                checksum = step.stats_checksums[list(step.layout).index(key)]
                try:
                    with opened(step.path) as file:
                        figures[at] = stored.read_stats(file, step.start, checksum)
                except (OSError, DamagedFile):
                    continue
        return {name: figures[:, :, column] for column, name in enumerate(STATS)}

    def _is_quiet(self) -> bool:
        """Whether nothing came or went since the folder was listed: to list many files is slow."""
        changed, listed = self._listed
        if not changed or listed - changed / 1e9 < _SETTLED:
            return False
        return 0 <= time.time() - listed < _LOOK_AGAIN and self._version() == changed

    def _version(self) -> int:
        """When the folder last changed; 0 where that cannot be told."""
        try:
            return self.folder.stat().st_mtime_ns
        except OSError:
            return 0

    def _read(self, found: Found) -> Step | Problem:
        path = self.folder / found.name
        try:
            with opened(path) as file:
                header = step_header(read_header(file), self._layouts)
            if (header.attempt, header.info.step) != (found.attempt, found.step):
                raise DamagedFile("It holds another step than its name says.")
        except OSError as error:
            return Problem(found.name, f"It cannot be read: {error.strerror}", lasting=False)
        except DamagedFile as error:
            return Problem(found.name, str(error))
        return Step(**vars(header), path=path)


def _index(known: Mapping[Found, Step | Problem]) -> Index:
    order = sorted(known, key=lambda found: (found.attempt, found.step))
    read = [known[found] for found in order]
    whole = [step for step in read if isinstance(step, Step)]
    problems = tuple(problem for problem in read if isinstance(problem, Problem))
    shown = [step for step in _not_superseded(whole) if step.probes == whole[-1].probes]
    records: dict[str, Stored] = {}
    for step in reversed(shown):
        for key, stored in step.layout.items():
            records.setdefault(key, stored)
    return Index(tuple(shown), problems, records)


def _not_superseded(steps: Sequence[Step]) -> list[Step]:
    """Those of `steps`, sorted by attempt and step, that no newer attempt has started below."""
    kept: list[Step] = []
    end = math.inf
    for _, attempt in groupby(reversed(steps), key=lambda step: step.attempt):
        of_attempt = list(attempt)
        kept += [step for step in of_attempt if step.info.step < end]
        end = min(end, of_attempt[-1].info.step)
    return kept[::-1]
