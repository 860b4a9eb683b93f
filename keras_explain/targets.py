"""Which output of the model is explained, for each probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

KNOWN = "'true', 'predicted', an index, or one index a probe"


@dataclass(frozen=True)
class Target:
    """The outputs that are explained.

    Attributes:
        indices: int32 `(probes,)`, the output explained; ignored where `predicted`.
        predicted: Whether each probe's highest output is explained, whichever that is at the step.
    """

    indices: NDArray[np.int32]
    predicted: bool = False

    def pick(self, scores: Any) -> tuple[Any, Any]:
        """The index explained and its score, per probe, both `(probes,)`, as tensors.

        Args:
            scores: `(probes, ..., outputs)`; positions in between are averaged.
        """
        ops = keras.ops
        if len(scores.shape) == 1:
            scores = scores[:, None]
        while len(scores.shape) > 2:
            scores = ops.mean(scores, axis=1)
        if self.predicted:
            indices = ops.cast(ops.argmax(scores, axis=-1), "int32")
        else:
            indices = ops.convert_to_tensor(self.indices)
        return indices, ops.take_along_axis(scores, indices[:, None], axis=1)[:, 0]


def target_of(spec: Any, labels: Any, probes: int, outputs: int) -> Target:
    """Read the user's `target`.

    Args:
        spec: 'true', 'predicted', an index, or one index a probe.
        labels: The probes' labels for the explained output, or None: class indices `(probes,)` or
            `(probes, 1)`, or one-hot (also smoothed) rows `(probes, outputs)`.
        probes: Number of probes.
        outputs: Number of the model's outputs that an index can name.

    Raises:
        ValueError: If `spec` is none of these, or names an output that the model does not have.
    """
    if isinstance(spec, str):
        if spec == "predicted":
            return Target(np.zeros(probes, "int32"), predicted=True)
        if spec != "true":
            raise ValueError(f"`target` must be {KNOWN}. Received: {spec!r}")
        # With one output there is nothing to choose: it is the score of the positive class.
        indices = np.zeros(probes) if outputs == 1 else class_indices(labels, probes, outputs)
    else:
        indices = np.asarray(spec)
        if indices.dtype.kind not in "iu" or indices.shape not in ((), (1,), (probes,)):
            raise ValueError(f"`target` must be {KNOWN}. Received: {spec!r} for {probes} probes")
        indices = np.broadcast_to(indices, (probes,))
    if indices.min() < 0 or indices.max() >= outputs:
        raise ValueError(
            f"`target` must name one of the model's outputs, 0 to {outputs - 1}. "
            f"Received: {sorted({int(i) for i in indices})}"
        )
    return Target(np.ascontiguousarray(indices, "int32"))


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
        f"`target='true'` needs one class a probe: indices of shape ({probes},) or one-hot rows "
        f"of shape ({probes}, {outputs}). Otherwise give 'predicted' or an index. Received: {shown}"
    )
