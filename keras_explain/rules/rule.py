"""What a rule is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from ..rewiring import Call
from .linear import Linear


@dataclass(frozen=True)
class Rule:
    """How relevance passes through a layer, from its output to its inputs. A frozen dataclass."""


@dataclass(frozen=True)
class LinearRule(Rule, ABC):
    """A rule for layers that are linear before their activation (see `register_linear`)."""

    @abstractmethod
    def stands_for(self, linear: Linear, inputs: Any, outputs: Any) -> Any:
        """What has the gradient by which relevance passes, in the place of `outputs`.

        Args:
            linear: The map, with its normalisation folded in.
            inputs: What went into it, float32.
            outputs: `linear(inputs)`; its own gradient is LRP-0.

        Returns:
            A tensor of the shape of `outputs`. Its gradient at `inputs` is the relevance per unit
            of them, for a gradient at `outputs` that is the relevance per unit of those.
        """


@dataclass(frozen=True)
class FirstRule(Rule, ABC):
    """A rule for a linear layer that is fed by an input: it gives relevance to zeros too."""

    @abstractmethod
    def gives(self, linear: Linear, inputs: Any, outputs: Any, entry: Entry) -> Any:
        """What has, at `entry.side`, the gradient that is the inputs' relevance itself.

        Args:
            linear: The map, with its normalisation folded in.
            inputs: What went into it, float32.
            outputs: `linear(inputs)`.
            entry: How the model's inputs got here.
        """


@dataclass(frozen=True)
class LayerRule(Rule, ABC):
    """A rule for all other layers."""

    @abstractmethod
    def through(self, layer: keras.Layer, call: Call, *args: Any, **kwargs: Any) -> Any:
        """What `call` returns, with the gradient by which relevance passes.

        Args:
            layer: The layer.
            call: Its `call`.
            *args: What it is called with.
            **kwargs: Likewise.
        """

    def parts(self, layer: keras.Layer) -> Mapping[int, float]:
        """Parts of the relevance that its inner layers get, by their ids; all, if not named."""
        return {}


@dataclass(frozen=True)
class Entry:
    """An input of the model, or what layers that only move or rescale its values made of it.

    Attributes:
        side: Zeros whose gradient is added to the relevance of the inputs, each where it came
            from; None where that is not asked for.
        taken: One where a value of the inputs lies, zero where there is padding.
        path: From a value in the units of the inputs to what it becomes here.
    """

    side: Any
    taken: Any
    path: Call
