"""A safetensors file from a stranger, read by byte range.

The safetensors library writes the files, but does not read them here: it maps a file into memory,
where a file that is cut short while it is mapped ends the process.

Format: 8 bytes, the length of a JSON header; the header `{name: {dtype, shape, data_offsets}}`;
the data. https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import contextlib
import math
import os
import stat
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from .errors import DamagedFile
from .place import Place, Remote
from .plain import dumps, loads

HEADER_CAP = 16 * 2**20
"""Longest header that is read, in bytes."""

_DTYPES: dict[str, np.dtype[Any]] = {
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "U8": np.dtype("u1"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
}
_METADATA = "keras_explain"
_CHECKSUM = "keras_explain_crc32"


def file_bytes(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> bytes:
    """A safetensors file of `tensors`, with plain JSON `metadata` and its checksum."""
    text = dumps(metadata)
    marks = {_METADATA: text, _CHECKSUM: str(zlib.crc32(text.encode()))}
    return save(dict(tensors), marks)


@dataclass(frozen=True)
class Tensor:
    """Where an array of at least one axis lies; `begin` counts from the file's first data byte."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int

    @property
    def row_bytes(self) -> int:
        """Bytes of one entry of the first axis."""
        return self.dtype.itemsize * math.prod(self.shape[1:])

    def read(
        self, file: BinaryIO, start: int, first: int = 0, count: int | None = None
    ) -> NDArray[Any]:
        """Rows of the array.

        Args:
            file: The file.
            start: Where its data start.
            first: The first row.
            count: Number of rows; all that follow by default.

        Raises:
            DamagedFile: if the file has become shorter than its header said.
            OSError: if it cannot be read.
        """
        rows = self.shape[0] - first if count is None else count
        file.seek(start + self.begin + first * self.row_bytes)
        content = _read_exactly(file, rows * self.row_bytes)
        return np.frombuffer(content, self.dtype).reshape(rows, *self.shape[1:])


@contextlib.contextmanager
def opened(path: Place) -> Iterator[BinaryIO]:
    """`path` for plain reads, if it is a regular file.

    Raises:
        DamagedFile: if it is a pipe, a device or a link.
        OSError: if it cannot be opened.
    """
    if isinstance(path, Remote):
        with path.opened() as remote:
            yield remote
        return
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    flags |= getattr(os, "O_BINARY", 0)
    with open(path, "rb", buffering=0, opener=lambda name, _: os.open(name, flags)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise DamagedFile("It is not a regular file.")
        yield file


@dataclass(frozen=True)
class Header:
    """The header of a file.

    Attributes:
        metadata: Ours; it matches its checksum.
        entries: By name of the array, what the file says of it; not checked.
        start: Where the data start.
        size: Bytes of data.
    """

    metadata: dict[str, Any]
    entries: dict[str, Any]
    start: int
    size: int

    def tensors(self) -> dict[str, Tensor]:
        """By name, where each array lies.

        Raises:
            DamagedFile: if an array is of another kind than ours, or outside the file.
        """
        return {name: _tensor(name, entry, self.size) for name, entry in self.entries.items()}


def read_header(file: BinaryIO) -> Header:
    """The header of an opened file.

    Raises:
        DamagedFile: if it is not that of a safetensors file of ours.
        OSError: if it cannot be read.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    length = int.from_bytes(_read_exactly(file, 8), "little")
    if length > min(HEADER_CAP, size - 8):
        raise DamagedFile(
            f"Its header must fit {HEADER_CAP} bytes and the file of {size}. Received: {length}"
        )
    try:
        header = loads(_read_exactly(file, length))
    except ValueError as error:
        raise DamagedFile(f"Its header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise DamagedFile("Its header is not a JSON object.")
    metadata = _checked_metadata(header.pop("__metadata__", None))
    return Header(metadata, header, 8 + length, size - 8 - length)


def _read_exactly(file: BinaryIO, count: int) -> bytes:
    content = bytearray()
    while len(content) < count:
        part = file.read(count - len(content))
        if not part:
            raise DamagedFile(f"It ends early: {count - len(content)} bytes are missing.")
        content += part
    return bytes(content)


def _checked_metadata(marks: Any) -> dict[str, Any]:
    text = marks.get(_METADATA) if isinstance(marks, dict) else None
    if not isinstance(text, str) or not text.isascii():
        raise DamagedFile(f"It has no metadata {_METADATA!r}.")
    if marks.get(_CHECKSUM) != str(zlib.crc32(text.encode())):
        raise DamagedFile("Its metadata does not match its checksum.")
    try:
        metadata = loads(text)
    except ValueError as error:
        raise DamagedFile(f"Its metadata is not JSON: {error}") from error
    if not isinstance(metadata, dict):
        raise DamagedFile("Its metadata is not a JSON object.")
    return metadata


def _tensor(name: str, entry: Any, size: int) -> Tensor:
    fields = entry if isinstance(entry, dict) else {}
    shape, offsets = _naturals(fields.get("shape")), _naturals(fields.get("data_offsets"))
    name_of_dtype = fields.get("dtype")
    dtype = _DTYPES.get(name_of_dtype) if isinstance(name_of_dtype, str) else None
    if dtype is None or not shape or len(shape) > 16 or len(offsets) != 2:
        raise DamagedFile(f"Its entry for {name[:80]!r} is not one of ours.")
    begin, end = offsets
    if end - begin != dtype.itemsize * math.prod(shape) or not begin < end <= size:
        raise DamagedFile(f"Its entry for {name[:80]!r} does not fit the file.")
    return Tensor(dtype, shape, begin)


def _naturals(values: Any) -> tuple[int, ...]:
    """`values` if they are a list of natural numbers, else nothing."""
    if not isinstance(values, list):
        return ()
    if not all(type(value) is int and 0 <= value < 2**63 for value in values):
        return ()
    return tuple(values)
