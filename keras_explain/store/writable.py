"""Whether a folder can be written, asked before a training begins; nothing is left behind."""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from pathlib import Path

from .folder import TEMPORARY
from .place import Place, Remote

_LASTING = {
    errno.EACCES,
    errno.EEXIST,
    errno.EILSEQ,
    errno.EINVAL,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}
"""Refusals that will not pass during a training, unlike a full disk or a lost network."""


def refusal(folder: Place, below: Path) -> str | None:
    """Why files cannot be made in `folder` and in the one `below` it, in words.

    Args:
        folder: Any folder. What is missing of it is made under another name, and removed.
        below: A path from there on. On an object store one file is put there, and removed.

    Returns:
        None if they can be made, or if the reason may pass during a training.
    """
    try:
        if isinstance(folder, Remote):
            return _on_store(folder / below)
        return _on_disk(folder) or _on_disk(folder / below)
    except ValueError as error:  # a name that no system takes
        return f"'{folder}' is no path: {error}"


def _on_disk(folder: Path) -> str | None:
    folder = folder.absolute()
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not there.is_dir():
        kind = "a link that leads nowhere" if there.is_symlink() else "a file, not a folder"
        return f"'{there}' is {kind}"
    # Under a name of its own: another training may make the same folder at this moment.
    trial = there / f"{TEMPORARY}{uuid.uuid4().hex[:8]}"
    made: list[Path] = []
    try:
        for part in ("", *folder.relative_to(there).parts):
            place = made[-1] / part if made else trial
            os.mkdir(place)
            made.append(place)
    except OSError as error:
        return (
            f"nothing can be made in '{there}': {error.strerror}"
            if error.errno in _LASTING
            else None
        )
    finally:
        for place in reversed(made):
            with contextlib.suppress(OSError):
                os.rmdir(place)
    return None


def _on_store(folder: Remote) -> str | None:
    trial = folder / f"{TEMPORARY}{uuid.uuid4().hex[:8]}"
    try:
        trial.write_bytes(b"keras_explain")
    except OSError as error:
        return (
            f"nothing can be put to '{folder}': {error.strerror}"
            if error.errno in _LASTING
            else None
        )
    with contextlib.suppress(OSError):
        trial.unlink()
    return None
