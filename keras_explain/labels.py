"""What the probes' labels say of the outputs: one class each, several, or one at each position."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def class_indices(labels: Any, probes: int, outputs: int) -> NDArray[Any]:
    """Class index per probe, `(probes,)`, from class indices or one-hot rows.

    Raises:
        ValueError: If the labels are not classes.
    """
    array = None if labels is None else np.asarray(labels)
    if array is not None and array.dtype.kind in "biuf":
        if array.size == probes:
            flat = array.reshape(probes)
            if np.array_equal(flat, np.floor(flat)):
                return flat
        elif array.shape == (probes, outputs) and np.allclose(array.sum(axis=1), 1, atol=1e-3):
            return array.argmax(axis=1)
    shown = "no labels" if array is None else f"labels of shape {array.shape}, {array.dtype}"
    raise ValueError(
        f"`target='true'` needs one class a probe: indices of shape ({probes},), or one-hot or "
        f"multi-hot rows of shape ({probes}, {outputs}). Otherwise, as for a regression with "
        f"several outputs, give `target='predicted'` or an index, as `target=0`. Received: {shown}"
    )


def are_several(labels: Any, probes: int, outputs: int) -> bool:
    """Whether the labels are multi-hot: rows of zeros and ones, of shape `(probes, outputs)`."""
    array = None if labels is None else np.asarray(labels)
    return (
        array is not None
        and array.shape == (probes, outputs)
        and array.dtype.kind in "biuf"
        and bool(np.isin(array, (0, 1)).all())
    )


def classes_at(labels: Any, shape: tuple[int, ...]) -> NDArray[np.int32] | None:
    """Class index at every position, `(probes, ...)`, from labels of dense outputs.

    Args:
        labels: Class indices `(probes, ...)` or `(probes, ..., 1)`, or one-hot
            `(probes, ..., outputs)`. Indices that name no output stand for positions without label.
        shape: Of the outputs, `(probes, ..., outputs)`.

    Returns:
        -1 where there is no label; None if the labels are not of this kind.
    """
    array = None if labels is None else np.asarray(labels)
    if array is None or len(shape) < 3 or array.dtype.kind not in "biuf":
        return None
    *positions, outputs = shape
    if array.shape == shape and outputs > 1:
        one_hot = np.isclose(array.sum(axis=-1), 1, atol=1e-3)
        return np.where(one_hot, array.argmax(axis=-1), -1).astype(np.int32)
    if array.shape not in (tuple(positions), (*positions, 1)):
        return None
    array = array.reshape(positions)
    if not np.array_equal(array, np.floor(array)):
        return None
    known = (array >= 0) & (array < max(outputs, 2))  # with one output: without, or with
    return np.where(known, array, -1).astype(np.int32)
