"""Rows as float16 times one power of two, with a checksum each.

Float16 alone spans 6e-8 to 65504: a gradient of 1e-9 would vanish and an activation of 1e6
overflow. One scale a row moves the row's largest value to the top of that range. As the scale is
a power of two it costs no precision: a value keeps 11 significant bits as long as it is within
2^-29 of the row's largest.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOP = 15
"""The largest finite value of a row is scaled to 2^14 ... 2^15."""

SMALLEST_SCALE = -126
"""Exponent of the smallest float32 with all its bits; below it float16 is finer than float32."""


@dataclass(frozen=True)
class Encoded:
    """Rows of a record as they are stored.

    Attributes:
        values: float16, or float32 with the scale 1, `(rows, *row_shape)`.
        scale: float32 `(rows,)`, powers of two.
    """

    values: NDArray[np.float16 | np.float32]
    scale: NDArray[np.float32]

    def decode(self) -> NDArray[np.float32]:
        """The numbers, float32 `(rows, *row_shape)`: `values * scale`."""
        scale = self.scale.reshape(-1, *[1] * (self.values.ndim - 1))
        with np.errstate(all="ignore"):  # a stranger's scale may overflow: inf is then the answer
            decoded = self.values.astype(np.float32)
            decoded *= scale
            return decoded

    def checksums(self) -> NDArray[np.uint32]:
        """CRC-32 a row, over its values' bytes and then its scale's four bytes."""
        values = np.ascontiguousarray(self.values, self.values.dtype.newbyteorder("<"))
        scale = np.ascontiguousarray(self.scale, "<f4").tobytes()
        content, size = memoryview(values.tobytes()), values[:1].nbytes
        return np.array(
            [
                zlib.crc32(
                    scale[4 * row : 4 * row + 4],
                    zlib.crc32(content[row * size : (row + 1) * size]),
                )
                for row in range(len(values))
            ],
            np.uint32,
        )


def encode(values: NDArray[np.float32], precision: str = "float16") -> Encoded:
    """Round `values`, float32 `(rows, *row_shape)`, to float16 with one scale a row.

    NaN and infinities stay what they are; an all-zero row gets the scale 1. With the `precision`
    "float32" nothing is rounded.
    """
    if precision == "float32":
        return Encoded(values, np.ones(len(values), np.float32))
    flat = values.reshape(len(values), -1)
    magnitude = np.abs(flat)
    peak = magnitude.max(axis=1, initial=0)
    if not np.isfinite(peak).all():
        peak = np.where(np.isfinite(flat), magnitude, 0).max(axis=1, initial=0)
    exponent = np.where(peak > 0, np.maximum(np.frexp(peak)[1] - TOP, SMALLEST_SCALE), 0)
    scale = np.ldexp(np.float32(1), exponent).astype(np.float32)
    with np.errstate(all="ignore"):  # signalling NaNs, and tiny values that round to zero
        scaled = flat * (1 / scale)[:, None]
        # The largest float32s would round up to 2^128, which is no float32 any more.
        top = np.where(exponent == 128 - TOP, 2**TOP - 2 ** (TOP - 11), 2**TOP)[:, None]
        finite = np.isfinite(scaled)
        np.copyto(scaled, np.clip(scaled, -top, top), where=finite)
        return Encoded(scaled.astype(np.float16).reshape(values.shape), scale)
