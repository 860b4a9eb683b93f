"""One step's file as a whole: which arrays a record is made of, and the metadata about them."""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .encoding import Encoded
from .errors import DamagedFile
from .schema import SCHEMA, STATS, RecordSpec, StepInfo, is_int
from .tensor_file import Header, Tensor, file_bytes


@dataclass(frozen=True)
class Stored:
    """Where the arrays of one record lie in a step's file.

    Attributes:
        spec: The record's meaning.
        values: float16 or float32 `(rows, *row_shape)`.
        scale: float32 `(rows,)`.
        checksums: uint32 `(rows,)`.
        stats: float32 `(rows, len(STATS))`.
    """

    spec: RecordSpec
    values: Tensor
    scale: Tensor
    checksums: Tensor
    stats: Tensor

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return self.values.shape[1:]

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return self.values.shape[0]

    def read(
        self, file: BinaryIO, start: int, rows: Sequence[int]
    ) -> tuple[Encoded, NDArray[np.bool_]]:
        """The `rows` as stored, and which of them match their checksum.

        Args:
            file: The step's file.
            start: Where its data start.
            rows: Which rows, each from 0 to `row_count` - 1.

        Raises:
            DamagedFile: if the file has become shorter than its header said.
            OSError: if it cannot be read.
        """
        at = np.asarray(rows, np.intp)
        scale = self.scale.read(file, start)[at]
        expected = self.checksums.read(file, start)[at]
        if np.array_equal(at, np.arange(self.row_count)):
            values = self.values.read(file, start)  # all at once
        else:
            values = np.empty((len(at), *self.row_shape), self.values.dtype)
            for place, row in enumerate(at):
                values[place] = self.values.read(file, start, int(row), 1)[0]
        encoded = Encoded(values, scale)
        return encoded, encoded.checksums() == expected

    def damaged_rows(self, file: BinaryIO, start: int) -> list[int]:
        """The rows that do not match their checksum, found in constant memory; errors as `read`."""
        scale = self.scale.read(file, start).astype("<f4")
        expected = self.checksums.read(file, start)
        return [
            row
            for row in range(self.row_count)
            if zlib.crc32(scale[row].tobytes(), self.values.crc32(file, start, row))
            != expected[row]
        ]

    def read_stats(self, file: BinaryIO, start: int, checksum: int) -> NDArray[np.float32]:
        """The statistics, `(rows, len(STATS))`; `start` as above.

        Raises:
            DamagedFile: if they do not match their `checksum`, or the file has become shorter.
            OSError: if it cannot be read.
        """
        stats: NDArray[np.float32] = self.stats.read(file, start)
        if zlib.crc32(stats.tobytes()) != checksum:
            raise DamagedFile(f"Its statistics of {self.spec.key!r} do not match their checksum.")
        return stats


MAX_ROWS = 100_000
"""Most rows of a record."""

Layout = Mapping[str, Stored]
"""By key, the records of a step."""


@dataclass(frozen=True)
class StepHeader:
    """What a step's file says of itself.

    Attributes:
        info: What the writer was told.
        attempt: Which start of the training the step belongs to, from 0.
        probes: Content hash of the probes.
        layout: The records.
        start: Where the data of the file start.
        stats_checksums: CRC-32 of each record's statistics, in the order of `layout`.
        since: The first step after the one that its training started at, or -1 for a training
            from the start: it hides the steps of older attempts from there on, also where it logs
            fewer. None in older files: the first step that it logged.
    """

    info: StepInfo
    attempt: int
    probes: str
    layout: Layout
    start: int
    stats_checksums: array[int]
    since: int | None


@dataclass(frozen=True)
class Prepared:
    """A record ready to be written: its meaning, stored rows and statistics."""

    spec: RecordSpec
    encoded: Encoded
    stats: NDArray[np.float32]


