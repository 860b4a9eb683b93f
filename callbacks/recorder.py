"""Off the training thread: turn what a pass found into records, files and pictures."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import Any

from keras_explain.outcome import Fault, Outcome
from keras_explain.passes import Pass
from keras_explain.records import numpy_of, records_of, score_kind
from keras_explain.store import RECORDS, Failure, ProbeSet, StepInfo, Writer
from keras_explain.store.place import Place
from keras_explain.summaries import Summaries, drift_figures

WAITING = 2
"""Steps that may wait to be written; past that the training waits, so that memory stays flat."""


class ExplanationWarning(UserWarning):
    """An explanation could not be made or kept; the training goes on."""


@dataclass(frozen=True)
class Moment:
    """When in the training something was explained."""

    step: int
    epoch: int
    batch: int
    logs: dict[str, float]
    is_start: bool = False
    """Whether it is the network that the training starts with, which no batch has changed yet."""


@dataclass(frozen=True)
class Start:
    """Where a training starts.

    Attributes:
        log_dir: Folder of its run.
        step: Step of the network that it starts with; -1 for a new one.
    """

    log_dir: Place
    step: int


class Recorder:
    """Keeps the outcomes of one `fit`. A failure is counted, warned of once, and never raised.

    Args:
        log_dir: Folder of the run; everything goes to `explain` inside it.
        made_by: The pass whose outcomes are kept.
        probes: The probes as they are kept.
        summaries: Whether to write summaries for TensorBoard's own tabs.
        fsync: Whether to wait until the disk has each step.
        strict: Work on the training thread, and raise.
    """

    def __init__(
        self,
        log_dir: Place,
        made_by: Pass,
        *,
        probes: ProbeSet,
        summaries: bool,
        fsync: bool,
        strict: bool,
    ) -> None:
        self._folder = log_dir / "explain"
        self._start: int | None = None
        self._pass = made_by
        self._probes = probes
        self._fsync = fsync
        self._strict = strict
        self._with_summaries = summaries
        self._writer: Writer | None = None
        self._summaries: Summaries | None = None
        self._score: str | None = None
        self._failures: list[Failure] = []
        self._told = 0  # how many of them the files have told
        self._dropped = 0
        self._left_out = 0
        self._others: set[str] = set()
        self._last: Callable[[], None] | None = None
        self._warned: set[tuple[str, str]] = set()
        self._lock = Lock()
        self._room = BoundedSemaphore(WAITING)
        # Its thread is joined when the interpreter ends: an interrupted training loses nothing.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keras_explain")

    @property
    def probes_hash(self) -> str:
        """Content hash of the probes."""
        return self._probes.hash

    def begin(self, start: Start) -> None:
        """Take the folder and the start of this training, before anything is kept."""
        self._folder, self._start = start.log_dir / "explain", start.step

    def has_room(self) -> bool:
        """Whether a step could be kept now, without waiting for the disk."""
        if self._strict:
            return True
        has_room = self._room.acquire(blocking=False)
        if has_room:
            self._room.release()
        return has_room

    def left_out(self) -> None:
        """Count a step for which there was no time."""
        with self._lock:
            self._left_out += 1

    def drop(self, moment: Moment) -> None:
        """Count and tell of a step for which there was no room."""
        with self._lock:
            self._dropped += 1
        text = f"The disk does not keep up: {WAITING} steps were still waiting to be written."
        self._fail(moment, Fault("store", TimeoutError(text)))

    def keep(self, moment: Moment, outcome: Outcome, seconds: Mapping[str, float]) -> None:
        """Write the outcome of a pass, which took so many `seconds`, soon."""
        self._soon(moment, lambda: self._write(moment, outcome, seconds))

    def missed(self, moment: Moment, error: Exception) -> None:
        """Note that the pass itself failed at this step."""
        self._fail(moment, Fault("pass", error))
        nothing = {"targets": (-1,) * self._probes.count}
        self._soon(moment, lambda: self._store(moment, nothing, []))

    def failure_texts(self) -> list[str]:
        """What has gone wrong so far, one sentence each."""
        with self._lock:
            return [f"step {f.step}: {f.source}: {f.error}" for f in self._failures]

    def close(self) -> None:
        """Wait until everything is written, and close the files."""
        self._thread.shutdown(wait=True)
        if self._last is not None and self._told < len(self._failures):
            self._last()  # once more, with what has failed since
        self._last = None
        if self._writer is not None:
            self._writer.close()
        if self._summaries is not None:
            self._summaries.close()
            self._summaries = None

    def _soon(self, moment: Moment, work: Callable[[], None]) -> None:
        if self._strict:
            work()
        else:
            self._room.acquire()
            self._thread.submit(self._guarded, moment, work)

    def _guarded(self, moment: Moment, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # what the steps below did not foresee is told too
            self._fail(moment, Fault("recorder", error))
        finally:
            self._room.release()

    def _write(self, moment: Moment, outcome: Outcome, seconds: Mapping[str, float]) -> None:
        records, faults = records_of(self._pass, outcome)
        for fault in faults:
            self._fail(moment, fault)
        if self._score is None:
            self._score = score_kind(self._pass)
        info = {
            "score": self._score,
            "target": self._pass.built.target,
            "targets": tuple(int(index) for index in numpy_of(outcome.targets)),
            "seconds": seconds,
        }
        if outcome.loss is not None:
            moment.logs["probe_loss"] = float(numpy_of(outcome.loss))
        self._store(moment, info, records)
        self._summarise(moment, records)

    def _store(
        self, moment: Moment, info: dict[str, Any], records: list[Any], since: int | None = None
    ) -> None:
        try:
            if self._writer is None:
                folder = self._folder / RECORDS
                start = moment.step - 1 if self._start is None else self._start
                self._writer = Writer(folder, self._probes, start=start, fsync=self._fsync)
            resumed = self._writer.resumed
            if moment.is_start and resumed is not None:
                # The step that the training goes on from is made anew, and keeps its figures.
                for name, value in resumed.info.logs.items():
                    moment.logs.setdefault(name, value)
            with self._lock:
                since = self._told if since is None else since
                untold = self._failures[since:]
                totals = {
                    "failures": len(self._failures),
                    "dropped": self._dropped,
                    "left_out": self._left_out,
                }
            self._writer.write(
                StepInfo(
                    step=moment.step,
                    epoch=moment.epoch,
                    batch=moment.batch,
                    wall_time=time.time(),
                    logs=moment.logs,
                    failures=untold,
                    totals=totals,
                    **info,
                ),
                records,
            )
        except Exception as error:  # a full disk, a folder that is gone: the step is dropped
            with self._lock:
                self._dropped += 1
            self._fail(moment, Fault("store", error))
            return
        with self._lock:
            self._told = since + len(untold)
        self._last = lambda: self._store(moment, info, records, since)
        self._tell_of(moment, self._writer.others)

    def _tell_of(self, moment: Moment, others: tuple[str, ...]) -> None:
        """Tell, once, of other trainings in the same folder."""
        if set(others) <= self._others:
            return
        self._others.update(others)
        text = (
            f"Another training is writing to the same folder: {', '.join(others)}. This one has "
            "an attempt of its own, and hides the other's steps. Give each its own `log_dir`."
        )
        self._fail(moment, Fault("store", FileExistsError(text)))

    def _summarise(self, moment: Moment, records: list[Any]) -> None:
        try:
            if self._summaries is None:
                self._summaries = Summaries(
                    self._folder, self._probes, self._with_summaries, self._fsync
                )
            drift = {} if self._writer is None else self._writer.drift
            figures = drift_figures([spec for spec, _ in records], drift)
            self._summaries.add(moment.step, records, figures)
        except Exception as error:  # likewise, for the other file
            self._fail(moment, Fault("event file", error))

    def _fail(self, moment: Moment, fault: Fault) -> None:
        if self._strict:
            raise fault.error
        kind = (fault.source, type(fault.error).__name__)
        with self._lock:
            self._failures.append(Failure(moment.step, fault.source, str(fault)))
            is_new = kind not in self._warned
            self._warned.add(kind)
        if is_new:
            # Also where warnings are errors, this one must not stop the training.
            with contextlib.suppress(ExplanationWarning):
                warnings.warn(
                    f"keras_explain: {fault.source} failed at step {moment.step}, and training "
                    f"goes on. {fault} (Further failures of this kind are counted in silence.)",
                    ExplanationWarning,
                    stacklevel=2,
                )
