"""The one binary format of the replies: a JSON header, then arrays.

`b"KXB1"`, the header's length (uint32, little-endian), the header (JSON, padded with spaces so
that the payload begins at a multiple of 8), the payload. The header names each array's dtype,
shape and offset in the payload, a multiple of 8 too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"KXB1"

_NAMES = {"<f2": "f16", "<f4": "f32", "|u1": "u8", "<i4": "i32"}


def bundle(arrays: Mapping[str, NDArray[Any]], **extras: Any) -> bytes:
    """`arrays` of dtype float16, float32, uint8 or int32, and `extras` for the header, as bytes."""
    described, parts, offset = [], [], 0
    for name, array in arrays.items():
        little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
        content = little.tobytes()
        described.append(
            {
                "name": name,
                "dtype": _NAMES[little.dtype.str],
                "shape": list(array.shape),
                "offset": offset,
            }
        )
        parts.append(content + bytes(-len(content) % 8))
        offset += len(parts[-1])
    header = json.dumps({"arrays": described, **extras}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return b"".join([MAGIC, len(header).to_bytes(4, "little"), header, *parts])
