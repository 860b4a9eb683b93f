"""One live writer an attempt on an object store, which has no locks but makes a file only once."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid

from .place import Remote


class ObjectClaim:
    """The right to write one attempt, as long as the claim's file is the one that was put.

    Nobody takes it away from a process that was killed: its attempt is not written any more.

    Attributes:
        attempt: Which attempt it is.
    """

    def __init__(self, attempt: int, path: Remote, content: bytes) -> None:
        self.attempt = attempt
        self._path = path
        self._content = content

    @property
    def holds(self) -> bool:
        """Whether the store still has it, asked anew: with its folder, it may have been removed.

        Raises:
            OSError: if the store does not answer.
        """
        try:
            return self._path.read_bytes() == self._content
        except FileNotFoundError:
            return False

    def touch(self) -> None:
        """Nothing: whether the process lives could not be told from it."""

    def release(self) -> None:
        """Give the attempt up."""
        with contextlib.suppress(OSError):
            if self.holds:
                self._path.unlink()


def claimed_object(path: Remote, attempt: int) -> ObjectClaim | None:
    """The claim to an attempt, or None where another writer has it or was killed while it had.

    Args:
        path: The claim's file.
        attempt: Which attempt it is.

    Raises:
        OSError: if the store does not answer.
    """
    if path.exists():  # asked of all, as a store may ignore the condition below
        return None
    content = f"process {os.getpid()} on {socket.gethostname()}, {uuid.uuid4().hex}".encode()
    try:
        path.create(content)
    except OSError:  # another was faster, or the store knows no such condition and says so
        if not path.exists():
            path.write_bytes(content)
    claim = ObjectClaim(attempt, path, content)
    # Asked, not believed: the answer to a put may have been lost, and another may have put since.
    return claim if claim.holds else None
