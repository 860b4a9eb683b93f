"""Ways back through rectifiers that are not their gradient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras

from . import backends
from .model_view import ModelView, NotApplicableError
from .rewiring import Call, Rewiring, with_way_back

FUNCTIONS = ("relu", "relu6", "leaky_relu")
LAYERS = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU)


@dataclass(frozen=True)
class Rectified(Rewiring):
    """Let only what is positive back through a rectifier.

    Rectifiers are ReLU, ReLU6, LeakyReLU and PReLU, as layers, activations and functions. Other
    activations (ELU, GELU, tanh ...) keep their gradient.

    Attributes:
        guided: Whether the rectifier's own gradient holds too: what comes back passes only where
            the unit is active, or by the slope that a leaky one has there.
    """

    guided: bool
    _inside: list[str] = field(default_factory=list, compare=False, repr=False)

    def layer(self, name: str, layer: keras.Layer, call: Call) -> Call | None:  # noqa: D102
        return self._rectified(call) if isinstance(layer, LAYERS) else None

    def function(self, name: str, function: Call) -> Call | None:  # noqa: D102
        return self._rectified(function) if name in FUNCTIONS else None

    def _rectified(self, call: Call) -> Call:
        def rectified(x: Any, *args: Any, **kwargs: Any) -> Any:
            if self._inside:  # a layer's own rectifier is rewired as a whole
                return call(x, *args, **kwargs)

            def rule(taken: Any) -> tuple[Any, Call]:
                with self._within():
                    vjp = backends.current().vjp
                    output, pull = vjp(lambda tensor: call(tensor, *args, **kwargs), taken)

                def back(arrived: Any) -> Any:
                    with self._within():
                        positive = keras.ops.relu(arrived)
                        return pull(positive)[0] if self.guided else positive

                return output, back

            return with_way_back(rule)(keras.ops.convert_to_tensor(x))

        return rectified

    @contextmanager
    def _within(self) -> Iterator[None]:
        self._inside.append("")
        try:
            yield
        finally:
            self._inside.pop()


def require_rectifiers(model: ModelView) -> None:
    """Raise unless the model has a rectifier.

    Raises:
        NotApplicableError: If it has none.
    """
    has_layer = any(isinstance(place.layer, LAYERS) for place in model.layers.values())
    if not has_layer and not model.functions.intersection(FUNCTIONS):
        raise NotApplicableError(
            "the model has no ReLU, ReLU6, LeakyReLU or PReLU, whose gradient is replaced. "
            f"Received: {', '.join(sorted(model.functions)) or 'no functions'}"
        )
