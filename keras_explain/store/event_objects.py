"""The event file of a run on an object store, where nothing is ever appended."""

from __future__ import annotations

import time
from collections.abc import Iterable
from os import PathLike

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from .event_file import EventFile, file_name, framed
from .place import Place, Remote, place_of

SEGMENT = 4 * 2**20
"""Bytes of a file after which the next one begins: all of it is put again with each event."""


def event_file_in(
    folder: str | PathLike[str] | Place, fsync: bool = False
) -> EventFile | EventObjects:
    """Where the events of a run go, wherever that is."""
    place = place_of(folder)
    return EventObjects(place) if isinstance(place, Remote) else EventFile(place, fsync)


class EventObjects:
    """Puts events into short files, one after another. What was put is in memory till the next.

    Args:
        folder: A run of TensorBoard. No other live writer may share it.

    Raises:
        OSError: if the store refuses.

    Attributes:
        path: The file that grows.
    """

    def __init__(self, folder: Remote) -> None:
        self._folder = folder
        self._begin()

    def add(self, step: int, wall_time: float, values: Iterable[Summary.Value]) -> None:
        """Put one event.

        Args:
            step: TensorBoard's step.
            wall_time: Seconds since the epoch.
            values: Summaries, of one tag each.

        Raises:
            OSError: if the store refuses. The file is then as it was before.
        """
        if len(self._content) > SEGMENT:
            self._begin()
        self._put(Event(step=step, wall_time=wall_time, summary=Summary(value=values)))

    def close(self) -> None:
        """Nothing is open; what was put is no longer kept in memory."""
        self._content = b""

    def _begin(self) -> None:
        now = time.time()
        self.path, self._content = self._folder / file_name(now), b""
        self._put(Event(wall_time=now, file_version="brain.Event:2"))

    def _put(self, event: Event) -> None:
        content = self._content + framed(event.SerializeToString())
        self.path.write_bytes(content)
        self._content = content
