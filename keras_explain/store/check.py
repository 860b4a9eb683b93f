"""Read every byte of a log directory's records once, and say what is wrong and what that costs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike

from .check_events import event_flaw
from .errors import RecordsNotFound, StoreError
from .folder import RECORDS, Found, probes_file, step_files, temporary_files, version_of
from .layout import Layout, StepHeader, Stored, step_header
from .place import Place, Remote, place_of
from .probe_file import ProbeFile
from .tensor_file import opened, read_header

_DEPTH = 12
"""How far below an object store's URL runs are looked for."""


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong.

    Attributes:
        file: Name of the file, or of the folder where that could not be listed.
        cause: What is wrong with it.
        lost: What of the run cannot be had any more.
        is_damage: Whether anything is lost that was written before.
    """

    file: str
    cause: str
    lost: str
    is_damage: bool = True


@dataclass(frozen=True)
class Checked:
    """What one run's folder holds.

    Attributes:
        folder: The folder of its records.
        steps: How many steps can be read.
        files: How many files were read.
        size: Bytes of those.
        dropped: How many steps could not be written, as the training counted.
        flaws: What is wrong.
    """

    folder: Place
    steps: int
    files: int
    size: int
    dropped: int
    flaws: tuple[Flaw, ...]

    @property
    def is_damaged(self) -> bool:
        """Whether anything is lost that was written before."""
        return any(flaw.is_damage for flaw in self.flaws)


def check(
    log_dir: str | PathLike[str], on_file: Callable[[Place], None] = lambda path: None
) -> Iterator[Checked]:
    """Check the records of every run in a log directory, one after the other.

    All bytes are read, in constant memory; nothing is changed.

    Args:
        log_dir: A folder of runs, a run, or a folder of records; on an object store, its URL.
        on_file: Called with each file before it is read.

    Raises:
        RecordsNotFound: if there are no records.
    """
    root = place_of(log_dir)
    folders = list(_records_below(root))
    if not folders:
        raise RecordsNotFound(
            f"`log_dir` must be a folder with records of keras_explain. Received: {str(root)!r}"
        )
    for folder in folders:
        yield _checked(folder, on_file)


def _records_below(root: Place) -> Iterator[Place]:
    if any(step_files(root)):
        yield root
    if isinstance(root, Remote):
        for place, _ in root.folders(_DEPTH):
            if place != root and place.url.endswith(f"/{RECORDS.as_posix()}"):
                yield place
        return
    for name, below, _ in os.walk(root):
        below.sort()
        folder = place_of(name)
        if folder != root and name.endswith(os.sep + str(RECORDS)):
            yield folder


def _checked(folder: Place, on_file: Callable[[Place], None]) -> Checked:
    flaws: list[Flaw] = []
    try:
        found = sorted(step_files(folder))
    except OSError as error:
        flaws.append(Flaw(folder.name, f"It cannot be listed: {error.strerror}", "all of it"))
        return Checked(folder, 0, 0, 0, 0, tuple(flaws))
    layouts: dict[bytes, Layout] = {}
    headers: list[StepHeader] = []
    files: list[Place] = [folder / file.name for file in found]
    for file, path in zip(found, files, strict=True):
        on_file(path)
        header = _check_step(file, path, layouts, flaws)
        if header is not None:
            headers.append(header)
    for digest in dict.fromkeys(header.probes for header in headers):
        path = folder / probes_file(digest)
        on_file(path)
        files.append(path)
        flaws += _probe_flaws(path, digest)
    for path in temporary_files(folder):
        cause = "A writer that was killed has left it."
        flaws.append(Flaw(path.name, cause, "nothing: that step was not written", False))
    for path in _event_files(folder):
        on_file(path)
        files.append(path)
        cut, cause, lost = event_flaw(path)
        if cause:
            flaws.append(Flaw(path.name, cause, lost, not cut))
    dropped = headers[-1].info.totals.get("dropped", 0) if headers else 0
    return Checked(folder, len(headers), len(files), _size(files), dropped, tuple(flaws))


def _check_step(
    found: Found, path: Place, layouts: dict[bytes, Layout], flaws: list[Flaw]
) -> StepHeader | None:
    """The header of a step's file, if it can be read; its flaws are added."""
    try:
        with opened(path) as file:
            header = step_header(read_header(file), layouts)
            if (header.attempt, header.info.step) != (found.attempt, found.step):
                raise StoreError("It holds another step than its name says.")
            for (key, stored), checksum in zip(
                header.layout.items(), header.stats_checksums, strict=True
            ):
                rows = stored.damaged_rows(file, header.start)
                if rows:
                    at = header.start + stored.values.begin + rows[0] * stored.values.row_bytes
                    cause = f"What is at byte {at} does not match its checksum."
                    lost = f"{_rows(stored, rows)} of {key!r} at step {found.step}"
                    flaws.append(Flaw(path.name, cause, lost))
                try:
                    stored.read_stats(file, header.start, checksum)
                except StoreError as error:
                    lost = f"the figures of {key!r} at step {found.step}, not its maps"
                    flaws.append(Flaw(path.name, str(error), lost))
    except (OSError, StoreError) as error:
        flaws.append(Flaw(path.name, _said(error), f"step {found.step}"))
        return None
    return header


def _rows(stored: Stored, rows: list[int]) -> str:
    """Some rows in words: a probe each, or with the names that they have."""
    names = stored.spec.rows
    listed = ", ".join(str(row) if names is None else repr(names[row][:80]) for row in rows[:10])
    more = f" and {len(rows) - 10} more" if len(rows) > 10 else ""
    kind = "example" if names is None else "row"
    return f"{kind}{'s' if len(rows) > 1 else ''} {listed}{more}"


def _probe_flaws(path: Place, digest: str) -> Iterator[Flaw]:
    try:
        file = ProbeFile.open(path, digest)
        for name in file.described:
            for row in range(file.count):
                file.read(name, [row])
        file.load()
    except (OSError, StoreError) as error:
        lost = "the inputs under the maps, their labels and names; the maps are not concerned"
        yield Flaw(path.name, _said(error), lost)


def _event_files(folder: Place) -> list[Place]:
    """The files beside the records that the callback wrote for TensorBoard's own tabs."""
    run = folder
    for _ in RECORDS.parts:
        run = run.parent
    return sorted(run.glob("events.out.tfevents.*"), key=str) if folder == run / RECORDS else []


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, StoreError):
        return f"It cannot be read: {error.strerror}"
    return str(error)


def _size(files: list[Place]) -> int:
    size = 0
    for path in files:
        with contextlib.suppress(OSError):
            size += version_of(path)[0]
    return size
