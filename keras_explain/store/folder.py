"""Names of the files in a folder of records, and how a file comes to be there."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RECORDS = Path("plugins", "keras_explain")
"""Where the records lie below a run of TensorBoard."""

_STEP = re.compile(r"step-(\d{3,6})-(\d{10})\.safetensors", re.ASCII)
_TEMPORARY = ".tmp-"


def step_file(attempt: int, step: int) -> str:
    """Name of a step's file; names sort as the steps do, -1 first."""
    return f"step-{attempt:03d}-{step + 1:010d}.safetensors"


def probes_file(digest: str) -> str:
    """Name of the probes' file, by their content hash."""
    return f"probes-{digest[:12]}.safetensors"


@dataclass(frozen=True)
class Found:
    """A step's file as the folder lists it; equal as long as the file has not changed."""

    name: str
    attempt: int
    step: int
    size: int
    changed: int


def step_files(folder: Path) -> Iterator[Found]:
    """The step files of `folder`, in no order; nothing if there is no such folder.

    Only regular files count: a link could lead out of the folder, and a pipe would never answer.
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            match = _STEP.fullmatch(entry.name)
            if match is None:
                continue
            with contextlib.suppress(FileNotFoundError):  # replaced since it was listed
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    attempt, number = int(match[1]), int(match[2])
                    yield Found(entry.name, attempt, number - 1, status.st_size, status.st_mtime_ns)


def publish(path: Path, content: bytes, fsync: bool = False) -> None:
    """Make `path` hold `content`, wholly or not at all.

    Args:
        path: The file; one that is there is replaced.
        content: Its bytes.
        fsync: Wait until the disk has it, so that a power cut cannot take it back.

    Raises:
        OSError: if the file system refuses; nothing is left behind.
    """
    temporary = path.with_name(_TEMPORARY + path.name)
    try:
        with open(temporary, "wb", buffering=0) as file:
            left = memoryview(content)
            while left:
                left = left[file.write(left) :]
            if fsync:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if fsync and os.name == "posix":
        _fsync_folder(path.parent)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_temporary(folder: Path) -> None:
    """Remove what a writer that was killed has left."""
    for path in folder.glob(_TEMPORARY + "*"):
        with contextlib.suppress(OSError):
            path.unlink()
