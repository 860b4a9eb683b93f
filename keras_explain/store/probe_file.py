"""The probes' file: written once a run, read by rows."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DamagedFile, DamagedRecord, UnknownRecord
from .format.task import Task
from .input_facts import InputFacts
from .place import Place
from .probes import KINDS, ProbeSet
from .schema import SCHEMA, is_int, is_name
from .tensor_file import Tensor, file_bytes, opened, read_header

_PREFIX = "inputs/"
_PICTURES = "pictures/"
_TRUTH = "truth"


def probe_bytes(probes: ProbeSet) -> bytes:
    """The file of the `probes`."""
    tensors: dict[str, NDArray[Any]] = {}
    for prefix, arrays in ((_PREFIX, probes.inputs), (_PICTURES, probes.pictures)):
        for name, values in arrays.items():
            tensors[prefix + name] = values
            tensors[prefix + name + "#crc32"] = _checksums(values)
    if probes.labels is not None:
        tensors["labels"] = probes.labels
    if probes.truth is not None:
        tensors[_TRUTH] = probes.truth
        tensors[_TRUTH + "#crc32"] = _checksums(probes.truth)
    return file_bytes(tensors, {"schema": SCHEMA, "hash": probes.hash, **probes.to_json()})


def _checksums(rows: NDArray[Any]) -> NDArray[np.uint32]:
    return np.array([zlib.crc32(row.tobytes()) for row in rows], np.uint32)


@dataclass(frozen=True)
class ProbeFile:
    """A probes' file whose header has been read; see `ProbeSet` for the fields.

    Attributes:
        path: The file.
        hash: Content hash of the probes.
        count: Number of probes.
        described: By name of the input, `{name, axes, kind, dtype, shape, range}`, and
            what else is known of it (`InputFacts`).
        labels: True class of each probe, or None.
        class_names: Names of the classes, or None.
        pictured: By name of an input that has pictures, their `(height, width, channels)`.
        task: What the explained output is, or None.
    """

    path: Place
    hash: str
    count: int
    described: Mapping[str, Mapping[str, Any]]
    labels: tuple[int, ...] | None
    class_names: tuple[str, ...] | None
    pictured: Mapping[str, tuple[int, ...]]
    task: Task | None
    _tensors: Mapping[str, Tensor]
    _start: int

    @classmethod
    def open(cls, path: Place, digest: str) -> ProbeFile:
        """Read the header of `path`, which must be the probes of hash `digest`.

        Raises:
            DamagedFile: if it is not.
            OSError: if it cannot be read.
        """
        with opened(path) as file:
            header = read_header(file)
        metadata, tensors = header.metadata, header.tensors()
        if metadata.get("schema") != SCHEMA or metadata.get("hash") != digest:
            raise DamagedFile(f"It is not the probes {digest[:12]} in schema {SCHEMA}.")
        inputs = metadata.get("inputs")
        if not isinstance(inputs, list) or not inputs:
            raise DamagedFile("It names no inputs.")
        described = {str(fields["name"]): fields for fields in map(_description, inputs)}
        counts = {_matching(tensors, fields) for fields in described.values()}
        if len(counts) != 1:
            raise DamagedFile("Its inputs have different numbers of probes.")
        count = counts.pop()
        labels = _optional(metadata.get("labels"), is_int, "labels")
        if labels is not None and len(labels) != count:
            raise DamagedFile("It has another number of labels than of probes.")
        names = _optional(metadata.get("class_names"), lambda item: isinstance(item, str), "names")
        pictured = {name: _picture_shape(tensors, name, count) for name in described}
        shapes = {name: shape for name, shape in pictured.items() if shape is not None}
        task = _task(metadata.get("task"))
        _check_truth(tensors, task, count)
        start = header.start
        return cls(path, digest, count, described, labels, names, shapes, task, tensors, start)

    def read(self, name: str, rows: Sequence[int]) -> NDArray[Any]:
        """Rows of one input, `(rows, *input_shape)`, in the type the model gets.

        Raises:
            UnknownRecord: if there is no such input or row.
            DamagedRecord: if a row does not match its checksum.
            DamagedFile: if the file has become shorter than its header said.
            OSError: if it cannot be read.
        """
        if name not in self.described:
            known = ", ".join(self.described)
            raise UnknownRecord(f"`input` must be one of {known}. Received: {name[:80]!r}")
        return self._read(_PREFIX, name, rows)

    def picture(self, name: str, rows: Sequence[int]) -> NDArray[np.uint8]:
        """How rows of one of the `pictured` inputs look, `(rows, height, width, 1 or 3)`.

        Raises: as `read`.
        """
        return self._read(_PICTURES, name, rows)

    @property
    def has_truth(self) -> bool:
        """Whether it is known what is true of the explained output."""
        return self.labels is not None or _TRUTH in self._tensors

    def true(self, rows: Sequence[int] | None = None) -> NDArray[Any] | None:
        """What is true of the explained output, `(rows, *task.truth_shape)`; None if not known.

        Args:
            rows: Which probes; all by default.

        Raises: as `read`.
        """
        rows = range(self.count) if rows is None else rows
        if _TRUTH in self._tensors:
            return self._read("", _TRUTH, rows)
        return None if self.labels is None else np.array(self.labels, np.int64)[list(rows)]

    def _read(self, prefix: str, name: str, rows: Sequence[int]) -> NDArray[Any]:
        if not all(0 <= row < self.count for row in rows):
            raise UnknownRecord(f"`rows` must be below {self.count}. Received: {list(rows)[:20]}")
        tensor = prefix + name
        values, checksums = self._tensors[tensor], self._tensors[tensor + "#crc32"]
        with opened(self.path) as file:
            expected = checksums.read(file, self._start)[list(rows)]
            read = [values.read(file, self._start, row, 1) for row in rows]
        array = np.concatenate(read) if read else np.empty((0, *values.shape[1:]), values.dtype)
        if not np.array_equal(_checksums(array), expected):
            raise DamagedRecord(f"Rows of input {name!r} in {self.path.name} are damaged.")
        return array

    def load(self) -> ProbeSet:
        """All probes, in memory.

        Raises:
            DamagedRecord: if they do not match their checksums or their hash.
            DamagedFile: if the file has become shorter than its header said.
            OSError: if it cannot be read.
        """
        everyone = range(self.count)
        probes = ProbeSet(
            inputs={name: self.read(name, everyone) for name in self.described},
            axes={name: fields["axes"] for name, fields in self.described.items()},
            kinds={name: fields["kind"] for name, fields in self.described.items()},
            labels=None if self.labels is None else np.array(self.labels, np.int64),
            class_names=self.class_names,
            facts={name: InputFacts.from_json(fields) for name, fields in self.described.items()},
            pictures={name: self.picture(name, everyone) for name in self.pictured},
            task=self.task,
            truth=self._read("", _TRUTH, everyone) if _TRUTH in self._tensors else None,
        )
        if probes.hash != self.hash:
            raise DamagedRecord(f"The probes in {self.path.name} do not match their hash.")
        return probes


def _description(fields: Any) -> dict[str, Any]:
    if not isinstance(fields, dict) or not is_name(fields.get("name")):
        raise DamagedFile("One of its inputs has no name.")
    axes, limits = fields.get("axes"), fields.get("range")
    if fields.get("kind") not in KINDS:
        raise DamagedFile(f"Its input {fields['name']!r} is of no known kind.")
    if not isinstance(axes, list) or not all(map(is_name, axes)):
        raise DamagedFile(f"Its input {fields['name']!r} has no axes.")
    if not isinstance(limits, list) or [type(limit) for limit in limits] != [float, float]:
        raise DamagedFile(f"Its input {fields['name']!r} has no range.")
    known = {name: fields[name] for name in ("name", "axes", "kind")}
    return {**known, "range": limits, **InputFacts.from_json(fields).to_json()}


def _matching(tensors: Mapping[str, Tensor], fields: dict[str, Any]) -> int:
    """Number of rows of the input, after a check that its arrays fit its description."""
    name = _PREFIX + fields["name"]
    values, checksums = tensors.get(name), tensors.get(name + "#crc32")
    if values is None or checksums is None:
        raise DamagedFile(f"Its input {fields['name']!r} is missing.")
    count = values.shape[0]
    if len(values.shape) != 1 + len(fields["axes"]) or checksums.shape != (count,):
        raise DamagedFile(f"Its input {fields['name']!r} has other axes than it names.")
    fields["dtype"], fields["shape"] = str(values.dtype), list(values.shape[1:])
    return count


def _picture_shape(tensors: Mapping[str, Tensor], name: str, count: int) -> tuple[int, ...] | None:
    """Sides and channels of the input's pictures; None if it has none."""
    values, checksums = tensors.get(_PICTURES + name), tensors.get(_PICTURES + name + "#crc32")
    if values is None:
        return None
    fits = len(values.shape) == 4 and values.shape[0] == count and values.shape[3] in (1, 3)
    if not fits or values.dtype != np.uint8 or checksums is None or checksums.shape != (count,):
        raise DamagedFile(f"The pictures of its input {name!r} are not what they should be.")
    return tuple(values.shape[1:])


def _task(fields: Any) -> Task | None:
    try:
        return None if fields is None else Task.from_json(fields)
    except ValueError as error:
        raise DamagedFile("Its task is not what it should be.") from error


def _check_truth(tensors: Mapping[str, Tensor], task: Task | None, count: int) -> None:
    values, checksums = tensors.get(_TRUTH), tensors.get(_TRUTH + "#crc32")
    if values is None:
        return
    fits = task is not None and values.shape == (count, *task.truth_shape)
    typed = values.dtype == (np.int32 if task is not None and task.has_classes else np.float32)
    if not fits or not typed or checksums is None or checksums.shape != (count,):
        raise DamagedFile("What is true of its examples is not what it should be.")


def _optional(values: Any, fits: Any, what: str) -> tuple[Any, ...] | None:
    if values is None:
        return None
    if not isinstance(values, list) or not all(map(fits, values)):
        raise DamagedFile(f"Its {what} are not what they should be.")
    return tuple(values)
