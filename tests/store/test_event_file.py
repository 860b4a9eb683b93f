"""The event file: its framing, and that half an event is never left in it."""

import errno
import struct

import google_crc32c
import pytest
from tensorboard.compat.proto.event_pb2 import Event

from keras_explain.store import EventFile, announcement


def events(path):
    """The events of a file, every length and checksum checked by the format's description."""
    content, found = path.read_bytes(), []
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        body = content[12 : 12 + length]
        assert len(body) == length
        for data, mark in (
            (content[:8], content[8:12]),
            (body, content[12 + length : 16 + length]),
        ):
            crc = google_crc32c.value(data)
            rotated = (crc >> 15) | (crc << 17) & 0xFFFFFFFF
            assert struct.unpack("<I", mark)[0] == (rotated + 0xA282EAD8) % 2**32
        found.append(Event.FromString(body))
        content = content[16 + length :]
    return found


def test_events_are_on_the_disk_at_once(tmp_path):
    file = EventFile(tmp_path / "run" / "explain")
    for step in (-1, 0, 1):
        file.add(step, 100.0 + step, [announcement(["saliency", "scores"])])
    first, *rest = events(file.path)
    assert first.file_version == "brain.Event:2"
    assert [(event.step, event.wall_time) for event in rest] == [(-1, 99), (0, 100), (1, 101)]
    (value,) = rest[0].summary.value
    assert value.metadata.plugin_data.plugin_name == "keras_explain"
    assert list(value.tensor.string_val) == [b"saliency", b"scores"]
    file.close()


def test_two_files_of_one_process_do_not_share_a_name(tmp_path):
    files = [EventFile(tmp_path) for _ in range(2)]
    assert files[0].path != files[1].path
    for file in files:
        file.close()
    assert all("tfevents" in path.name for path in tmp_path.iterdir())


def test_a_refused_event_leaves_the_file_as_it_was(tmp_path):
    file = EventFile(tmp_path)
    file.add(0, 0.0, [announcement(["a"])])
    whole, real = file.path.read_bytes(), file._file

    class FullDisk:
        """Takes twenty bytes, then none."""

        closed = False

        def __init__(self):
            self.left = 20

        def write(self, content):
            if not self.left:
                raise OSError(errno.ENOSPC, "No space left on device")
            count, self.left = self.left, 0
            return real.write(content[:count])

        def truncate(self, size):
            return real.truncate(size)

        def fileno(self):
            return real.fileno()

    file._file = FullDisk()
    with pytest.raises(OSError, match="No space left"):
        file.add(1, 1.0, [announcement(["b"])])
    assert file.path.read_bytes() == whole
    file._file = real
    file.add(2, 2.0, [announcement(["c"])])
    assert [event.step for event in events(file.path)[1:]] == [0, 2]
    file.close()
