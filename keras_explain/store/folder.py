"""Names of the files in a folder of records, and how a file comes to be there."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from .place import Place, Remote
from .retry import persistently

RECORDS = Path("plugins", "keras_explain")
"""Where the records lie below a run of TensorBoard."""

_STEP = re.compile(r"step-(\d{3,6})-(\d{10})\.safetensors", re.ASCII)
TEMPORARY = ".tmp-"
"""What the name of a file that is being written begins with."""


def step_file(attempt: int, step: int) -> str:
    """Name of a step's file; names sort as the steps do, -1 first."""
    return f"step-{attempt:03d}-{step + 1:010d}.safetensors"


def probes_file(digest: str) -> str:
    """Name of the probes' file, by their content hash."""
    return f"probes-{digest[:12]}.safetensors"


class Found(NamedTuple):
    """A step's file as the folder lists it; equal as long as the file has not changed.

    They sort as the steps do.
    """

    attempt: int
    step: int
    name: str
    size: int
    changed: int
    inode: int  # two changes may lie within one tick of the file system's clock


def step_files(folder: Place) -> Iterator[Found]:
    """The step files of `folder`, in no order; nothing if there is no such folder.

    Pipes and folders do not count. Links do, and cannot be read: one could lead out of the folder.
    """
    if isinstance(folder, Remote):
        with contextlib.suppress(FileNotFoundError):
            for file in folder.entries():
                if match := _STEP.fullmatch(file.name):
                    attempt, number = int(match[1]), int(match[2])
                    yield Found(attempt, number - 1, file.name, file.size, file.changed, 0)
        return
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            match = _STEP.fullmatch(entry.name)
            if match is None:
                continue
            with contextlib.suppress(FileNotFoundError):  # replaced since it was listed
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                    attempt, number = int(match[1]), int(match[2])
                    yield Found(
                        attempt,
                        number - 1,
                        entry.name,
                        status.st_size,
                        status.st_mtime_ns,
                        status.st_ino,
                    )


def make_folder(folder: Place, fsync: bool = False) -> None:
    """Make `folder`, and those above it that are missing.

    Args:
        folder: The folder; it may be there already.
        fsync: Wait until the disk has the names of those that are new.

    Raises:
        OSError: if the file system refuses.
    """
    if isinstance(folder, Remote):
        return
    missing = [place for place in (folder, *folder.parents) if not place.exists()] if fsync else []
    folder.mkdir(parents=True, exist_ok=True)
    for place in reversed(missing):
        fsync_folder(place.parent)


def version_of(path: Place) -> tuple[int, int]:
    """Size of a file, and a number that is another whenever it has been written anew.

    Raises:
        OSError: if there is no such file.
    """
    if isinstance(path, Remote):
        entry = path.entry()
        return entry.size, entry.changed
    status = path.lstat()
    return status.st_size, status.st_mtime_ns


def publish(path: Place, content: bytes, fsync: bool = False) -> None:
    """Make `path` hold `content`, wholly or not at all.

    Args:
        path: The file; one that is there is replaced.
        content: Its bytes.
        fsync: Wait until the disk has it, so that a power cut cannot take it back.

    Raises:
        OSError: if the file system refuses, more than once where that may pass; nothing is left
            behind.
    """
    if isinstance(path, Remote):
        path.write_bytes(content)
    else:
        persistently(partial(_publish, path, content, fsync))


def _publish(path: Path, content: bytes, fsync: bool) -> None:
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:8]}-{path.name}")
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
    if fsync:
        fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Wait until the disk has the names in `folder`, where the system can be asked for that."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_at(path: Place, descriptor: int) -> bool:
    """Whether the opened file is still the one that lies at `path`."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except OSError:
        return False


def temporary_files(folder: Place) -> list[Place]:
    """Files that are being written, or that a writer that was killed has left."""
    if isinstance(folder, Remote):  # a put leaves nothing
        return []
    return [*sorted(folder.glob(TEMPORARY + "*"))]


def remove_temporary(folder: Place) -> None:
    """Remove what a writer that was killed has left."""
    for path in temporary_files(folder):
        with contextlib.suppress(OSError):
            path.unlink()
