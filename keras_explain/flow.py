"""What a model's output was computed from, on the way from the places that are explained."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from . import backends
from .backends.made import Made
from .operations import Called
from .tap import Tap


@dataclass(frozen=True)
class Flow:
    """The way through one traced call of a model.

    Attributes:
        tap: What was heard.
        inputs: Its inputs by name.
        logits: Where the way ends.
    """

    tap: Tap
    inputs: Mapping[str, Any]
    logits: Any

    def not_linear(
        self,
        places: Iterable[str],
        is_known_layer: Callable[[keras.Layer], bool],
        is_known_call: Callable[[Called, Sequence[bool]], bool],
        is_constant: Callable[[Called], bool] = lambda call: False,
    ) -> list[Made]:
        """What is neither linear nor known, between the `places` and the output.

        Args:
            places: Where the way begins: names of inputs and layers.
            is_known_layer: Whether to look no further into a layer.
            is_known_call: The same for a call of the backend's functions, by which of the tensors
                that it takes follow from the places.
            is_constant: Whether what a call returns counts as constant.

        Returns:
            Each operation, the first first; none, with a warning, where the backend cannot tell.
        """
        backend = backends.current()
        if backend.made_by(self.logits) is None:
            warnings.warn(
                f"on Keras's {keras.backend.backend()} backend it cannot be told what the model "
                "does between its layers: what has no rule is taken as linear. "
                "`lrp/conservation` and `deep_lift/gap` tell what is lost by that",
                stacklevel=2,
            )
            return []
        key_of = backend.key_of
        heard = {**self.tap.outputs, **self.inputs}
        varies = {key_of(heard[name]): True for name in places}
        # A tensor that a layer hands on as it came belongs to what made it.
        layers = {
            key_of(made): self.tap.taken[name]
            for name, made in self.tap.outputs.items()
            if is_known_layer(self.tap.layers[name])
            and all(one is not made for one in self.tap.taken[name])
        }
        calls = {key_of(c.made): c for c in self.tap.functions if keras.ops.is_tensor(c.made)}
        found: dict[str, Made] = {}
        ahead = [self.logits]
        while ahead:
            tensor = ahead[-1]
            key, made = key_of(tensor), backend.made_by(tensor)
            call = None if key in layers else calls.get(key)
            if call is not None and is_constant(call):
                varies[key] = False
            inside = layers.get(key) if call is None else call.taken
            if made is None or (inside and any(key_of(one) == key for one in inside)):
                inside = None  # a constant, or handed on as it came
            inputs = inside or (() if made is None else made.inputs)
            unseen = [one for one in inputs if key_of(one) not in varies]
            if key in varies or unseen:
                ahead.pop() if key in varies else ahead.extend(unseen)
                continue
            which = [varies[key_of(one)] for one in inputs]
            if call is not None and inside and any(which) and not is_known_call(call, which):
                del calls[key]  # look into it
                continue
            varies[key] = any(which)
            if made is not None and not inside and any(which) and not made.is_linear(which):
                found[made.name] = made
        return list(found.values())
