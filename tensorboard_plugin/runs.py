"""Which runs there are, and which folder each one has.

A run's name comes from TensorBoard's data provider, never from a request or a file: a request can
only choose among the names known. A link within the log directories is followed; a folder that
leads out of them is not read. Earlier trainings in the folder of a run are runs of their own.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from pathlib import Path
from typing import Any

from keras_explain.store import RECORDS, Reader
from keras_explain.store.place import Place, is_url, place_of

from . import NAME
from .example_run import EXAMPLE, ExampleRun
from .queries import NotFound

READ_FIRST = 32
"""Steps of a run that are read before it is looked at."""

MOST_ATTEMPTS = 50
"""Earlier trainings in one folder that are listed, the newest; Python reads all."""

SUBRUN = "explain"
"""The callback's own sub-run; people know the run without it."""


class Runs:
    """The runs with records.

    Args:
        provider: TensorBoard's data provider.
        logdir: What `--logdir` says, or "".
        spec: What `--logdir_spec` says, or "".
    """

    def __init__(self, provider: Any, logdir: str, spec: str = "") -> None:
        self._provider = provider
        self._roots = _roots(logdir, spec)
        self._folders = [root for _, root in self._roots if isinstance(root, Path)]
        self.logdir = logdir or spec
        self._readers: dict[tuple[Place, int | None], Reader] = {}
        self._attempts: dict[str, tuple[str, int]] = {}
        """By the name of an earlier training, the run and its number."""
        self._linked: set[str] = set()
        self._listed: dict[str, Reader] = {}
        self._announced: set[str] = set()
        self._example = ExampleRun()
        self._lock = threading.Lock()

    def readers(self, context: Any, experiment: str) -> dict[str, Reader]:
        """By run, the reader of its records; runs whose folder is elsewhere are not there.

        After each run come the earlier trainings in its folder, as far as no run is called so.

        Args:
            context: TensorBoard's request context.
            experiment: TensorBoard's id of the experiment.
        """
        listed = self._provider.list_tensors(context, experiment_id=experiment, plugin_name=NAME)
        readers: dict[str, Reader] = {}
        attempts: dict[str, tuple[str, int]] = {}
        linked = set()
        for run in sorted(listed):
            folder = self._folder(run)
            if folder is None:
                linked |= {run} if self._leads_out(run) else set()
                continue
            readers[run] = newest = self._reader(folder, None)
            for attempt in newest.index().attempts[-1 - MOST_ATTEMPTS : -1]:
                name = f"{run} (attempt {attempt})"
                if name not in listed:
                    readers[name] = self._reader(folder, attempt)
                    attempts[name] = (run, attempt)
        self._listed, self._attempts, self._linked = readers, attempts, linked
        self._announced = set(listed)
        return readers

    def _reader(self, folder: Place, attempt: int | None) -> Reader:
        with self._lock:
            made = Reader(folder, READ_FIRST, attempt)
            return self._readers.setdefault((folder, attempt), made)

    @property
    def linked(self) -> frozenset[str]:
        """Runs reached by a link that leads out of the log directories, as of the last listing."""
        return frozenset(self._linked)

    def announced(self, run: str) -> bool:
        """Whether the callback wrote this run, as far as was known when runs were last listed."""
        return run in self._announced

    @property
    def is_local(self) -> bool:
        """Whether the runs lie in folders that can be read here, if on an object store."""
        return bool(self._roots)

    def reader(self, run: str, context: Any, experiment: str) -> Reader:
        """The reader of one run; by its name that of the example, where no run is called so.

        Raises:
            NotFound: if there is no such run.
        """
        # To list the runs can take TensorBoard tens of milliseconds: only where it is needed.
        found = self._listed.get(run)
        if found is not None:
            return found
        readers = self.readers(context, experiment)
        if run not in readers:
            if run == EXAMPLE:
                return self._example.reader()
            known = ", ".join(name[:80] for name in list(readers)[:20])
            raise NotFound(f"`run` must be one of: {known}. Received: {run[:80]!r}")
        return readers[run]

    def name(self, run: str) -> str:
        """What a person calls the run: without the sub-run `explain`."""
        if run in self._attempts:
            of, attempt = self._attempts[run]
            return f"{self.name(of)} (attempt {attempt})"
        parts = run.replace(os.sep, "/").split("/")
        if parts[-1] == SUBRUN:
            parts.pop()
        folder = self._folder(run)
        if parts and parts != ["."]:
            return "/".join(parts)
        # The log directory is the run itself: its folder's name says more than ".".
        if folder is not None:
            return _without_subrun(folder).name
        return self._roots[0][1].name if self.is_local else run

    def _folder(self, run: str) -> Place | None:
        for group, root in self._roots:
            below = _below(group, run)
            folder = None if below is None else self._inside(root, below)
            if folder is not None:
                return folder
        return None

    def _inside(self, root: Place, run: str) -> Place | None:
        """The records' folder of a run, if there is one and it is in a log directory."""
        if isinstance(root, Path):
            folder = Path(os.path.realpath(root / run / RECORDS))
            is_inside = any(folder.is_relative_to(own) for own in self._folders)
            return folder if is_inside and folder.is_dir() else None
        if ".." in run.split("/"):  # a client may take it for the folder above
            return None
        far = root / run / RECORDS
        try:  # to ask a store takes long: only for what has not been seen yet
            return far if (far, None) in self._readers or far.is_dir() else None
        except OSError:
            return None

    def _leads_out(self, run: str) -> bool:
        """Whether a run without a folder that is read is there, behind a link."""
        return any(
            below is not None and (root / below / RECORDS).is_dir()
            for group, root in self._roots
            if isinstance(root, Path) and ".." not in run.split(os.sep)
            for below in [_below(group, run)]
        )


def _without_subrun(folder: Place) -> Place:
    run = folder
    for _ in RECORDS.parts:
        run = run.parent
    return run.parent if run.name == SUBRUN else run


def _below(group: str, run: str) -> str | None:
    """The run's path from its root if it belongs to the one whose runs begin with the `group`."""
    if not group:
        return run
    if run == group or run.startswith(group + os.sep):
        return run[len(group) + 1 :]
    return None


def _roots(logdir: str, spec: str) -> list[tuple[str, Place]]:
    """The log directories, each with the name that its runs' names begin with."""
    parts = [("", logdir)] if logdir else []
    for part in filter(None, spec.split(",") if not logdir else []):
        # As TensorBoard reads it: "name:path", or a path of its own.
        named = re.match(r"(?!\w:[\\/])(?![^:]*://)([^/:][^:]*):(.*)", part)
        group, path = named.groups() if named else ("", part)
        parts.append((group, path))
    roots = []
    for group, path in parts:
        with contextlib.suppress(ValueError):  # a store that nothing installed can read
            roots.append((group, _real(path)))
    return roots


def _real(path: str) -> Place:
    if is_url(path):
        return place_of(path)
    return Path(os.path.realpath(os.path.expanduser(path)))
