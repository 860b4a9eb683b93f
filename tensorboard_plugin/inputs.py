"""The probes' inputs, as pictures or as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_explain.store import Reader
from keras_explain.store.probe_file import ProbeFile

from .bundle import bundle
from .queries import MAX_READ, MAX_REPLY, BadRequest, NotFound, chosen


def pictures(
    reader: Reader, name: str, rows: Sequence[int] | None = None, size: int | None = None
) -> bytes:
    """A bundle of `pixels` uint8 `(rows, height, width, 1 or 3)`, or `values` if it is no image.

    The extras say which values 0 and 255 stand for (`lo`, `hi`), and how many values a side went
    into one pixel (`factor`; the last one of a side may have got fewer).

    Args:
        reader: Reads the run.
        name: Which input of the model.
        rows: Which probes; all by default.
        size: Most pixels a side.

    Raises:
        NotFound: if the run has no such input, or no step yet.
        BadRequest: if a row does not exist, or the reply would be too large.
        StoreError: if the probes' file is damaged.
    """
    file, at = _chosen(reader, name, rows)
    fields = file.described[name]
    axes, shape = list(fields["axes"]), list(fields["shape"])
    low, high = limits(*fields["range"])
    read = file.read
    if name in file.pictured:  # somebody said how it looks
        axes, shape = ["height", "width", "channel"], list(file.pictured[name])
        low, high, read = 0.0, 255.0, file.picture
    elif fields["kind"] != "image" or {"height", "width"} - set(axes) or len(axes) > 3:
        return values(reader, name, rows)
    height, width = (shape[axes.index(side)] for side in ("height", "width"))
    factor = 1 if size is None else max(1, math.ceil(max(height, width) / size))
    pixels = math.ceil(height / factor) * math.ceil(width / factor) * 3
    _check_size(len(at), pixels, 8 * math.prod(shape))
    drawn = [_pixels(read(name, [row])[0], axes, factor, low, high) for row in at]
    extras = {"lo": low, "hi": high, "factor": factor, "height": height, "width": width}
    empty = np.zeros((0, 0, 0, 1), np.uint8)
    return bundle({"pixels": np.stack(drawn) if drawn else empty}, rows=at, **extras)


def values(reader: Reader, name: str, rows: Sequence[int] | None = None) -> bytes:
    """A bundle of `values`, float32 `(rows, *input_shape)`; arguments and errors as above."""
    file, at = _chosen(reader, name, rows)
    fields = file.described[name]
    _check_size(len(at), 4 * math.prod(fields["shape"]), 8 * math.prod(fields["shape"]))
    raw = file.read(name, at).astype(np.float32)
    return bundle({"values": raw}, rows=at, axes=fields["axes"])


def limits(low: float, high: float) -> tuple[float, float]:
    """The values drawn black and white, from the smallest and largest of an input."""
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    # Few pictures in 0 ... 255 are as dark as 16 throughout; 1.02 is an overshoot, not a byte.
    if low >= 0 and 16 < high <= 255:
        return 0.0, 255.0
    return low, high


def _chosen(reader: Reader, name: str, rows: Sequence[int] | None) -> tuple[ProbeFile, list[int]]:
    steps = reader.index().steps
    if not steps:
        raise NotFound("This run has no step yet.")
    file = reader.probes(steps[-1])
    if name not in file.described:
        known = ", ".join(file.described)
        raise NotFound(f"`input` must be one of: {known[:500]}. Received: {name[:80]!r}")
    return file, chosen(rows, "rows", file.count)


def _check_size(rows: int, row_sent: int, row_read: int) -> None:
    fit = min(MAX_REPLY // max(1, row_sent), MAX_READ // max(1, row_read))
    if rows > fit:
        raise BadRequest(
            f"A reply holds at most {MAX_REPLY} bytes: {fit} rows. Received: {rows} rows"
        )


def _pixels(
    image: NDArray[Any], axes: list[str], factor: int, low: float, high: float
) -> NDArray[np.uint8]:
    places = [axes.index(name) for name in ("height", "width", "channel") if name in axes]
    picture = image.transpose(places).astype(np.float64).reshape(*_sides(image, axes), -1)
    if picture.shape[-1] == 2:
        picture = picture[..., :1]  # grey and its opacity
    picture = picture[..., :3]  # red, green, blue; what is behind them is no colour
    for side in (0, 1):
        if factor > 1:
            starts = np.arange(0, picture.shape[side], factor)
            counts = np.diff(np.append(starts, picture.shape[side]))
            sums = np.add.reduceat(picture, starts, axis=side)
            picture = sums / counts.reshape([-1 if at == side else 1 for at in range(3)])
    scaled = (picture - low) * (255 / ((high - low) or 1.0))
    return np.nan_to_num(scaled, posinf=255).clip(0, 255).round().astype(np.uint8)


def _sides(image: NDArray[Any], axes: list[str]) -> tuple[int, int]:
    return image.shape[axes.index("height")], image.shape[axes.index("width")]
