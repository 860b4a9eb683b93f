"""What a rule is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from ..rewiring import Call
from .gradients import Way
from .linear import Linear


@dataclass(frozen=True)
class Rule:
    """How relevance passes through a layer, from its output to its inputs. A frozen dataclass."""


@dataclass(frozen=True)
class LinearRule(Rule, ABC):
    """A rule for layers that are linear before their activation (see `register_linear`)."""

    @abstractmethod
    def ways(self, linear: Linear, inputs: Any, outputs: Any) -> Sequence[Way]:
        """The ways that relevance goes.

        Args:
            linear: The map, with its normalisation folded in.
            inputs: What went into it, float32.
            outputs: `linear(inputs)`; by its own gradient relevance goes as in LRP-0.

        Returns:
            What such maps make of the inputs, each with a factor: the relevance of a unit of the
            outputs times that factor goes back through it, to the inputs that it was made of.
        """


@dataclass(frozen=True)
class FirstRule(Rule, ABC):
    """A rule for a linear layer that is fed by an input: it gives relevance to zeros too."""

    @abstractmethod
    def way(self, linear: Linear, inputs: Any, outputs: Any, entry: Entry) -> Way:
        """The way that relevance goes to `entry.side`, where it is the inputs' own.

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
