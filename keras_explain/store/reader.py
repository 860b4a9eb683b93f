"""The reading half: a folder of records, whoever wrote it, while it is being written."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from .encoding import Encoded
from .errors import DamagedFile, DamagedRecord, StoreError, UnknownRecord
from .folder import Found, probes_file, step_files, version_of
from .index import EMPTY, Index, Problem, Step, index_of, listed
from .layout import Layout, Prepared, Stored, step_header
from .place import Place, Remote, place_of
from .probe_file import ProbeFile
from .schema import STATS
from .tensor_file import opened, read_header

_SETTLED = 2.0
"""Seconds; some file systems do not tell two changes of a folder apart that are closer."""

_LOOK_AGAIN = 5.0
"""Seconds after which a folder is listed anew in any case: files may change in their place."""


_AT_ONCE = 16
"""Files of an object store whose headers are fetched at once."""


class Reader:
    """Reads the records in `folder`. Holds no file open, and may be shared between threads.

    A file is read from its header on only once as long as name, size and time stay the same; rows
    are read when asked for, and never without their checksum.

    Args:
        folder: `<log_dir>/explain/plugins/keras_explain`; it need not exist yet.
        first: How many of the newest files are read as soon as the folder is listed, so that a
            long run costs no more than a short one; the others when they are asked for. All by
            default.
        attempt: The newest attempt that is looked at: the folder as it was before a later training
            started in it. By default all.
    """

    def __init__(
        self,
        folder: str | PathLike[str] | Place,
        first: int | None = None,
        attempt: int | None = None,
    ) -> None:
        self.folder = place_of(folder)
        self.attempt = attempt
        self._first = first
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self._found: list[Found] = []
        """The newest first."""
        self._wanted: list[Found] = []
        self._known: dict[Found, Step | Problem] = {}
        self._index: Index | None = EMPTY
        self._listed = (0, 0.0)
        self._layouts: dict[bytes, Layout] = {}
        self._probes: tuple[tuple[str, int, int], ProbeFile] | None = None

    def index(self, numbers: Collection[int] = (), *, fresh: bool = False) -> Index:
        """What the folder holds now; the same object as long as nothing has changed.

        A folder that is not there is empty; one that cannot be listed is a problem.

        Args:
            numbers: Steps whose files are to be read if they have not been.
            fresh: Whether an object store is listed in any case, and not once in a few seconds.
        """
        with self._lock:
            try:
                self._look(fresh)
            except OSError as error:
                problem = Problem(self.folder.name, f"It cannot be listed: {error.strerror}")
                return Index((), (problem,), {})
            wanted = self._wanted
            asked = set(numbers).difference(self._made().by_number)
            if asked and self._made().unread:
                wanted = [*wanted, *(found for found in self._found if found.step in asked)]
            self._keep(
                self._all_read([of for of in dict.fromkeys(wanted) if of not in self._known])
            )
            self._wanted = []
            return self._made()

    def read_on(self, seconds: float | None = None) -> Index:
        """Read files that have not been, the newest first; what the folder holds then.

        Args:
            seconds: How long, one file at least; the next call goes on. None for all.
        """
        with self._reading:
            self.index()
            with self._lock:
                waiting = [found for found in self._found if found not in self._known]
            read: dict[Found, Step | Problem] = {}
            begin = time.monotonic()
            some = _AT_ONCE if isinstance(self.folder, Remote) else 1
            for start in range(0, len(waiting), some):
                # Nobody waits for this: what is looked at meanwhile is read in between.
                read |= self._all_read(waiting[start : start + some])
                if seconds is not None and time.monotonic() - begin >= seconds:
                    break
            with self._lock:
                self._keep(read)
                return self._made()

    def probes(self, step: Step) -> ProbeFile:
        """The probes that the records of `step` are about.

        Raises:
            DamagedFile: if their file is missing or not theirs.
        """
        path = self.folder / probes_file(step.probes)
        try:
            version = (step.probes, *version_of(path))
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
        except MemoryError as error:
            size = len(rows) * stored.values.row_bytes
            raise DamagedFile(
                f"{step.path.name} holds {size} bytes of this record: memory has no room for them."
            ) from error

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
            known = listed(list(step.layout))
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

    def written(self, step: Step) -> list[Prepared] | None:
        """A step as it was written, or None where anything of it is damaged."""
        records = []
        try:
            with opened(step.path) as file:
                checked = zip(step.layout.values(), step.stats_checksums, strict=True)
                for stored, checksum in checked:
                    encoded, intact = stored.read(file, step.start, range(stored.row_count))
                    if not intact.all():
                        return None
                    stats = stored.read_stats(file, step.start, checksum)
                    records.append(Prepared(stored.spec, encoded, stats))
        except (OSError, DamagedFile):
            return None
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

    def _all_read(self, files: Sequence[Found]) -> dict[Found, Step | Problem]:
        """What each file holds; many at once where each takes long."""
        if isinstance(self.folder, Remote) and len(files) > 1:
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                return dict(zip(files, threads.map(self._read, files), strict=True))
        return {found: self._read(found) for found in files}

    def _look(self, fresh: bool) -> None:
        """List the folder, unless it cannot have changed."""
        if self._is_quiet() and not (fresh and isinstance(self.folder, Remote)):
            return
        looked = self._version(), time.time()
        self._listed = 0, 0.0
        found = sorted(step_files(self.folder), reverse=True)
        if self.attempt is not None:
            found = [of for of in found if of.attempt <= self.attempt]
        self._listed = looked
        # What could not be read the last time may be readable now.
        known = {
            of: read
            for of in found
            if (read := self._known.get(of)) and (isinstance(read, Step) or read.lasting)
        }
        if found == self._found and len(known) == len(self._known):
            return
        self._found, self._known, self._index = found, known, None
        newest = {of.attempt: of for of in reversed(found)}  # it tells the attempt's probes
        some = [*found[: self._first], *islice(newest.values(), self._first)]
        self._wanted = found if self._first is None else some

    def _keep(self, read: dict[Found, Step | Problem]) -> None:
        if read:
            self._known = read | self._known
            self._index = None

    def _made(self) -> Index:
        if self._index is None:
            self._index = index_of(self._found, self._known)
        return self._index

    def _is_quiet(self) -> bool:
        """Whether nothing came or went since the folder was listed: to list many files is slow."""
        changed, listed = self._listed
        if isinstance(self.folder, Remote):  # it does not say when it has changed
            return 0 <= time.time() - listed < _LOOK_AGAIN
        if not changed or listed - changed / 1e9 < _SETTLED:
            return False
        return 0 <= time.time() - listed < _LOOK_AGAIN and self._version() == changed

    def _version(self) -> int:
        """When the folder last changed; 0 where that cannot be told."""
        if isinstance(self.folder, Remote):
            return 0
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
            return Problem(found.name, f"It cannot be read: {_why(error)}", lasting=False)
        except DamagedFile as error:
            return Problem(found.name, str(error))
        return Step(**vars(header), path=path)


def _why(error: OSError) -> str | None:
    if error.errno == errno.ELOOP:
        return "it is a symbolic link. Put the file itself there: links to records are not followed"
    return error.strerror
