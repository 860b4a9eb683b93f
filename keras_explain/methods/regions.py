"""Regions: which values of an input belong to one feature, and are there or gone together."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..model_view import Place

Features: TypeAlias = Any
"""How values make up features; for several inputs one for all, or a dict by the place's name.

- None: each column of a table and each token; else the cells of a grid of at most `MOST_CELLS`,
- `"values"`: each value, channels too,
- `"superpixels"`: about `MOST_CELLS` superpixels (SLIC) of each picture's or volume's own,
- a whole number, or a tuple of them for the axes: patches of that size,
- an array or list of whole numbers, one a feature: of the input's shape, also without its
  channels, and also with the probes first.

Values of different inputs never belong to the same feature.
"""

MOST_CELLS = 64
COMPACTNESS = {True: 10.0, False: 0.1}
"""Weight of nearness against colour in superpixels: of pictures in Lab colours, and of others."""

ALLOWED = (
    "`features` must be None, 'values', 'superpixels', a patch size (whole numbers from 1 on, one "
    "for each axis), an array of whole numbers of the input's shape, or a dict of these by the "
    "input's name."
)


def check_features(features: Features, places: Sequence[Place]) -> None:
    """Say before the training what does not fit.

    Raises:
        ValueError: If `features` does not fit one of the places.
        ImportError: If superpixels are asked for and scikit-image is missing.
    """
    if isinstance(features, Mapping):
        names = [place.name for place in places]
        unknown = [name for name in features if name not in names]
        if unknown:
            raise ValueError(
                f"`features` must name inputs. Known: {', '.join(names)}. Received: {unknown[0]!r}"
            )
    for place in places:
        option = _option_at(features, place)
        if option is None or (isinstance(option, str) and option == "values"):
            continue
        if isinstance(option, str) and option == "superpixels":
            _check_superpixels(place)
        elif isinstance(option, list | np.ndarray):
            _mask_at(np.asarray(option), place)
        elif isinstance(option, tuple) or _is_whole(option):
            axis_sizes(option, place, ALLOWED)
        else:
            raise ValueError(f"{ALLOWED} Received: {option!r}")


def splits_channels(features: Features, place: Place) -> bool:
    """Whether a value's channels may belong to different features."""
    if "channel" not in place.axes:
        return False
    option = _option_at(features, place)
    if isinstance(option, str):
        return option == "values"
    if isinstance(option, tuple):
        return len(option) == len(place.axes)
    if isinstance(option, list | np.ndarray):
        return _mask_at(np.asarray(option), place).shape[place.axes.index("channel") + 1] > 1
    return False


def regions_at(
    features: Features, place: Place, values: NDArray[Any], memory: dict[str, Any]
) -> NDArray[np.intp]:
    """Each value's feature, numbered from 0 in each row.

    Args:
        features: The option.
        place: Where the values lie.
        values: The rows' values, `(rows, ...)`.
        memory: Where superpixels are kept from step to step.

    Returns:
        `(rows, ...)`, or `(1, ...)` where all rows have the same; of size 1 along the channels
        unless they are split.
    """
    option = _option_at(features, place)
    if isinstance(option, str) and option == "superpixels":
        return np.stack([_known_superpixels(picture, memory) for picture in values])[..., None]
    regions = _regions(features, place)
    if len(regions) not in (1, len(values)):
        raise ValueError(
            f"`features` must be shared, or have a row for each of {len(values)} probes. "
            f"Received: shape {np.shape(option)}"
        )
    return regions


def most_features(features: Features, places: Sequence[Place]) -> int:
    """How many features there are in all; of superpixels, how many are asked for."""
    options = [_option_at(features, place) for place in places]
    return sum(
        MOST_CELLS
        if isinstance(option, str) and option == "superpixels"
        else int(_regions(features, place).max()) + 1
        for option, place in zip(options, places, strict=True)
    )


def are_single(features: Features, place: Place, axes: Sequence[str]) -> bool:
    """Whether every value of a map along these axes is a feature of its own."""
    option = _option_at(features, place)
    if isinstance(option, str) and option == "superpixels":
        return False
    sizes = dict(zip(place.axes, place.shape, strict=True))
    regions = _regions(features, place)
    values = prod(sizes[axis] for axis in axes)
    return all(len(np.unique(row)) == values for row in regions)


def are_shared(features: Features, places: Sequence[Place]) -> bool:
    """Whether all rows have the same features."""
    return not any(
        (isinstance(option, str) and option == "superpixels")
        or (isinstance(option, list | np.ndarray) and len(_mask_at(np.asarray(option), place)) > 1)
        for place in places
        for option in [_option_at(features, place)]
    )


