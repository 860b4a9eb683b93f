"""What counts as a layer's output: one array per probe, of a size that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from .. import backends
from ..model_view import IN_A_LOOP
from . import keras_internals
from .dataflow import shape_of

if TYPE_CHECKING:
    from .network import Network


@dataclass(frozen=True)
class LayerOutputs:
    """Tells what a call of a model heard apart: outputs with one row per probe, and the others.

    Attributes:
        beside: An input of the model, `(rows, ...)`.
        doubled: First axis of everything that was heard when the model was called on each probe
            twice, by name; None if it was not called like that.
    """

    beside: Any
    doubled: Mapping[str, int | None] | None = None

    @property
    def rows(self) -> int:
        """Number of rows that the model was called with."""
        return int(self.beside.shape[0])

    def fault(self, name: str, tensor: Any, depends: bool) -> str | None:
        """Why this tensor does not have one static array per probe; None if it does.

        Args:
            name: What it was heard as.
            tensor: The tensor.
            depends: Whether it was computed from the model's inputs.
        """
        if not backends.current().is_beside(tensor, self.beside):
            return IN_A_LOOP
        shape = shape_of(tensor)
        if shape is None or None in shape[1:]:
            return f"its size is not known before the model runs, it is {shape or 'of any rank'}"
        if not shape:
            return "it is one number for all probes together"
        if shape[0] is None:
            return None
        if shape[0] != self.rows:
            return f"it has {shape[0]} rows for the {self.rows} probes"
        if not all(shape):
            return f"it is empty, of shape {shape}"
        twice = None if self.doubled is None else self.doubled.get(name, 2 * self.rows)
        if twice is None and not depends:
            return "it does not depend on the model's inputs"
        if twice not in (None, 2 * self.rows):
            return f"its {shape[0]} rows are not the probes: twice as many leave them {twice}"
        return None


def first_axes_of_twice(network: Network) -> dict[str, int | None] | None:
    """First axis of everything that is heard when the model gets each probe twice, by name.

    By a trace that is not run (PyTorch runs it). A number of rows that merely happens to be that of
    the probes stays as it is.

    Returns:
        None where Keras itself vouches for the batch axis, or where the model takes no other number
        of rows.
    """
    if network.rows is not None or is_batched_by_keras(network.model):
        return None
    found: dict[str, int | None] = {}

    def listen(trainable: Any, fixed: Any, x: Any) -> Any:
        with network.running((trainable, fixed), x) as ran:
            entries = {f"{name}/input": t[0] for name, t in ran.tap.taken.items() if t}
            heard = {**entries, **ran.tap.outputs, **ran.tap.attention.heard}
            for name, tensor in heard.items():
                shape = shape_of(tensor)
                found[name] = shape[0] if shape else None
            return ran.logits

    try:
        twice = {name: np.concatenate([array] * 2) for name, array in network.inputs().items()}
        graph = network.compiled(listen)
        backends.current().trace(graph, network.packed(twice))
    except Exception:  # a model for so many rows only: what can be told must do
        return None
    return found


def is_batched_by_keras(model: keras.Model) -> bool:
    """Whether all layers are Keras's own, connected by symbols whose first axis is the batch."""
    from ..tap import named_layers

    layers = [model, *named_layers(model).values()]
    return all(_is_kerass_own(layer) and _has_batched_symbols(layer) for layer in layers)


def _is_kerass_own(layer: keras.Layer) -> bool:
    module = type(layer).__module__.partition(".")[0]
    return module == "keras" and not isinstance(layer, keras.layers.Lambda)


def _has_batched_symbols(layer: keras.Layer) -> bool:
    """Whether a Functional model's tensors all have an open first axis and no other."""
    symbols = [
        symbol
        for operation in getattr(layer, "operations", ())
        for node in keras_internals.calls_of(operation)
        for symbol in node.outputs
    ]
    return all(s.shape and s.shape[0] is None and None not in s.shape[1:] for s in symbols)
