"""Which runs there are, and which folder each one has.

A run's name comes from TensorBoard's data provider, never from a request or a file: a request can
only choose among the names known. A folder that leads out of the log directory is not read.
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import Any

from keras_explain.store import RECORDS, Reader

from . import NAME
from .queries import NotFound

READ_FIRST = 32
"""Steps of a run that are read before it is looked at."""

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
        self.logdir = logdir or spec
        self._readers: dict[Path, Reader] = {}
        self._listed: dict[str, Reader] = {}
        self._announced: set[str] = set()
        self._lock = threading.Lock()

    def readers(self, context: Any, experiment: str) -> dict[str, Reader]:
        """By run, the reader of its records; runs whose folder is elsewhere are left out.

        Args:
            context: TensorBoard's request context.
            experiment: TensorBoard's id of the experiment.
        """
        listed = self._provider.list_tensors(context, experiment_id=experiment, plugin_name=NAME)
        readers = {}
        for run in sorted(listed):
            folder = self._folder(run)
            if folder is not None:
                with self._lock:
                    readers[run] = self._readers.setdefault(folder, Reader(folder, READ_FIRST))
        self._listed = readers
        self._announced = set(listed)
        return readers

    def announced(self, run: str) -> bool:
        """Whether the callback wrote this run, as far as was known when runs were last listed."""
        return run in self._announced

    @property
    def is_local(self) -> bool:
        """Whether the runs lie in folders that can be read here."""
        return bool(self._roots) and "://" not in self.logdir

    def reader(self, run: str, context: Any, experiment: str) -> Reader:
        """The reader of one run.

        Raises:
            NotFound: if there is no such run.
        """
        # To list the runs can take TensorBoard tens of milliseconds: only where it is needed.
        found = self._listed.get(run)
        if found is not None:
            return found
        readers = self.readers(context, experiment)
        if run not in readers:
            known = ", ".join(name[:80] for name in list(readers)[:20])
            raise NotFound(f"`run` must be one of: {known}. Received: {run[:80]!r}")
        return readers[run]

    def name(self, run: str) -> str:
        """What a person calls the run: without the sub-run `explain`."""
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

    def _folder(self, run: str) -> Path | None:
        for group, root in self._roots:
            path = _below(group, root, run)
            if path is not None:
                folder = Path(os.path.realpath(path / RECORDS))
                if folder.is_relative_to(root) and folder.is_dir():
                    return folder
        return None


def _without_subrun(folder: Path) -> Path:
    run = folder.parents[len(RECORDS.parts) - 1]
    return run.parent if run.name == SUBRUN else run


def _below(group: str, root: Path, run: str) -> Path | None:
    """Where the run lies if it belongs to this root, whose runs begin with the `group`."""
    if not group:
        return root / run
    if run == group or run.startswith(group + os.sep):
        return root / run[len(group) + 1 :]
    return None


def _roots(logdir: str, spec: str) -> list[tuple[str, Path]]:
    """The log directories, each with the name that its runs' names begin with."""
    if logdir:
        return [("", _real(logdir))]
    roots = []
    for part in filter(None, spec.split(",")):
        # As TensorBoard reads it: "name:path", or a path of its own.
        named = re.match(r"(?!\w:[\\/])(?![^:]*://)([^/:][^:]*):(.*)", part)
        group, path = named.groups() if named else ("", part)
        roots.append((group, _real(path)))
    return roots


def _real(path: str) -> Path:
    return Path(os.path.realpath(os.path.expanduser(path)))