def step_bytes(
    info: StepInfo,
    attempt: int,
    probes: str,
    records: Sequence[Prepared],
    since: int | None = None,
) -> bytes:
    """The file of one step.

    Raises:
        ValueError: if there are more records than a reader would take.
    """
    tensors: dict[str, NDArray[Any]] = {}
    for record in records:
        key = record.spec.key
        tensors[key] = np.ascontiguousarray(record.encoded.values)
        tensors[key + "#scale"] = record.encoded.scale
        tensors[key + "#crc32"] = record.encoded.checksums()
        tensors[key + "#stats"] = np.ascontiguousarray(record.stats)
    metadata = {
        "schema": SCHEMA,
        **info.to_json(),
        "attempt": attempt,
        "probes": probes,
        **({} if since is None else {"since": since}),
        "records": {record.spec.key: record.spec.to_json() for record in records},
        "shapes": [list(record.encoded.values.shape) for record in records],
        "stats_crc32": [zlib.crc32(record.stats.tobytes()) for record in records],
    }
    return file_bytes(tensors, metadata)


def step_header(header: Header, known: dict[bytes, Layout]) -> StepHeader:
    """The inverse of `step_bytes`, for the header alone.

    Args:
        header: The header of the file.
        known: Layouts met before, by digest. Most steps of a run have the same one: it is then
            checked and kept only once.

    Raises:
        DamagedFile: if anything is missing, unknown or does not fit together.
    """
    fields = dict(header.metadata)
    schema = fields.pop("schema", None)
    if schema != SCHEMA:
        raise DamagedFile(f"Its schema must be {SCHEMA}. Received: {str(schema)[:80]}")
    attempt, probes = fields.pop("attempt", None), fields.pop("probes", None)
    if not is_int(attempt) or not isinstance(probes, str) or len(probes) != 64:
        raise DamagedFile("Its attempt or the hash of its probes is missing.")
    since = fields.pop("since", None)
    records, checksums = fields.pop("records", None), fields.pop("stats_crc32", None)
    shapes = fields.pop("shapes", None)
    if not isinstance(records, dict) or not isinstance(checksums, list):
        raise DamagedFile("Its records are missing.")
    try:
        said = repr((records, shapes, header.entries, header.size))
        name = hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()
        if name not in known:
            layout = _layout(records, header.tensors())
            # Their own entries in the file are under no checksum.
            if [list(stored.values.shape) for stored in layout.values()] != shapes:
                raise DamagedFile("Its arrays have other shapes than were written.")
            known[name] = layout
        layout = known[name]
        info = StepInfo.from_json(fields)
        crcs = array("L", checksums)
    except DamagedFile:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise DamagedFile(f"Its metadata is not ours: {error}") from error
    if len(crcs) != len(layout):
        raise DamagedFile("It must have one checksum of statistics a record.")
    if since is not None and not (is_int(since) and -1 <= since <= info.step + 1):
        raise DamagedFile("The step at which its training starts must be one up to its own.")
    return StepHeader(info, attempt, probes, layout, header.start, crcs, since)


def _layout(records: dict[str, Any], tensors: Mapping[str, Tensor]) -> Layout:
    return {key: _stored(RecordSpec.from_json(key, of), tensors) for key, of in records.items()}


def _stored(spec: RecordSpec, tensors: Mapping[str, Tensor]) -> Stored:
    try:
        stored = Stored(
            spec,
            tensors[spec.key],
            tensors[spec.key + "#scale"],
            tensors[spec.key + "#crc32"],
            tensors[spec.key + "#stats"],
        )
    except KeyError as error:
        raise DamagedFile(f"Its record {spec.key[:80]!r} lacks an array.") from error
    rows = stored.row_count
    if rows > MAX_ROWS:
        raise DamagedFile(f"Its record {spec.key[:80]!r} must have at most {MAX_ROWS} rows.")
    wanted = {
        "values": ("<f2" if spec.precision == "float16" else "<f4", stored.values.shape),
        "scale": ("<f4", (rows,)),
        "checksums": ("<u4", (rows,)),
        "stats": ("<f4", (rows, len(STATS))),
    }
    for name, (dtype, shape) in wanted.items():
        tensor: Tensor = getattr(stored, name)
        if tensor.dtype != np.dtype(dtype) or tensor.shape != shape:
            raise DamagedFile(f"The {name} of its record {spec.key[:80]!r} do not fit the rows.")
    if len(stored.row_shape) != len(spec.axes):
        raise DamagedFile(f"Its record {spec.key[:80]!r} has other axes than it names.")
    if spec.rows is not None and len(spec.rows) != rows:
        raise DamagedFile(f"Its record {spec.key[:80]!r} has other rows than it names.")
    return stored
