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

    def weigh(self, logits: Any) -> tuple[Any, Any]:
        """The index explained, and how much each logit counts in the score, as tensors.

        The score is the sum of the logits, each times its weight: `scores_of`.

        Args:
            logits: `(probes, ..., outputs)`; positions in between are averaged.

        Returns:
            Indices int32 `(probes,)`, and weights float32 of the logits' shape.
        """
        ops = keras.ops
        positions = tuple(range(1, len(logits.shape) - 1))
        if self.predicted:
            means = ops.mean(logits, axis=positions) if positions else logits
            indices = ops.cast(ops.argmax(means, axis=-1), "int32")
        else:
            indices = ops.convert_to_tensor(self.indices)
        weights = ops.one_hot(indices, logits.shape[-1], dtype="float32")
        for _ in positions:
            weights = weights[:, None]
        share = 1 / float(np.prod([logits.shape[axis] for axis in positions]))
        return indices, ops.broadcast_to(weights * share, logits.shape)


def scores_of(logits: Any, weights: Any) -> Any:
    """The score of each row, float32 `(rows,)`: its logits, each times its weight, summed.

    A logit without weight does not count even where it is infinite, as masked ones are.
    """
    ops = keras.ops
    counted = ops.where(weights == 0, 0.0, ops.cast(logits, "float32"))
    return ops.sum(counted * weights, axis=tuple(range(1, len(logits.shape))))


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
