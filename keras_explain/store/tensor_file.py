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

HEADER_CAP = 4 * 2**20
"""Longest header that is written and read, in bytes."""

VALUES_CAP = 40 * 2**20
"""Most memory that the values of a header may take, in bytes, by `_memory`."""

_COSTS = {b":": 180, b"{": 64, b"[": 64, b",": 40}
"""Most bytes of memory that a value takes, by the mark in JSON that it comes with."""

_PIECE = 2**20

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
    """A safetensors file of `tensors`, with plain JSON `metadata` and its checksum.

    Raises:
        ValueError: if its header would be more than is read again.
    """
    text = dumps(metadata)
    marks = {_METADATA: text, _CHECKSUM: str(zlib.crc32(text.encode()))}
    content: bytes = save(dict(tensors), marks)
    length = int.from_bytes(content[:8], "little")
    if length > HEADER_CAP or _memory(content[8 : 8 + length]) > VALUES_CAP:
        raise ValueError(
            "A file must not hold more than its header can tell of: about 4,000 records with their "
            f"names and options. Received: {len(tensors)} arrays"
        )
    return content


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

    def crc32(self, file: BinaryIO, start: int, row: int) -> int:
        """Checksum of one row, read in pieces; arguments and errors as in `read`."""
        file.seek(start + self.begin + row * self.row_bytes)
        crc, left = 0, self.row_bytes
        while left:
            piece = _read_exactly(file, min(left, _PIECE))
            crc, left = zlib.crc32(piece, crc), left - len(piece)
        return crc


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
    content = _read_exactly(file, length)
    header = _object(content, "header", VALUES_CAP)
    # Its text lies in the header: what its values take was counted there, unless it was hidden.
    metadata = _checked_metadata(header.pop("__metadata__", None), _memory(content))
    return Header(metadata, header, 8 + length, size - 8 - length)


def _read_exactly(file: BinaryIO, count: int) -> bytearray:
    content = bytearray()
    while len(content) < count:
        part = file.read(count - len(content))
        if not part:
            raise DamagedFile(f"It ends early: {count - len(content)} bytes are missing.")
        content += part
    return content


def _checked_metadata(marks: Any, most: int) -> dict[str, Any]:
    text = marks.get(_METADATA) if isinstance(marks, dict) else None
    if not isinstance(text, str) or not text.isascii():
        raise DamagedFile(f"It has no metadata {_METADATA!r}.")
    content = text.encode()
    if marks.get(_CHECKSUM) != str(zlib.crc32(content)):
        raise DamagedFile("Its metadata does not match its checksum.")
    return _object(content, "metadata", most)


def _object(content: bytes | bytearray, what: str, most: int) -> dict[str, Any]:
    """A JSON object whose values take no more than `most` bytes of memory."""
    if _memory(content) > most:
        raise DamagedFile(f"Its {what} holds more values than a file of ours.")
    try:
        found = loads(content)
    except ValueError as error:
        raise DamagedFile(f"Its {what} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise DamagedFile(f"Its {what} is not a JSON object.")
    return found


def _memory(content: bytes | bytearray) -> int:
    """Bytes that the values of this JSON may take: up to 25 times as many as it has itself."""
    return sum(cost * content.count(mark) for mark, cost in _COSTS.items())


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
