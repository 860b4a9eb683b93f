"""The file system's calls below one folder: noted, and refused where a test says so."""

from __future__ import annotations

import builtins
import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

NAMES = ("open", "write", "replace", "mkdir", "unlink", "fsync", "truncate", "ftruncate")


@dataclass(frozen=True)
class Call:
    """One request to the system; `file` tells files apart that had the same path."""

    name: str
    path: str
    file: int = 0
    content: bytes = b""
    to: str = ""
    size: int = 0


class Disk(contextlib.ExitStack):
    """While it is entered, every call below `root` goes through here.

    Args:
        root: The folder.
        before: Called with the number (from 1) of each call and the call before it is done; what
            it raises is what the caller gets.
    """

    def __init__(self, root, before=lambda number, call: None):
        super().__init__()
        self.root = os.path.realpath(root)
        self.before = before
        self.calls = []
        self._files = {}  # by descriptor, path and number of the file
        self._count = 0
        self._own = {name: getattr(os, name) for name in (*NAMES, "close")}
        self._open = builtins.open

    def __enter__(self):
        super().__enter__()
        self.enter_context(mock.patch.object(builtins, "open", self.open_file))
        for name in (*NAMES, "close"):
            self.enter_context(mock.patch.object(os, name, getattr(self, f"os_{name}")))
        return self

    def ask(self, call):
        self.before(len(self.calls) + 1, call)
        self.calls.append(call)

    def is_here(self, path):
        if not isinstance(path, str | os.PathLike):
            return False
        return os.path.abspath(path).startswith(self.root)

    def os_open(self, path, flags, *rest, **options):
        if not self.is_here(path):
            return self._own["open"](path, flags, *rest, **options)
        self._count += 1
        self.ask(Call("open", os.fspath(path), self._count, to="new" if flags & os.O_CREAT else ""))
        descriptor = self._own["open"](path, flags, *rest, **options)
        self._files[descriptor] = os.fspath(path), self._count
        return descriptor

    def os_close(self, descriptor):
        self._files.pop(descriptor, None)
        self._own["close"](descriptor)

    def os_write(self, descriptor, content):
        if descriptor in self._files:
            self.ask(Call("write", *self._files[descriptor], content=bytes(content)))
        return self._own["write"](descriptor, content)

    def os_fsync(self, descriptor):
        if descriptor in self._files:
            self.ask(Call("fsync", *self._files[descriptor]))  # and not done: that takes long
        else:
            self._own["fsync"](descriptor)

    def os_ftruncate(self, descriptor, size):
        if descriptor in self._files:
            self.ask(Call("truncate", *self._files[descriptor], size=size))
        self._own["ftruncate"](descriptor, size)

    def os_truncate(self, path, size):
        self._own["truncate"](path, size)

    def os_replace(self, source, target, **options):
        if self.is_here(target):
            self.ask(Call("replace", os.fspath(source), to=os.fspath(target)))
        self._own["replace"](source, target, **options)

    def os_mkdir(self, path, *rest, **options):
        if self.is_here(path) and not os.path.isdir(path):
            self.ask(Call("mkdir", os.fspath(path)))
        self._own["mkdir"](path, *rest, **options)

    def os_unlink(self, path, *rest, **options):
        if self.is_here(path):
            self.ask(Call("unlink", os.fspath(path)))
        self._own["unlink"](path, *rest, **options)

    def open_file(self, path, mode="r", *rest, **options):
        if not self.is_here(path) or "r" in mode:
            return self._open(path, mode, *rest, **options)
        self._count += 1
        self.ask(Call("open", os.fspath(path), self._count, to="new"))
        file = _File(self, self._open(path, mode, *rest, **options), Path(path), self._count)
        self._files[file.fileno()] = os.fspath(path), file.number
        return file


class _File:
    """A file opened for writing, which takes half of the bytes at a time."""

    def __init__(self, disk, file, path, number):
        self.disk, self.file, self.path, self.number = disk, file, os.fspath(path), number

    def write(self, content):
        part = bytes(content[: max(64, len(content) // 2 + 1)])
        self.disk.ask(Call("write", self.path, self.number, content=part))
        return self.file.write(part)

    def truncate(self, size):
        self.disk.ask(Call("truncate", self.path, self.number, size=size))
        return self.file.truncate(size)

    def fileno(self):
        return self.file.fileno()

    @property
    def closed(self):
        return self.file.closed

    def close(self):
        if not self.file.closed:
            self.disk._files.pop(self.file.fileno(), None)
        self.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
