"""Call a model with symbols: nothing is computed, and what fails is told in a sentence."""

from __future__ import annotations

from typing import Any

import keras


class Called(keras.Operation):
    """A model as an operation, which can be called with symbols.

    Args:
        model: The model.
        training: Whether it is called as in training.
    """

    def __init__(self, model: keras.Model, training: bool = False) -> None:
        super().__init__(name="called")  # no name that would be counted
        self._model = model
        self._training = training

    def call(self, x: Any) -> Any:
        """The model's outputs."""
        return self._model(x, training=self._training)


def reason_of(error: BaseException) -> str:
    """One line from the original exception, without what Keras adds around it."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("Arguments received", "Exception"))]
    text = (kept or [type(error).__name__])[0]
    return text.rstrip(".:")[:300]
