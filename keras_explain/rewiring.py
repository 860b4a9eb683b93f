"""How a method changes the way back through a model: another gradient behind the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

Call = Callable[..., Any]


class Rewiring:
    """What a model's layers and activations are replaced by while a method's graph is traced.

    A replacement returns the same numbers as what it replaces, and has a gradient of its own
    (`keras.ops.custom_gradient`). Nothing of the model itself is changed. The same rewiring must be
    equal to itself from step to step: a frozen dataclass, or one object that is kept.
    """

    def layer(self, name: str, layer: keras.Layer, call: Call) -> Call | None:
        """What is called for `layer`, which stands in the model as `name`; None to leave it."""
        return None

    def function(self, name: str, function: Call) -> Call | None:
        """What is called for the backend's activation `name`, such as `relu`; None to leave it.

        Layers, `activation=` and `keras.ops` all come by here.
        """
        return None
