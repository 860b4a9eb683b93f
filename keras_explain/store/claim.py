"""One live writer an attempt, so that two trainings in one folder are never mixed."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .claim_objects import ObjectClaim, claimed_object
from .folder import is_at
from .place import Place, Remote

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_NAME = ".attempt-{:03d}.lock"
_TAKEN = {errno.EACCES, errno.EAGAIN}
_UNKNOWN = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL}


class Claim:
    """The right to write one attempt.

    The system takes the lock away when the process ends, however it ends: there is no stale one.
    Where the file system or the system knows no locks, every claim is granted.

    Attributes:
        attempt: Which attempt it is.
    """

    def __init__(self, attempt: int, path: Path, descriptor: int | None) -> None:
        self.attempt = attempt
        self._path = path
        self._descriptor = descriptor
        # A writer that nobody knows any more is none.
        self._end = weakref.finalize(self, _forget, path, descriptor, os.getpid())

    @property
    def holds(self) -> bool:
        """Whether the lock's file is still there: with its folder, it may have been removed."""
        return self._descriptor is None or is_at(self._path, self._descriptor)

    def touch(self) -> None:
        """Show others that the writer is at work."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.utime(self._descriptor)

    def release(self) -> None:
        """Give the attempt up."""
        self._end()


def claimed(folder: Place, attempt: int) -> Claim | ObjectClaim | None:
    """The claim to an attempt, or None where another writer that is alive has it.

    Raises:
        OSError: if the file system or the store refuses the lock's file.
    """
    path = folder / _NAME.format(attempt)
    if isinstance(path, Remote):
        return claimed_object(path, attempt)
    if fcntl is None:
        return Claim(attempt, path, None)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            if not _locked(descriptor):
                os.close(descriptor)
                return None
            if is_at(path, descriptor):  # and not one that its holder has just removed
                os.ftruncate(descriptor, 0)
                os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
                return Claim(attempt, path, descriptor)
            os.close(descriptor)
        except OSError as error:
            os.close(descriptor)
            if error.errno not in _UNKNOWN:
                raise
            return Claim(attempt, path, None)


@dataclass(frozen=True)
class Other:
    """Another writer that was alive when the folder was looked at.

    Attributes:
        said: Which process it is.
    """

    said: str
    _path: Path
    _changed: int

    def has_written(self) -> bool:
        """Whether it has written since: a process may live on long after its training."""
        try:
            return self._path.lstat().st_mtime_ns != self._changed
        except OSError:
            return False


def other_writers(folder: Place, own: Claim | ObjectClaim) -> list[Other]:
    """The other writers that are known to be alive. What ended ones have left is removed."""
    if fcntl is None or isinstance(folder, Remote):
        return []
    return list(_others(folder, own))


def _others(folder: Path, own: Claim | ObjectClaim) -> Iterator[Other]:
    for path in sorted(folder.glob(".attempt-*.lock")):
        if path.name == _NAME.format(own.attempt):
            continue
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            if _locked(descriptor):
                _forget(path, descriptor, os.getpid())
                continue
            said = os.read(descriptor, 200).decode("utf-8", "replace")
            changed = os.fstat(descriptor).st_mtime_ns
            os.close(descriptor)
            yield Other(said if said.isprintable() else "another process", path, changed)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def _forget(path: Path, descriptor: int | None, process: int) -> None:
    """Remove the file of a lock that is held, unless another has taken its place."""
    if descriptor is None:
        return
    if os.getpid() == process and is_at(path, descriptor):
        with contextlib.suppress(OSError):
            path.unlink()
    os.close(descriptor)
