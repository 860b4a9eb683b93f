"""How a method changes the way back through a model: another gradient behind the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from . import backends

Call = Callable[..., Any]


class Rewiring:
    """What a model's layers and activations are replaced by while a method's graph is traced.

    A replacement returns the same numbers as what it replaces, and has a gradient of its own
    (`with_way_back`). Nothing of the model itself is changed. The same rewiring must be
    equal to itself from step to step: a frozen dataclass, or one object that is kept.
    """

    def begin(self, rows: int) -> None:
        """Called before the model is, on so many rows."""

    def further(self) -> tuple[float, float]:
        """How many forward and backward passes it costs beside the model's own, once traced."""
        return 0.0, 0.0

    def layer(self, name: str, layer: keras.Layer, call: Call) -> Call | None:
        """What is called for `layer`, which stands in the model as `name`; None to leave it."""
        return None

    def function(self, name: str, function: Call) -> Call | None:
        """What is called for the backend's activation `name`, such as `relu`; None to leave it.

        Layers, `activation=` and `keras.ops` all come by here.
        """
        return None

    def place(self, name: str, layer: keras.Layer | None, tensor: Any) -> Any:
        """What goes on from an input of the model (`layer` is None), or from a layer's output.

        Gradients at the place are those at `tensor`.
        """
        return tensor

    def operation(self, name: str, function: Call) -> Call | None:
        """What is called for any other function of the backend in `operations.OPERATIONS`.

        Products, exponentials, maxima and the like, wherever `keras.ops` is used.
        """
        return None


def with_way_back(call: Callable[..., tuple[Any, Callable[[Any], Any]]]) -> Call:
    """A function of tensors whose gradient is what it says itself.

    Args:
        call: Returns the output, and a function from what arrives there on the way back to what
            goes on to the tensors.
    """

    made: Call = backends.current().with_way_back(call)
    return made
