"""Which checkpoints there are, and which step each of them is."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..store.place import Place, Remote, place_of

SUFFIXES = (".keras", ".weights.h5")
ALLOWED = (
    "a folder of .keras or .weights.h5 files or of `keras.callbacks.OrbaxCheckpoint`, such a file, "
    "a pattern such as 'checkpoints/*.keras', or a list of files; on an object store (s3://), "
    "such files"
)
_ORBAX = "_CHECKPOINT_METADATA"
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WORD = re.compile(r"(?:epoch|step|batch)[-_.= ]*$", re.IGNORECASE)


@dataclass(frozen=True)
class Checkpoint:
    """A saved network.

    Attributes:
        path: Its file, or its folder if it is Orbax's.
        step: The step of the training that it is shown at.
        written: When, in nanoseconds since 1970.
        version: Bytes, 0 of a folder, and a number that is another if it has been written anew.
    """

    path: Place
    step: int
    written: int
    version: tuple[int, int]


def checkpoints_in(
    place: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], first_epoch: int = 1
) -> tuple[list[Checkpoint], str]:
    """The checkpoints in the order of their steps, and a sentence on where the steps are from.

    The whole number in the files' names that tells them apart is taken for the epoch. Keras counts
    epochs from 0, and from 1 in the names that `ModelCheckpoint` writes; `OrbaxCheckpoint` counts
    from 0. Without such a number they are numbered in the order in which they were written.

    Args:
        place: A folder, a file, a pattern, or a list of files; also on an object store.
        first_epoch: What the names call the first epoch; the network before it is one less.

    Raises:
        ValueError: If there are no checkpoints, or of several kinds.
        OSError: If an object store does not answer.
    """
    paths = _paths(place)
    kinds = {"Orbax" if _is_folder(path) else _suffix(path) for path in paths}
    if len(kinds) != 1:
        there = (
            f"checkpoints of {len(kinds)} kinds: {', '.join(sorted(kinds))}" if kinds else "none"
        )
        raise ValueError(
            f"`checkpoints` must be {ALLOWED}. Found {there}. Received: {place!r:.300}"
        )
    saved = {path: _saved(path) for path in paths}
    if kinds == {"Orbax"}:
        steps = [int(path.name) for path in paths]
        said = "the numbers of Orbax's folders, which count from 0"
    elif numbers := _numbers([path.name.removesuffix(_suffix(path)) for path in paths]):
        steps = [number - first_epoch for number in numbers]
        least = "the first epoch is" if first_epoch else "epochs count from"
        said = f"the numbers in the names ({least} {first_epoch} there and 0 in the tab)"
    else:
        paths.sort(key=lambda path: (saved[path][0], path.name))
        steps = list(range(len(paths)))
        said = "the order in which they were written, as no number in their names tells them apart"
    if min(steps) < -1:
        raise ValueError(
            f"`first_epoch` must not be above {min(steps) + first_epoch + 1}, as a name has "
            f"{min(steps) + first_epoch}. Received: {first_epoch}"
        )
    found = [Checkpoint(path, step, *saved[path]) for path, step in zip(paths, steps, strict=True)]
    return sorted(found, key=lambda checkpoint: checkpoint.step), said


def _saved(path: Place) -> tuple[int, tuple[int, int]]:
    """When a checkpoint was written, and its version."""
    if isinstance(path, Remote):
        entry = path.entry()
        return entry.written, (entry.size, entry.changed)
    is_folder = _is_folder(path)
    status = (path / _ORBAX if is_folder else path).stat()
    return status.st_mtime_ns, (0 if is_folder else status.st_size, status.st_mtime_ns)


def _paths(place: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[Place]:
    if not isinstance(place, str | os.PathLike):
        given = [file for each in place for file in _named(each)]
    elif (folder := _folder(place)) is not None:
        return sorted(filter(_is_checkpoint, folder), key=str)
    else:
        given = _named(place)
    for path in given:
        if not _is_checkpoint(path):
            raise ValueError(f"`checkpoints` must be {ALLOWED}. Received: {str(path)!r}")
    return sorted(set(given), key=str)


def _folder(place: str | os.PathLike[str]) -> list[Place] | None:
    """What is in a folder; None of what is no folder of checkpoints."""
    folder = place_of(place)
    if isinstance(folder, Remote):
        return None if _suffix(folder) or glob.has_magic(folder.name) else [*folder.glob("*")]
    if folder.is_dir() and not (folder / _ORBAX).exists():
        return [*folder.absolute().iterdir()]
    return None


def _named(place: str | os.PathLike[str]) -> list[Place]:
    """The files that a name or a pattern stands for; the name itself where there are none."""
    path = place_of(place)
    if isinstance(path, Remote):
        return [*path.parent.glob(path.name)]
    name = os.fspath(path)
    return [Path(each).absolute() for each in glob.glob(name) or [name]]


def _is_checkpoint(path: Place) -> bool:
    if _is_folder(path):
        return path.name.isdecimal() and (path / _ORBAX).exists()
    return bool(_suffix(path)) and (isinstance(path, Remote) or path.is_file())


def _is_folder(path: Place) -> bool:
    return isinstance(path, Path) and path.is_dir()


def _suffix(path: Place) -> str:
    return next((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), "")


def _numbers(names: Sequence[str]) -> list[int] | None:
    """A whole number of each name, all of them different; None if there is none at one place."""
    found = [list(_NUMBER.finditer(name)) for name in names]
    places: list[tuple[bool, list[int]]] = []
    for at in range(min(map(len, found))):
        texts = [numbers[at][0] for numbers in found]
        if all(text.isdecimal() for text in texts) and len(set(map(int, texts))) == len(names):
            word = _WORD.search(names[0][: found[0][at].start()])
            places.append((word is None, list(map(int, texts))))
    return min(places, key=lambda place: place[0])[1] if places else None
