"""An event file of TensorBoard, written without TensorFlow.

TFRecord framing: length (8 bytes), its masked CRC-32C (4), the event, its masked CRC-32C (4).
https://www.tensorflow.org/tutorials/load_data/tfrecord
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import struct
import time
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

import google_crc32c
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_STRING

from .folder import fsync_folder, is_at, make_folder
from .retry import persistently

PLUGIN = "keras_explain"
"""Name under which TensorBoard knows the tab."""

_number = itertools.count()


class EventFile:
    """Appends events to a new file in `folder`. Every event is on its way to the disk at once.

    Args:
        folder: A run of TensorBoard; made if missing. No other live writer may share it.
        fsync: Wait at every event until the disk has it.

    Raises:
        OSError: if the file cannot be made.

    Attributes:
        path: The file. Where it was removed, or half an event could not be taken back, the next
            event opens another one.
    """

    def __init__(self, folder: str | PathLike[str], fsync: bool = False) -> None:
        self._folder = Path(folder)
        self._fsync = fsync
        persistently(self._open)

    def add(self, step: int, wall_time: float, values: Iterable[Summary.Value]) -> None:
        """Append one event.

        Args:
            step: TensorBoard's step.
            wall_time: Seconds since the epoch.
            values: Summaries, of one tag each.

        Raises:
            OSError: if the file system refuses, more than once where that may pass. The file is
                then as it was before: TensorBoard would read nothing behind half an event.
        """
        event = Event(step=step, wall_time=wall_time, summary=Summary(value=values))
        persistently(lambda: self._add(event))

    def close(self) -> None:
        """Close the file; nothing is lost by not doing so."""
        self._file.close()

    def _open(self) -> None:
        make_folder(self._folder, self._fsync)
        now = time.time()
        self.path = self._folder / file_name(now)
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 - closed by `close`
        self._size = 0
        self._is_torn = False
        try:
            self._append(Event(wall_time=now, file_version="brain.Event:2"))
            if self._fsync:
                fsync_folder(self._folder)
        except BaseException:
            self._file.close()
            with contextlib.suppress(OSError):
                self.path.unlink()
            raise

    def _add(self, event: Event) -> None:
        if self._file.closed or self._is_torn or not is_at(self.path, self._file.fileno()):
            self._file.close()
            self._open()
        self._append(event)

    def _append(self, event: Event) -> None:
        left = memoryview(framed(event.SerializeToString()))
        size = self._size + len(left)
        try:
            while left:
                left = left[self._file.write(left) :]
            if self._fsync:
                os.fsync(self._file.fileno())
        except BaseException:
            self._is_torn = True
            self._file.truncate(self._size)
            self._is_torn = False
            raise
        self._size = size


def announcement(keys: Sequence[str]) -> Summary.Value:
    """A summary that tells TensorBoard that this run has records, and their `keys`."""
    metadata = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name=PLUGIN),
        display_name="keras_explain",
        summary_description="Names of the records of this step. The Explain tab shows them.",
        data_class=DATA_CLASS_TENSOR,
    )
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=len(keys))])
    names = [key.encode("utf-8", "backslashreplace") for key in keys]
    tensor = TensorProto(dtype=DT_STRING, tensor_shape=shape, string_val=names)
    return Summary.Value(tag=PLUGIN, tensor=tensor, metadata=metadata)


def file_name(now: float) -> str:
    """A name that no other file has; TensorBoard reads those of a run in the names' order."""
    name = f"events.out.tfevents.{int(now):010d}.{socket.gethostname()}.{os.getpid()}"
    return f"{name}.{next(_number):06d}.{PLUGIN}"


def framed(content: bytes) -> bytes:
    """An event as a file has it."""
    length = struct.pack("<Q", len(content))
    marks = [struct.pack("<I", masked(google_crc32c.value(part))) for part in (length, content)]
    return length + marks[0] + content + marks[1]


def masked(crc: int) -> int:
    """A CRC-32C as the format has it."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
