"""Ask the file system once more, where what it has refused may be granted a moment later."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

PASSING = {
    errno.EAGAIN,
    errno.EBUSY,
    errno.EIO,  # a network's file system that was away for a moment
    errno.EMFILE,
    errno.ENFILE,
    errno.ESTALE,
    errno.ETIMEDOUT,
} | ({errno.EACCES} if os.name == "nt" else set())  # there, while somebody reads the file
"""Refusals that may pass. A full or a read-only disk is not asked twice: the next step asks it."""

PAUSES = (0.05, 0.5)
"""Seconds before each further attempt."""


def persistently(work: Callable[[], Result]) -> Result:
    """What `work` returns, which may be done again where it was refused.

    Raises:
        OSError: the last refusal, or one that will not pass.
    """
    for pause in PAUSES:
        try:
            return work()
        except OSError as error:
            if error.errno not in PASSING:
                raise
        time.sleep(pause)
    return work()
