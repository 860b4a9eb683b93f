"""Folders and files on object stores, asked as `pathlib` asks those of this machine.

Every protocol that fsspec knows; `s3://` and `gs://` are the ones meant.
https://filesystem-spec.readthedocs.io
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import os
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

EXTRAS = {"s3": "s3", "gs": "gcs", "gcs": "gcs"}
"""By protocol, the extra of this package that brings what fsspec needs."""

PATIENT: Mapping[str, dict[str, Any]] = {
    "s3": {
        "config_kwargs": {
            "connect_timeout": 5,
            "read_timeout": 20,
            "retries": {"mode": "standard", "max_attempts": 1},  # s3fs itself tries five times
        }
    }
}
"""By protocol, options that bound how long a store that is down is waited for."""

_FAILED = getattr(errno, "EREMOTEIO", errno.EPROTO)

BLOCK = 2**18
"""Bytes that are fetched ahead: a step's header mostly fits."""

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """What a store says of a file.

    Attributes:
        name: The last part of its path.
        size: Bytes.
        changed: A number that is another whenever it has been written anew.
        written: When that was, in nanoseconds since 1970; 0 where the store does not say.
    """

    name: str
    size: int
    changed: int
    written: int


@dataclass(frozen=True)
class Remote:
    """A folder or file on an object store. There are no empty folders.

    Everything that goes wrong there is an `OSError`.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __fspath__(self) -> str:
        raise TypeError(f"{self.url} is no file of this machine")

    def __truediv__(self, part: str | PathLike[str]) -> Remote:
        below = os.fspath(part).replace(os.sep, "/").strip("/")
        return self if below in ("", ".") else Remote(f"{self.url.rstrip('/')}/{below}")

    @property
    def name(self) -> str:
        """The last part."""
        return self.url.rstrip("/").rpartition("/")[2]

    @property
    def parent(self) -> Remote:
        """What it lies in."""
        return Remote(self.url.rstrip("/").rpartition("/")[0])

    def with_name(self, name: str) -> Remote:
        """Its neighbour of that name."""
        return self.parent / name

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """A store makes folders by itself."""

    def exists(self) -> bool:
        """Whether there is a file or anything below."""
        with _told(self), self._asked() as (store, path):
            return bool(store.exists(path))

    def is_dir(self) -> bool:
        """Whether there is anything below."""
        with _told(self), self._asked() as (store, path):
            return bool(store.isdir(path))

    def glob(self, pattern: str) -> Iterator[Remote]:
        """The files in the folder whose names fit."""
        entries: list[Entry] = []
        with contextlib.suppress(FileNotFoundError):
            entries = self.entries()
        for entry in entries:
            if fnmatch.fnmatchcase(entry.name, pattern):
                yield self / entry.name

    def entries(self) -> list[Entry]:
        """The files in the folder, asked anew.

        Raises:
            FileNotFoundError: if there is nothing.
        """
        with _told(self), self._asked() as (store, path):
            listed = store.ls(path, detail=True, refresh=True)
        return [_entry(each) for each in listed if each["type"] == "file"]

    def entry(self) -> Entry:
        """What the store says of this file."""
        with _told(self), self._asked() as (store, path):
            return _entry(store.info(path))

    def folders(self, depth: int) -> Iterator[tuple[Remote, list[str]]]:
        """Each folder from this one on with the names of those in it, which may be taken out."""
        with _told(self), self._asked() as (store, path):
            for folder, below, _ in store.walk(path, maxdepth=depth, detail=True):
                names = sorted(below)
                yield self / str(folder).removeprefix(path.rstrip("/")).strip("/"), names
                for name in set(below) - set(names):
                    del below[name]

    def read_bytes(self) -> bytes:
        """The file."""
        with _told(self), self._asked() as (store, path):
            content: bytes = store.cat_file(path)
            return content

    def write_bytes(self, content: bytes) -> None:
        """Make the file, in one put: it is there wholly or not at all."""
        with _told(self), self._asked() as (store, path):
            store.pipe_file(path, content)

    def create(self, content: bytes) -> None:
        """Make the file, unless there is one.

        Of several that try at once, one does, where the store knows such a condition.

        Raises:
            FileExistsError: if there is one.
        """
        with _told(self), self._asked() as (store, path):
            store.pipe_file(path, content, mode="create")

    def unlink(self) -> None:
        """Remove the file."""
        with _told(self), self._asked() as (store, path):
            store.rm_file(path)

    @contextlib.contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The file for reading by ranges."""
        with _told(self), self._asked() as (store, path):
            file = store.open(path, "rb", block_size=BLOCK, cache_type="readahead")
        with file:
            yield _Told(self, file)  # type: ignore[misc]

    @contextlib.contextmanager
    def _asked(self) -> Iterator[tuple[Any, str]]:
        import fsspec

        protocol = _protocol(self.url)
        # What another process has put or removed since a list was made would not be seen.
        options: dict[str, Any] = {"use_listings_cache": False, **PATIENT.get(protocol, {})}
        options.update(fsspec.config.conf.get(protocol, {}))
        yield fsspec.core.url_to_fs(self.url, **options)


