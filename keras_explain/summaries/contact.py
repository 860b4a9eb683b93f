"""Contact sheets of a run's records, whose colours mean the same at every step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..store import ProbeSet
from ..store.schema import RecordSpec
from ..store.statistics import as_shown
from . import sheets

MOST_PROBES = 16
MOST_PLANES = 8
EVIDENCE = 99
"""Percentile of the magnitudes that gets the last colour."""


class Sheet(NamedTuple):
    """A picture of all probes' maps, what it shows in words, and the value of its last colour."""

    picture: Image.Image
    shows: str
    limit: float


def has_sheet(spec: RecordSpec) -> bool:
    """Whether a record is maps, which can be drawn."""
    return "height" in spec.axes and "width" in spec.axes


class ContactSheets:
    """Draws the records of one step after another.

    Args:
        probes: The probes, whose photos lie under the maps.
    """

    def __init__(self, probes: ProbeSet) -> None:
        self._photos = {
            name: _photos(probes.pictures.get(name, array)) for name, array in probes.inputs.items()
        }
        self._limits: dict[str, float] = {}

    def of(self, spec: RecordSpec, array: NDArray[np.float32]) -> Sheet:
        """The sheet of a record at one step: of its first probes, and of some channels or slices.

        Args:
            spec: The record, one that `has_sheet`.
            array: Its values, `(rows, *row_shape)`.
        """
        planes, maps = _planes(spec), self._maps(spec, array)
        limit = self._limit(spec.key, maps)
        if planes:
            signed = spec.signed or bool((maps < 0).any())
            picture = sheets.plane_sheet(maps, signed=signed, limit=limit)
            return Sheet(picture, f"{spec.title}: a row a probe, a column a {planes}.", limit)
        # Named rows are no probes: there is no photo of any of them.
        photos = None if spec.rows else self._photos.get(spec.input or "")
        under = None if photos is None else photos[:MOST_PROBES]
        picture = sheets.overlay_sheet(maps, under, signed=spec.signed, limit=limit)
        return Sheet(picture, f"{spec.title}: one cell a probe.", limit)

    def see(self, spec: RecordSpec, array: NDArray[np.float32]) -> None:
        """Let the colours reach as far as this step's values do, for the sheets still to come."""
        self._limit(spec.key, self._maps(spec, array))

    def _maps(self, spec: RecordSpec, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """The maps that are drawn.

        Where channels or slices are drawn apart, `(probes, height, width, planes)`.
        """
        planes = _planes(spec)
        if not planes:
            return as_shown(array[:MOST_PROBES], spec.axes, spec.shown)
        maps = as_shown(array[:MOST_PLANES], spec.axes, spec.shown)
        axes = [axis for axis in spec.axes if axis != "channel"]
        depth = 1 + axes.index("depth") if "depth" in axes else None
        if planes == "slice" and depth is not None:
            places = np.linspace(0, maps.shape[depth] - 1, MOST_PLANES).round().astype(int)
            return np.moveaxis(maps, depth, -1)[..., np.unique(places)]
        maps = np.moveaxis(maps, 1 + spec.axes.index("channel"), -1)[..., :MOST_PLANES]
        return maps if depth is None else maps.take(maps.shape[depth] // 2, depth)

    def _limit(self, key: str, maps: NDArray[np.float32]) -> float:
        """The value of the last colour: it only ever grows, so that steps can be compared."""
        sizes = np.abs(maps[np.isfinite(maps)])
        here = float(np.percentile(sizes, EVIDENCE)) if sizes.size else 0.0
        self._limits[key] = max(self._limits.get(key, 0.0), here)
        return self._limits[key]


def _planes(spec: RecordSpec) -> str:
    """What each of several maps of a probe is; nothing of a record that has one a probe."""
    if spec.shown == "all" and "channel" in spec.axes:
        return "channel of the middle slice" if "depth" in spec.axes else "channel"
    return "slice" if "depth" in spec.axes else ""


def _photos(array: NDArray[np.generic]) -> NDArray[np.uint8] | None:
    """An input as grey pictures `(probes, height, width)` from 0 to 255; None if it is none."""
    if array.ndim != 4 or array.shape[-1] not in (1, 3):
        return None
    pictures = array[:MOST_PROBES].astype(np.float32).mean(axis=-1)
    low, high = float(np.nanmin(pictures)), float(np.nanmax(pictures))
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    scaled = (pictures - low) / max(high - low, 1e-12) * 255
    return np.nan_to_num(scaled).clip(0, 255).astype(np.uint8)
