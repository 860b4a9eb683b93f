"""What an input is, by what the model does with it: ids, a table, a series, a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..inputs import Features, InputNames, Picture
from ..model_view import axes_of
from ..store import InputFacts
from .fitting import is_text

SMALLEST_PICTURE = 8
"""Fewest pixels a side of what is taken for a picture without a channel axis."""

KINDS = {1: "features", 2: "series", 3: "image", 4: "volume"}
"""By the number of axes of one example, what it is where the model says nothing else."""


@dataclass(frozen=True)
class Look:
    """What one input is, and how it is kept.

    Attributes:
        kind: One of the store's kinds of inputs.
        axes: Names of the axes of one example.
        facts: What is known of it from the model or from its values; None for nothing.
        values: What is kept instead of the input, such as the ids of a text's words; or None.
        is_ids: Whether its whole numbers choose rows of an embedding.
    """

    kind: str
    axes: tuple[str, ...]
    facts: InputFacts | None = None
    values: NDArray[Any] | None = None
    is_ids: bool = False

    def values_of(self, array: NDArray[Any]) -> NDArray[Any]:
        """The numbers that are kept of the input."""
        return array if self.values is None else self.values


def look_of(
    array: NDArray[Any],
    readers: Sequence[tuple[keras.Layer, tuple[int, ...]]],
    is_ids: bool,
    said: InputNames | None = None,
) -> Look:
    """What an input is.

    Args:
        array: The probes' values, `(probes, ...)`.
        readers: The layers that read the input, with the shapes `(probes, ...)` of their outputs.
        is_ids: Whether it feeds an embedding.
        said: What the user says of it.
    """
    rank = array.ndim - 1
    if is_text(array):
        return _of_strings(array, readers)
    if is_ids:
        return Look("tokens" if rank == 1 else "features", axes_of(rank), is_ids=True)
    if isinstance(said, Picture) and rank == 2:
        return Look("image", ("height", "width"))
    if rank == 2 and not isinstance(said, Features) and _is_picture(array.shape, readers):
        return Look("image", ("height", "width"))
    return Look(KINDS.get(rank, "features"), axes_of(rank))


def _is_picture(
    shape: tuple[int, ...], readers: Sequence[tuple[keras.Layer, tuple[int, ...]]]
) -> bool:
    """Whether `(probes, a, b)` are pictures without a channel axis.

    They are where a layer gives them one, and no series where nothing reads them in an order of
    time and both sides are equal, as in the tutorials that flatten 28 x 28 digits.
    """
    if any((*shape, 1) == tuple(made) for _, made in readers):
        return True
    in_order = any(_reads_series(layer) for layer, _ in readers)
    return bool(readers) and not in_order and shape[1] == shape[2] >= SMALLEST_PICTURE


def _reads_series(layer: keras.Layer) -> bool:
    """Whether a layer goes along the first axis of an example: it may not read the whole at once.

    What flattens an example, or gives it another shape, reads no order.
    """
    return not isinstance(layer, keras.layers.Flatten | keras.layers.Reshape)


def _of_strings(
    array: NDArray[Any], readers: Sequence[tuple[keras.Layer, tuple[int, ...]]]
) -> Look:
    """Texts as their words, where a vectoriser tells them; other strings as categories."""
    for layer, _ in readers:
        if isinstance(layer, keras.layers.TextVectorization):
            ids = np.asarray(layer(array))
            if ids.ndim == 2 and ids.dtype.kind in "iu":
                words = layer.get_vocabulary()
                known = {str(one): str(words[one]) for one in np.unique(ids) if one < len(words)}
                return Look("tokens", ("feature",), InputFacts(words=known), ids)
    flat = array.reshape(len(array), -1)
    texts = np.vectorize(_text, otypes=[object])(flat)
    columns = [np.unique(column.astype(str), return_inverse=True) for column in texts.T]
    names = tuple(f"column {at}" for at in range(len(columns)))
    categories = {
        name: {str(code): str(word) for code, word in enumerate(words)}
        for name, (words, _) in zip(names, columns, strict=True)
    }
    codes = np.stack([inverse.reshape(-1) for _, inverse in columns], axis=1)
    return Look("features", ("feature",), InputFacts(names, {}, categories), codes)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
