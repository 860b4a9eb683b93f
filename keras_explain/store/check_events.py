"""Whether TensorBoard can read an event file to its end.

TensorBoard reads nothing behind the first event that does not match its checksum.
"""

from __future__ import annotations

import struct

import google_crc32c

from .errors import StoreError
from .event_file import masked
from .place import Place
from .tensor_file import opened

_PIECE = 2**20


def event_flaw(path: Place) -> tuple[bool, str, str]:
    """What is wrong with an event file.

    Returns:
        Whether only its last event was cut off, as when the writer is killed or still at it; what
        is wrong, or nothing; what is lost.
    """
    whole = at = 0
    try:
        with opened(path) as file:
            while True:
                head = file.read(12)
                if not head:
                    return False, "", ""
                if len(head) < 12:
                    return _cut(at)
                length, mark = struct.unpack("<QI", head)
                if mark != masked(google_crc32c.value(head[:8])):
                    return _damaged(at, whole)
                crc, left = 0, length
                while left:
                    piece = file.read(min(left, _PIECE))
                    if not piece:
                        return _cut(at)
                    crc = google_crc32c.extend(crc, piece)
                    left -= len(piece)
                tail = file.read(4)
                if len(tail) < 4:
                    return _cut(at)
                if struct.unpack("<I", tail)[0] != masked(crc):
                    return _damaged(at, whole)
                whole, at = whole + 1, at + 16 + length
    except (OSError, StoreError) as error:
        return False, f"It cannot be read: {error}", "what TensorBoard's own tabs show of the run"


def _cut(at: int) -> tuple[bool, str, str]:
    return True, f"It ends within the event at byte {at}.", "nothing but that event"


def _damaged(at: int, whole: int) -> tuple[bool, str, str]:
    lost = f"all that TensorBoard's own tabs show behind event {whole}; nothing of the Explain tab"
    return False, f"Its event at byte {at} does not match its checksum.", lost
