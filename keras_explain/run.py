"""The records of one training, for a person at a prompt."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .health import Alert, Health, Thresholds
from .store.errors import RecordsNotFound, UnknownRecord
from .store.folder import RECORDS, step_files
from .store.format.task import Task
from .store.index import Problem, listed
from .store.place import Place, Remote, place_of
from .store.predictions import KEY as PREDICTIONS
from .store.predictions import Predictions, predictions_at, task_of
from .store.probes import ProbeSet
from .store.reader import Reader
from .store.schema import Failure, RecordSpec
from .store.similarity import Diff, diff

_PLACES = (Path("explain") / RECORDS, RECORDS, Path())
_DEPTH = 4
_LISTED = 20


class Run:
    """What one training has logged, as it was when the object was made (see `refresh`).

    ```python
    run = keras_explain.Run("logs/run1")
    run.load("grad_cam/conv5", step=3)  # float32 (probes, height, width)
    ```

    Args:
        log_dir: The `log_dir` given to the callback, its folder `explain`, the records' folder, or
            a folder with one run somewhere below it; also on an object store, `s3://bucket/run`.
        attempt: Which training, where several have started in the same folder; one of `attempts`.
            By default the newest.

    Raises:
        OSError: if the object store does not answer.
        RecordsNotFound: if there are no records, or several runs below `log_dir`; it lists them.
        UnknownRecord: if there is no such attempt.
    """

    def __init__(self, log_dir: str | PathLike[str] | Place, attempt: int | None = None) -> None:
        self.folder = _records_folder(place_of(log_dir))
        self._reader = Reader(self.folder, attempt=attempt)
        if attempt is not None and attempt not in {of.attempt for of in step_files(self.folder)}:
            known = listed(self.attempts)
            raise UnknownRecord(f"`attempt` must be {known}. Received: {attempt!r}")
        self._health = Health(self._reader)
        self.refresh()

    def refresh(self) -> Run:
        """Look at the folder again, and return this object."""
        self._index = self._reader.index(fresh=True)
        return self

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, steps={len(self.steps)}, keys={list(self.keys)})"

    @property
    def attempts(self) -> tuple[int, ...]:
        """Numbers of the trainings that have started in this folder, the newest last.

        One that starts below the last step hides the steps of the one before from there on; see
        `attempt`. One that goes on from the last step is the same training.
        """
        newest = self._index if self._reader.attempt is None else Reader(self.folder).index()
        return newest.attempts

    @property
    def steps(self) -> tuple[int, ...]:
        """The logged steps, in order; -1 is before the first update."""
        return tuple(step.info.step for step in self._index.steps)

    @property
    def epochs(self) -> tuple[int | None, ...]:
        """The epoch of each step."""
        return tuple(step.info.epoch for step in self._index.steps)

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the records."""
        return tuple(self._index.records)

    @property
    def specs(self) -> Mapping[str, RecordSpec]:
        """By key, what the record means."""
        return {key: stored.spec for key, stored in self._index.records.items()}

    @property
    def probes(self) -> ProbeSet:
        """The examples explained.

        Raises:
            DamagedFile, DamagedRecord: if their file is missing or altered.
        """
        if not self._index.steps:
            raise RecordsNotFound(f"No step has been logged in {self.folder} yet.")
        return self._reader.probes(self._index.steps[-1]).load()

    @property
    def probes_hash(self) -> str | None:
        """Content hash of the probes: two runs compare where it is the same. None without steps."""
        return self._index.steps[-1].probes if self._index.steps else None

    @property
    def logs(self) -> Mapping[str, NDArray[np.float64]]:
        """Keras's logs, by name `(steps,)`; NaN where a step has no such value."""
        return _by_step([step.info.logs for step in self._index.steps])

    @property
    def seconds(self) -> Mapping[str, NDArray[np.float64]]:
        """What each step took, by name `(steps,)`; NaN where it is not known.

        `pass` is the step's own; `explaining` and `training` are sums over all steps since the
        first: their ratio is the share of the training's time that went into explaining.
        """
        return _by_step([step.info.seconds for step in self._index.steps])

    @property
    def totals(self) -> Mapping[str, int]:
        """How many steps and failures there were, as the last step counts them.

        `failures`; `dropped`, steps that could not be written; `left_out`, steps for which the
        callback's `budget` had no time.
        """
        return dict(self._index.steps[-1].info.totals) if self._index.steps else {}

    @property
    def target(self) -> str | None:
        """What the last step explained, in words, such as "true"; None where it is not known."""
        return self._index.steps[-1].info.target if self._index.steps else None

    @property
    def task(self) -> Task | None:
        """What the numbers of the explained output mean; None in a run that does not say."""
        return task_of(self._reader, self._index.steps[-1]) if self._index.steps else None

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What failed while explaining, oldest first."""
        return tuple(failure for step in self._index.steps for failure in step.info.failures)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Files that cannot be used, and why."""
        return self._index.problems

    def load(self, key: str, step: int, probes: Sequence[int] | None = None) -> NDArray[np.float32]:
        """A record's values at one step, raw, float32 `(rows, *row_shape)`.

        Args:
            key: One of `keys`.
            step: One of `steps`.
            probes: Which rows, from 0; all by default.

        Raises:
            UnknownRecord: if there is no such step, record or row.
            DamagedRecord: if a row is not what was written.
        """
        return self._reader.load(self._index.step(step), key, probes)

    def predictions(self, step: int) -> NDArray[np.float32]:
        """The explained output for each probe at one step, as the model returns it.

        `(probes, *task.shape)`; `(probes, outputs)` in a run that does not say its `task`.
        """
        outputs = self.load(PREDICTIONS, step)
        task = self.task
        fits = task is not None and math.prod(task.shape) == math.prod(outputs.shape[1:])
        return outputs.reshape(len(outputs), *task.shape) if task and fits else outputs

    def outcome(self, step: int) -> Predictions | None:
        """What the predictions at one step mean: classes, probabilities, errors, losses.

        None where the step keeps no predictions that can be used.
        """
        return predictions_at(self._reader, self._index.step(step))

    def diff(self, key: str, a: int, b: int) -> Diff:
        """What changed in a record from step `a` to step `b`; see `Diff`."""
        return diff(self.load(key, a), self.load(key, b))

    def stats(self, key: str) -> Mapping[str, NDArray[np.float32]]:
        """By name of the figure, a record's statistics `(steps, rows)`; NaN where missing."""
        return self._reader.stats(self._index, key)

    def alerts(self, **limits: float) -> tuple[Alert, ...]:
        """What is wrong with the training or its explanations, the worst first.

        Every step is read once; later calls cost the steps that have come since.

        Args:
            **limits: Fields of `keras_explain.health.Thresholds` that are not the default.

        Raises:
            ValueError: if a limit is unknown or out of its bounds.
        """
        report = self._health.report(self._index, Thresholds.of(limits))
        return tuple(finding.alert for finding in report.findings)