Place = Path | Remote


@contextlib.contextmanager
def on_disk(file: Place) -> Iterator[Path]:
    """The file where any library can open it: one of a store is fetched, and removed afterwards.

    Raises:
        OSError: if the store does not give it.
    """
    if isinstance(file, Path):
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="keras_explain-") as folder:
        copy = Path(folder, file.name)
        with _told(file), file._asked() as (store, path):
            store.get_file(path, str(copy))
        yield copy


def place_of(place: str | PathLike[str] | Place) -> Place:
    """A folder or file of this machine, or of an object store where it is a URL.

    Raises:
        ValueError: If nothing that is installed speaks its protocol.
    """
    if isinstance(place, Remote):
        return place
    text = os.fspath(place)
    if not isinstance(text, str) or not is_url(text):
        return Path(place)
    protocol = _protocol(text)
    extra = EXTRAS.get(protocol)
    cure = f"pip install 'keras_explain[{extra}]'" if extra else "install what fsspec asks for"
    try:
        import fsspec

        fsspec.get_filesystem_class(protocol)
    except (ImportError, ValueError) as error:
        raise ValueError(f"{protocol}:// cannot be used here: {cure}. {error}") from error
    return Remote(text.rstrip("/"))


def is_url(text: str) -> bool:
    """Whether a path is one of an object store."""
    return _URL.match(text) is not None


def _protocol(url: str) -> str:
    return url.partition("://")[0].lower()


def _entry(info: Mapping[str, Any]) -> Entry:
    known = (
        info.get(name)
        for name in ("ETag", "etag", "generation", "LastModified", "mtime", "created")
    )
    stamp = str(next((value for value in known if value), ""))
    name = str(info["name"]).rstrip("/").rpartition("/")[2]
    return Entry(name, int(info["size"] or 0), zlib.crc32(stamp.encode()), _written(info))


def _written(info: Mapping[str, Any]) -> int:
    for name in ("LastModified", "mtime", "last_modified", "updated", "created"):
        value = info.get(name)
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        if isinstance(value, datetime):
            value = value.timestamp()
        if isinstance(value, int | float):
            return int(value * 1e9)
    return 0


@contextlib.contextmanager
def _told(place: Remote) -> Iterator[None]:
    """Whatever a store's client raises, as an `OSError` with a text."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "There is no such file", str(place)) from error
    except FileExistsError as error:
        raise FileExistsError(errno.EEXIST, "There is such a file", str(place)) from error
    except PermissionError as error:
        says = f"The store does not allow it. {error!s:.500}"
        raise PermissionError(errno.EACCES, says, str(place)) from error
    except Exception as error:  # clients raise errors of their own kinds
        says = f"{type(error).__name__}: {error!s:.500}"
        raise OSError(_FAILED, f"The store did not do it. {says}", str(place)) from error


class _Told:
    """A file whose errors are `OSError`."""

    def __init__(self, place: Remote, file: Any) -> None:
        self._place = place
        self._file = file

    def read(self, count: int) -> bytes:
        with _told(self._place):
            content: bytes = self._file.read(count)
            return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with _told(self._place):
            return int(self._file.seek(offset, whence))
