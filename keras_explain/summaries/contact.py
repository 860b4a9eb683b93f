"""Contact sheets of a run's records, whose colours mean the same at every step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..store import ProbeSet
from ..store.format import axes
from ..store.format.forms import shown_axes
from ..store.format.meaning import UNKNOWN
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
            spec: The record, one that `has_pictures`.
            array: Its values, `(rows, *row_shape)`.
        """
        maps = self._maps(spec, array)
        limit = self._limit(spec.key, maps)
        columns, *others = _planes(spec) or [""]
        title = spec.title + _in_unit(spec)
        if columns:
            signed = spec.signed or bool((maps < 0).any())
            picture = sheets.plane_sheet(maps, signed=signed, limit=limit)
            where = "".join(f" of the middle {_word(axis)}" for axis in others)
            shows = f"{title}: one row per probe, one column per {_word(columns)}{where}."
            return Sheet(picture, shows, limit)
        # Named rows are no probes: there is no photo of any of them.
        photos = None if spec.rows else self._photos.get(spec.input or "")
        under = None if photos is None else photos[:MOST_PROBES]
        picture = sheets.overlay_sheet(maps, under, signed=spec.signed, limit=limit)
        return Sheet(picture, f"{title}: one cell per {'row' if spec.rows else 'probe'}.", limit)

    def see(self, spec: RecordSpec, array: NDArray[np.float32]) -> None:
        """Let the colours reach as far as this step's values do, for the sheets still to come."""
        self._limit(spec.key, self._maps(spec, array))

    def _maps(self, spec: RecordSpec, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """The maps that are drawn.

        Where channels or slices are drawn apart, `(probes, height, width, planes)`.
        """
        planes = _planes(spec)
        rows = array[: MOST_PLANES if planes else MOST_PROBES]
        maps, left = as_shown(rows, spec.axes, spec.shown), shown_axes(spec)
        for axis in planes[1:]:
            at = 1 + left.index(axis)
            maps = maps.take(maps.shape[at] // 2, at)
            left.remove(axis)
        if not planes:
            return maps
        maps = np.moveaxis(maps, 1 + left.index(planes[0]), -1)
        if planes[0] not in axes.SPACE:
            return maps[..., :MOST_PLANES]
        places = np.linspace(0, maps.shape[-1] - 1, MOST_PLANES).round().astype(int)
        return maps[..., np.unique(places)]

    def _limit(self, key: str, maps: NDArray[np.float32]) -> float:
        """The value of the last colour: it only ever grows, so that steps can be compared."""
        sizes = np.abs(maps[np.isfinite(maps)])
        here = float(np.percentile(sizes, EVIDENCE)) if sizes.size else 0.0
        self._limits[key] = max(self._limits.get(key, 0.0), here)
        return self._limits[key]


def _planes(spec: RecordSpec) -> list[str]:
    """The axes that number several maps of a probe: that of the columns, and those cut through."""
    others = [axis for axis in shown_axes(spec) if axis not in axes.PICTURE]
    return sorted(others, key=[*axes.PLANES, *others].index)


def _word(axis: str) -> str:
    """What an entry of the axis is called."""
    return "slice" if axis == "depth" else axis


def _in_unit(spec: RecordSpec) -> str:
    """The unit, as it stands behind a title."""
    return "" if spec.unit in ("none", UNKNOWN) else f" (unit: {spec.unit})"


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