def _by_step(figures: Sequence[Mapping[str, float]]) -> dict[str, NDArray[np.float64]]:
    names = dict.fromkeys(name for of_step in figures for name in of_step)
    return {name: np.array([of.get(name, np.nan) for of in figures]) for name in names}


def _records_folder(log_dir: Place) -> Place:
    for place in _PLACES:
        folder = log_dir / place
        if any(step_files(folder)) or any(folder.glob("probes-*.safetensors")):
            return folder
    looked = ", ".join(str(log_dir / place) for place in _PLACES)
    runs = list(itertools.islice(_runs_below(log_dir), _LISTED))
    if len(runs) == 1 and runs[0] != log_dir:
        return _records_folder(runs[0])
    below = f" Runs below it: {', '.join(map(str, runs))}." if runs else ""
    raise RecordsNotFound(
        f"`log_dir` holds no records of keras_explain. Looked in: {looked}.{below} "
        f"Received: {str(log_dir)!r}"
    )


def _runs_below(log_dir: Place) -> Iterator[Place]:
    for here, below in _folders(log_dir):
        if "explain" in below and (here / _PLACES[0]).is_dir():
            yield here
        below[:] = sorted(set(below) - {"explain"})
        if isinstance(here, Path):  # `os.walk` names a link to a folder, and does not follow it
            linked = (here / name for name in below if (here / name).is_symlink())
            yield from (run for run in linked if (run / _PLACES[0]).is_dir())


def _folders(top: Place) -> Iterator[tuple[Place, list[str]]]:
    """Each folder from `top` on with those in it, of which some may be taken out."""
    if isinstance(top, Remote):
        yield from top.folders(_DEPTH + 1)
        return
    for folder, below, _ in os.walk(top):
        yield Path(folder), below
        if len(Path(folder).relative_to(top).parts) >= _DEPTH:
            below.clear()
