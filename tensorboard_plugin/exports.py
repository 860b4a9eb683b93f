"""Records as files to keep: bounded, and named by what they hold."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from keras_explain.store import Reader
from keras_explain.store.export import csv_of, npz_of

from .queries import BadRequest, chosen

MAX_EXPORT = 64 * 2**20
"""Most bytes of values in one file."""

MAX_LINES = 200_000
"""Most lines of a table."""


class Export(NamedTuple):
    """A file: its bytes, its type and its name."""

    content: bytes
    content_type: str
    name: str


def npz(
    reader: Reader, key: str, steps: Sequence[int] | None, rows: Sequence[int] | None
) -> Export:
    """The values of some steps and rows; of all by default.

    Raises:
        UnknownRecord: if there is no such record.
        BadRequest: if a row does not exist, or the file would be too large.
    """
    index = reader.read_on() if steps is None else reader.index(steps)
    record = index.record(key)
    at = chosen(rows, "rows", record.row_count)
    numbers = [step.info.step for step in index.steps] if steps is None else list(steps)
    size = 4 * len(at) * math.prod(record.row_shape)
    if size * len(numbers) > MAX_EXPORT:
        raise BadRequest(
            f"A file holds at most {MAX_EXPORT // 2**20} MB: {MAX_EXPORT // max(size, 1)} steps of "
            f"these {len(at)} rows. Received: {len(numbers)} steps. All is in the log folder, to "
            "be read by keras_explain.Run."
        )
    content = npz_of(reader, key, numbers, at)
    return Export(content, "application/octet-stream", f"{_plain(key)}.npz")


def csv(reader: Reader, key: str, rows: Sequence[int] | None) -> Export:
    """The figures of some rows at every step; of all rows by default.

    Raises:
        UnknownRecord: if there is no such record.
        BadRequest: if a row does not exist, or the table would be too long.
    """
    index = reader.read_on()
    at = chosen(rows, "rows", index.record(key).row_count)
    if len(at) * len(index.steps) > MAX_LINES:
        raise BadRequest(
            f"A table has at most {MAX_LINES} lines: {MAX_LINES // len(index.steps)} rows of "
            f"these {len(index.steps)} steps. Received: {len(at)} rows"
        )
    text = csv_of(reader, key, at)
    return Export(text.encode("utf-8", "backslashreplace"), "text/csv", f"{_plain(key)}.csv")


FORMATS: dict[str, Callable[..., Export]] = {"npz": npz, "csv": csv}


def _plain(key: str) -> str:
    """A key as a file's name: nothing of it can mean a folder or a header's end."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", key).strip("-.")[:80] or "record"
