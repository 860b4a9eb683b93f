"""Contact sheets: one picture of all probes' maps, for TensorBoard's own Images tab."""

from __future__ import annotations

import io
from functools import cache

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

CELL = 96
"""Pixels a side of one probe's cell, about: a whole multiple or fraction of the map's own size."""
GAP = 2
OPACITY = 0.6


def overlay_sheet(
    maps: NDArray[np.float32],
    photos: NDArray[np.uint8] | None,
    *,
    signed: bool,
    limit: float,
) -> NDArray[np.uint8]:
    """Coloured maps over grey photos, one cell a map, in rows: `(height, width, 3)`.

    Args:
        maps: `(maps, height, width)`, raw.
        photos: `(maps, height, width, 1 or 3)` that the maps lie on, or None for maps alone.
        signed: Whether zero is the middle of the colours.
        limit: The value that gets the last colour; the same for all cells.
    """
    sides = photos.shape[1:3] if photos is not None else maps.shape[1:3]
    size = _cell_size(sides)
    colours = _enlarged(_coloured(maps, signed, limit), size)
    if photos is not None:
        grey = photos.astype(np.float32).mean(axis=-1, keepdims=True)
        under = _enlarged(grey, size)
        # What is not finite stays magenta rather than blending in.
        shown = _enlarged(np.isfinite(maps)[..., None], size)
        share = np.where(shown, OPACITY, 1).astype(np.float32)
        colours = (colours * share + under * (1 - share)).astype(np.uint8)
    return _tiled(colours)


def channel_sheet(maps: NDArray[np.float32], *, limit: float) -> NDArray[np.uint8]:
    """Maps of several channels, a row a probe: `(height, width, 3)`.

    Args:
        maps: `(probes, height, width, channels)`, raw.
        limit: The value that gets the last colour; the same for all cells.
    """
    rows, height, width, channels = maps.shape
    flat = np.moveaxis(maps, -1, 1).reshape(rows * channels, height, width)
    signed = bool((flat < 0).any())
    size = _cell_size((height, width), CELL // 2)
    return _tiled(_enlarged(_coloured(flat, signed, limit), size), columns=channels)


def png(picture: NDArray[np.uint8]) -> bytes:
    """The picture `(height, width, 3)` as a PNG; fast rather than small."""
    buffer = io.BytesIO()
    # zlib's run-length strategy: a tenth of the time of the default for a few more bytes.
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1, compress_type=3)
    return buffer.getvalue()


@cache
def colour_table(name: str) -> NDArray[np.uint8]:
    """256 colours `(256, 3)` of one of Matplotlib's maps."""
    table = matplotlib.colormaps[name](np.arange(256), bytes=True)
    colours: NDArray[np.uint8] = np.asarray(table[:, :3], np.uint8)
    return colours


def _coloured(maps: NDArray[np.float32], signed: bool, limit: float) -> NDArray[np.uint8]:
    low, high = (-limit, limit) if signed else (0.0, limit)
    span = max(high - low, np.finfo(np.float32).tiny)
    finite = np.isfinite(maps)
    index = np.where(finite, np.clip((maps - low) / span, 0, 1) * 255 + 0.5, 0).astype(np.uint8)
    colours = colour_table("PuOr" if signed else "cividis")[index]
    colours[~finite] = (255, 0, 255)
    return colours


def _cell_size(sides: tuple[int, ...], wanted: int = CELL) -> tuple[int, int]:
    factor = wanted / max(sides)
    factor = max(1, round(factor)) if factor >= 1 else 1 / np.ceil(1 / factor)
    return max(1, int(sides[0] * factor)), max(1, int(sides[1] * factor))


def _enlarged(maps: NDArray[np.generic], size: tuple[int, int]) -> NDArray[np.generic]:
    """The nearest pixel, so that what is shown is what was computed."""
    down = np.arange(size[0]) * maps.shape[1] // size[0]
    across = np.arange(size[1]) * maps.shape[2] // size[1]
    return maps[:, down[:, None], across]


def _tiled(cells: NDArray[np.generic], columns: int | None = None) -> NDArray[np.uint8]:
    count, height, width, _ = cells.shape
    columns = columns or int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    sheet = np.full((rows, height + GAP, columns, width + GAP, 3), 255, np.uint8)
    places = np.arange(count)
    sheet[places // columns, :height, places % columns, :width] = cells
    return sheet.reshape(rows * (height + GAP), columns * (width + GAP), 3)[:-GAP, :-GAP]
