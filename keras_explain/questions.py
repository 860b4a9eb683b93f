"""What a method may ask of the model beyond the pass: scores and gradients of inputs of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROWS = 64
"""Rows that go through the model at once: bounds the memory, however many are asked about."""

Answers = tuple[Any, Mapping[str, Any]]


class Questions:
    """Scores and gradients at the weights of one step, for inputs of a method's own making.

    Whatever is asked goes through one compiled graph in chunks of `ROWS` rows, the last of them
    padded: each kind of question is traced once a `fit`, and path points, masks and noise of all
    probes can be put into one call.

    Args:
        inputs: The probes by name of the input, `(probes, ...)`.
        targets: The outputs explained at this step, int `(probes,)`.
        ask: Compiled: `(inputs, targets, with gradients)` of `ROWS` rows to their scores, and the
            gradients by name of the input.
    """

    def __init__(
        self,
        inputs: Mapping[str, NDArray[Any]],
        targets: NDArray[Any],
        ask: Callable[[Mapping[str, NDArray[Any]], NDArray[Any], bool], Answers],
    ) -> None:
        self.inputs = dict(inputs)
        self.targets = targets
        self._ask = ask

    def scores(
        self, inputs: Mapping[str, NDArray[Any]], targets: NDArray[Any]
    ) -> NDArray[np.float32]:
        """The score of each row, float32 `(rows,)`.

        Args:
            inputs: By name of the input, `(rows, ...)`; all of the model's inputs.
            targets: Which output is meant in each row, int `(rows,)`.
        """
        return self._all(inputs, targets, False)[0]

    def gradients(
        self, inputs: Mapping[str, NDArray[Any]], targets: NDArray[Any]
    ) -> dict[str, NDArray[np.float32]]:
        """The gradient of each row's score, float32 `(rows, ...)` by name of the input.

        Args:
            inputs: By name of the input, `(rows, ...)`; all of the model's inputs.
            targets: Which output is meant in each row, int `(rows,)`.
        """
        return self._all(inputs, targets, True)[1]

    def _all(
        self, inputs: Mapping[str, NDArray[Any]], targets: NDArray[Any], gradients: bool
    ) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        count = len(targets)
        scores, found = [], []
        for begin in range(0, count, ROWS):
            # The last row fills the last chunk up.
            rows = np.minimum(np.arange(begin, begin + ROWS), count - 1)
            kept = min(ROWS, count - begin)
            chunk = {name: array[rows] for name, array in inputs.items()}
            score, at = self._ask(chunk, targets[rows].astype("int32"), gradients)
            scores.append(np.asarray(score)[:kept])
            found.append({name: np.asarray(gradient)[:kept] for name, gradient in at.items()})
        names = found[0] if found else {}
        return np.concatenate(scores), {
            name: np.concatenate([chunk[name] for chunk in found]) for name in names
        }