def _regions(features: Features, place: Place) -> NDArray[np.intp]:
    """The features of all options but superpixels."""
    option = _option_at(features, place)
    if not place.shape:
        return np.zeros(1, np.intp)
    if isinstance(option, list | np.ndarray):
        return np.stack([_numbered(row) for row in _mask_at(np.asarray(option), place)])
    if isinstance(option, str):
        labels = [np.arange(size) for size in place.shape]
    elif option is None:
        labels = _default_labels(place)
    else:
        sizes = axis_sizes(option, place, ALLOWED)
        labels = [np.arange(n) // size for n, size in zip(place.shape, sizes, strict=True)]
    if not splits_channels(features, place) and "channel" in place.axes:
        labels[place.axes.index("channel")] = np.zeros(1, int)
    counts = tuple(int(label[-1]) + 1 for label in labels)
    return np.asarray(np.ravel_multi_index(np.ix_(*labels), counts))[None]


def axis_sizes(option: Any, place: Place, rule: str) -> tuple[int, ...]:
    """A size along each axis of `place` from one for all, or from a tuple of them.

    A whole number, and a tuple that names none for the channels, take all channels together.

    Raises:
        ValueError: If it is neither; it tells the `rule`.
    """
    space = [size for axis, size in zip(place.axes, place.shape, strict=True) if axis != "channel"]
    sizes = tuple(option) if isinstance(option, tuple | list) else (option,) * len(space)
    if not all(map(_is_whole, sizes)) or len(sizes) not in (len(space), len(place.shape)):
        raise ValueError(f"{rule} Received: {option!r} for {place.name!r} of shape {place.shape}")
    if len(sizes) < len(place.shape):
        at = place.axes.index("channel")
        sizes = (*sizes[:at], place.shape[at], *sizes[at:])
    return tuple(min(int(s), size) for s, size in zip(sizes, place.shape, strict=True))


def cells_along(place: Place) -> int:
    """How many cells a grid of at most `MOST_CELLS` has along each space axis."""
    space = len([axis for axis in place.axes if axis != "channel"])
    return int(MOST_CELLS ** (1 / max(space, 1)) + 1e-9)


def _option_at(features: Features, place: Place) -> Any:
    return features.get(place.name) if isinstance(features, Mapping) else features


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 1


def _default_labels(place: Place) -> list[NDArray[np.intp]]:
    if len(place.shape) == 1:
        return [np.arange(place.shape[0])]
    most = cells_along(place)
    return [np.arange(size) * min(size, most) // size for size in place.shape]


def _mask_at(mask: NDArray[Any], place: Place) -> NDArray[Any]:
    """The user's features with rows first and a channel axis: sizes are the place's or 1."""
    at = place.axes.index("channel") if "channel" in place.axes else None
    without = place.shape if at is None else (*place.shape[:at], *place.shape[at + 1 :])

    def fits(given: tuple[int, ...], shape: tuple[int, ...]) -> bool:
        return len(given) == len(shape) and all(
            n in (1, size) for n, size in zip(given, shape, strict=True)
        )

    if mask.dtype.kind in "iub":
        for rows_first, shape in ((mask[None], mask.shape), (mask, mask.shape[1:])):
            if fits(shape, place.shape):
                return rows_first
            if at is not None and fits(shape, without):
                return np.expand_dims(rows_first, at + 1)
    raise ValueError(
        f"{ALLOWED} Received: an array of {mask.dtype} of shape {mask.shape} for {place.name!r} "
        f"of shape {place.shape}"
    )


def _numbered(ids: NDArray[Any]) -> NDArray[np.intp]:
    return np.unique(ids, return_inverse=True)[1].reshape(ids.shape)


def _check_superpixels(place: Place) -> None:
    space = [axis for axis in place.axes if axis in ("depth", "height", "width")]
    if place.layer is not None or len(space) < 2 or prod(place.space) < 2:
        raise ValueError(
            "`features` may be 'superpixels' only of an input of pictures or volumes. "
            f"Received: {place.name!r} of shape {place.shape}"
        )
    if find_spec("skimage") is None:
        raise ImportError(
            "`features='superpixels'` needs scikit-image: pip install 'keras_explain[regions]'"
        )


def _known_superpixels(picture: NDArray[Any], memory: dict[str, Any]) -> NDArray[np.intp]:
    known: dict[int, NDArray[np.intp]] = memory.setdefault("superpixels", {})
    content = zlib.crc32(np.ascontiguousarray(picture).tobytes())
    if content not in known:
        if len(known) >= 256:  # pictures that come from elsewhere than the probes
            known.clear()
        known[content] = _superpixels(picture)
    return known[content]


def _superpixels(picture: NDArray[Any]) -> NDArray[np.intp]:
    from skimage.segmentation import slic

    low, high = float(picture.min()), float(picture.max())
    in_colour = picture.ndim == 3 and picture.shape[-1] == 3
    labels = slic(
        (picture - low) / (high - low or 1.0),
        n_segments=MOST_CELLS,
        compactness=COMPACTNESS[in_colour],
        convert2lab=in_colour,
        start_label=0,
        channel_axis=-1,
    )
    return _numbered(labels)
