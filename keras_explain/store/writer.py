"""The writing half: one immutable file a logged step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from os import PathLike

from numpy.typing import ArrayLike

from .claim import Claim, claimed, other_writers
from .claim_objects import ObjectClaim
from .encoding import Encoded
from .folder import make_folder, probes_file, publish, remove_temporary, step_file, step_files
from .index import Step
from .layout import step_bytes
from .place import Place, Remote, place_of
from .prepare import median_drift, prepare
from .probe_file import probe_bytes
from .probes import ProbeSet
from .reader import Reader
from .retry import persistently
from .schema import RecordSpec, StepInfo, require

_MOST_TRIES = 1000
"""Attempts that are tried: a store that never shows what was put must not hold a training up."""


class Writer:
    """Writes the records of one training to `folder`.

    A training that goes on from the last step of the same probes, or after it, continues that
    attempt, unless its writer is still alive. Any other start opens a new attempt, which hides the
    older ones from there on; `Reader(attempt=)` still shows them. No two live writers share an
    attempt. On an object store, nobody knows whether a writer that has not been closed is alive:
    its attempt is not continued.

    One step costs its file's bytes on disk and no memory but the stored rows of the last two
    steps, which the drift needs.

    Args:
        folder: The records' folder, `<log_dir>/explain/plugins/keras_explain`; made if missing.
        probes: The examples explained. Their file is written at once, also over an older one: the
            newest names and pictures hold for all steps.
        start: The step of the network that the training starts with, -1 for a new one. It may be
            written (again) or not.
        fsync: Wait at every step until the disk has it, so that a power cut cannot take it back.

    Raises:
        OSError: if the folder or the probes' file cannot be written, or every attempt is taken.

    Attributes:
        drift: By key, the median drift over the probes at the last step; not where it is unknown.
        others: Who else has written to the folder since the attempt was opened.
        resumed: The step `start` as the folder has it, where an earlier training of the same
            probes wrote it; a new training, from -1 on, has none.
    """

    def __init__(
        self,
        folder: str | PathLike[str] | Place,
        probes: ProbeSet,
        start: int,
        *,
        fsync: bool = False,
    ) -> None:
        self.folder = place_of(folder)
        self.probes = probes
        self._fsync = fsync
        self.drift: dict[str, float] = {}
        self._kept: list[tuple[int, dict[str, Encoded]]] = []
        """The last two steps written, with their records."""
        self.others: tuple[str, ...] = ()
        self.resumed: Step | None = None
        self._publish_probes(anew=True)
        self._since: int | None = start + 1 if start >= 0 else -1
        self._claim = self._open_attempt(start)

    @property
    def attempt(self) -> int:
        """Which start of the training this is, from 0."""
        return self._claim.attempt

    def close(self) -> None:
        """Let others continue the attempt; the end of the process does so too."""
        self._claim.release()

    def write(self, info: StepInfo, records: Sequence[tuple[RecordSpec, ArrayLike]]) -> Place:
        """Write one step; a step that is written again replaces its file.

        Args:
            info: What the step says about itself. Its `step` must not be below the last one's.
            records: Each with its values, `(rows, *row_shape)`; they are stored as float16 with
                one scale a row, or by their `precision`.

        Returns:
            The file.

        Raises:
            ValueError: if a record does not fit its spec or the probes, or there are more than
                about 4,000.
            OSError: if the file system refuses. The folder is then as it was before.
        """
        last = self._kept[-1][0] if self._kept else -1
        require(info.step >= last, f"`step` must be at least {last}, the last one.", info.step)
        require(
            len(info.targets) == self.probes.count,
            f"`targets` must be {self.probes.count}, one a probe.",
            info.targets,
        )
        before = next((kept for step, kept in reversed(self._kept) if step < info.step), {})
        prepared = prepare(records, self.probes.count, before)
        self._publish_probes()
        if not self._claim.holds:
            self._claim.release()
            self._since = info.step
            self._claim = self._open_attempt(None)
        path = self.folder / step_file(self.attempt, info.step)
        content = step_bytes(info, self.attempt, self.probes.hash, prepared, self._since)
        publish(path, content, self._fsync)
        self._claim.touch()
        self.others = tuple(other.said for other in self._alive if other.has_written())
        earlier = [kept for kept in self._kept if kept[0] < info.step]
        encoded = {record.spec.key: record.encoded for record in prepared}
        self.drift = median_drift(prepared)
        self._kept = [*earlier[-1:], (info.step, encoded)]
        return path

    def _publish_probes(self, anew: bool = False) -> None:
        # At every step: who tidies up the log directory during a training loses the past only.
        path = self.folder / probes_file(self.probes.hash)
        # An older file of the same probes may know them by other names, or show other pictures.
        if anew or not path.exists():
            persistently(partial(make_folder, self.folder, self._fsync))
            publish(path, probe_bytes(self.probes), self._fsync)

    def _open_attempt(self, start: int | None) -> Claim | ObjectClaim:
        """The claim to the attempt that `start` says; without it, to one of its own."""
        reader, least = Reader(self.folder), 0
        for _ in range(_MOST_TRIES):
            attempt, _ = self._next_attempt(reader, start, least)
            claim = persistently(partial(claimed, self.folder, attempt))
            if claim is None:
                least = attempt + 1
                continue
            # Its former writer may have ended, with more steps, since the folder was looked at.
            now, last = self._next_attempt(reader, start, least)
            if now == attempt:
                break
            claim.release()
        else:
            raise OSError(f"No attempt of {self.folder} can be claimed: {_MOST_TRIES} are taken.")
        if start is not None and start >= 0:
            step = reader.index().by_number.get(start)
            self.resumed = step if step and step.probes == self.probes.hash else None
            if last is not None:
                steps = reader.index().steps[-2:]
                self._kept = [(step.info.step, reader.encoded_step(step)) for step in steps]
        if last is not None and last.attempt == claim.attempt:
            self._since = last.since
        self._alive = other_writers(self.folder, claim)
        if not self._alive:
            remove_temporary(self.folder)
        return claim

    def _next_attempt(
        self, reader: Reader, start: int | None, least: int
    ) -> tuple[int, Step | None]:
        """The attempt to write, `least` or more, and the last step where that is gone on from."""
        # By the names: what cannot be read today must not be mixed with what is written now.
        newest = max((found.attempt for found in step_files(self.folder)), default=-1)
        last = next(iter(reader.index().steps[-1:]), None)
        follows = (
            start is not None
            and start >= 0
            and last is not None
            and last.attempt == newest
            and last.probes == self.probes.hash
            and start >= last.info.step
        )
        if follows and newest >= least:
            return newest, last
        # On a store, who follows a writer that was not closed mostly goes on where that was killed.
        known = follows and isinstance(self.folder, Remote)
        return max(newest + 1, least), last if known else None
