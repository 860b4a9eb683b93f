"""Composites: which linear layer has which rule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers
from numpy.typing import ArrayLike

from .first_rules import Flat, ZBox
from .linear_rules import AlphaBeta, Epsilon, Gamma, ZPlus
from .registry import registered_rule
from .rule import Rule

Kinds = tuple[type[keras.Layer], ...]

DENSE: Kinds = (layers.Dense, layers.EinsumDense)
CONVOLUTIONS: Kinds = (
    layers.Conv1D, layers.Conv2D, layers.Conv3D,
    layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose,
    layers.DepthwiseConv1D, layers.DepthwiseConv2D,
    layers.SeparableConv1D, layers.SeparableConv2D,
)  # fmt: skip


@dataclass(frozen=True)
class Composite(ABC):
    """Chooses the rules of a model's layers."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of layers that it has rules for."""
        return ()

    @abstractmethod
    def rule(self, name: str, layer: keras.Layer, *, first: bool = False) -> Rule | None:
        """The rule that is chosen for a layer; None to leave it to what is registered.

        Args:
            name: What the layer is called in the model.
            layer: The layer.
            first: Whether an input goes into it, at most moved or rescaled.
        """

    def in_model(self, name_of: Callable[[str], str]) -> Composite:
        """The same for one model, whose layers a user may call by Keras's own names.

        Args:
            name_of: From any name of a layer to the one by its place.
        """
        return self

    def settled(self, name: str, layer: keras.Layer, *, first: bool = False) -> Rule | None:
        """The rule of a layer, chosen or registered; None if there is none."""
        return self.rule(name, layer, first=first) or registered_rule(layer)


@dataclass(frozen=True)
class ByKind(Composite):
    """Rules by kinds of layers."""

    @abstractmethod
    def by_kind(self) -> Mapping[Kinds, Rule]:
        """Rules by classes of layers; the first that fits holds."""

    def first_by_kind(self) -> Mapping[Kinds, Rule]:
        """Rules, likewise, that go before for layers fed by an input."""
        return {}

    def rule(self, name: str, layer: keras.Layer, *, first: bool = False) -> Rule | None:  # noqa: D102
        known = [*(self.first_by_kind().items() if first else ()), *self.by_kind().items()]
        return next((rule for kinds, rule in known if isinstance(layer, kinds)), None)


@dataclass(frozen=True)
class EpsilonPlus(ByKind):
    """`ZPlus` for convolutions, `Epsilon` for all other layers.

    Attributes:
        epsilon: Of `Epsilon`.
        stabilizer: Of the other rules.
    """

    epsilon: float = 1e-6
    stabilizer: float = 1e-6

    def by_kind(self) -> Mapping[Kinds, Rule]:  # noqa: D102
        return {CONVOLUTIONS: ZPlus(self.stabilizer), DENSE: Epsilon(self.epsilon)}


@dataclass(frozen=True)
class EpsilonPlusFlat(EpsilonPlus):
    """The same, with `Flat` for the linear layer that the inputs go into.

    Attributes:
        epsilon: Of `Epsilon`.
        stabilizer: Of the other rules.
    """

    def first_by_kind(self) -> Mapping[Kinds, Rule]:  # noqa: D102
        return {(*CONVOLUTIONS, *DENSE): Flat(self.stabilizer)}


@dataclass(frozen=True)
class EpsilonAlpha2Beta1(ByKind):
    """`AlphaBeta(2, 1)` for convolutions, `Epsilon` for all other layers.

    Attributes:
        epsilon: Of `Epsilon`.
        stabilizer: Of the other rules.
    """

    epsilon: float = 1e-6
    stabilizer: float = 1e-6

    def by_kind(self) -> Mapping[Kinds, Rule]:  # noqa: D102
        rule = AlphaBeta(2.0, 1.0, self.stabilizer)
        return {CONVOLUTIONS: rule, DENSE: Epsilon(self.epsilon)}


@dataclass(frozen=True)
class EpsilonGamma(ByKind):
    """`Gamma` for convolutions, `Epsilon` for all other layers.

    Attributes:
        epsilon: Of `Epsilon`.
        gamma: Of `Gamma`.
        stabilizer: Of `Gamma`.
    """

    epsilon: float = 1e-6
    gamma: float = 0.25
    stabilizer: float = 1e-6

    def by_kind(self) -> Mapping[Kinds, Rule]:  # noqa: D102
        return {CONVOLUTIONS: Gamma(self.gamma, self.stabilizer), DENSE: Epsilon(self.epsilon)}


@dataclass(frozen=True)
class EpsilonGammaBox(ByKind):
    """`ZBox` for the convolution that the images go into, then `Gamma`; `Epsilon` elsewhere.

    Attributes:
        low: Lowest value that an input can have, in the units of the model's inputs: a number, or
            an array that broadcasts to `(probes, *input_shape)`.
        high: Highest value, likewise.
        epsilon: Of `Epsilon`.
        gamma: Of `Gamma`.
        stabilizer: Of `ZBox` and `Gamma`.
    """

    low: ArrayLike
    high: ArrayLike
    epsilon: float = 1e-6
    gamma: float = 0.25
    stabilizer: float = 1e-6

    def by_kind(self) -> Mapping[Kinds, Rule]:  # noqa: D102
        return EpsilonGamma(self.epsilon, self.gamma, self.stabilizer).by_kind()

    def first_by_kind(self) -> Mapping[Kinds, Rule]:  # noqa: D102
        return {CONVOLUTIONS: ZBox(self.low, self.high, self.stabilizer)}


@dataclass(frozen=True)
class EpsilonEverywhere(ByKind):
    """`Epsilon` for every linear layer: with zero biases and `epsilon=0`, gradient x input.

    Attributes:
        epsilon: Of `Epsilon`.
    """

    epsilon: float = 1e-6

    def by_kind(self) -> Mapping[Kinds, Rule]:  # noqa: D102
        return {(*CONVOLUTIONS, *DENSE): Epsilon(self.epsilon)}


@dataclass(frozen=True)
class ByLayer(Composite):
    """Rules by layers' names or classes, and another composite for the rest.

    Attributes:
        rules: A name, such as `"conv1"` or `"outer/conv1"`, a class, or a tuple of classes; with
            its rule. Names go before classes, and those before the composite's own.
        rest: Holds for all other layers.
    """

    rules: Mapping[Any, Rule]
    rest: Composite = EpsilonPlus()

    def __post_init__(self) -> None:
        for what, rule in self.rules.items():
            kinds = what if isinstance(what, tuple) else (what,)
            if not isinstance(what, str) and not all(isinstance(k, type) for k in kinds):
                raise ValueError(
                    "`composite` must have layers' names or classes as its keys. "
                    f"Received: {what!r}"
                )
            if not isinstance(rule, Rule):
                raise ValueError(
                    f"`composite` must have rules as its values, such as Epsilon(). "
                    f"Received: {rule!r} for {what!r}"
                )

    @property
    def names(self) -> tuple[str, ...]:  # noqa: D102
        return (*(what for what in self.rules if isinstance(what, str)), *self.rest.names)

    def in_model(self, name_of: Callable[[str], str]) -> Composite:  # noqa: D102
        rules = {
            name_of(what) if isinstance(what, str) else what: rule
            for what, rule in self.rules.items()
        }
        return ByLayer(rules, self.rest.in_model(name_of))

    def rule(self, name: str, layer: keras.Layer, *, first: bool = False) -> Rule | None:  # noqa: D102
        for known in (name, name.rsplit("/", 1)[-1]):
            if known in self.rules:
                return self.rules[known]
        for what, rule in self.rules.items():
            if not isinstance(what, str) and isinstance(layer, what):
                return rule
        return self.rest.rule(name, layer, first=first)


COMPOSITES: Mapping[str, type[Composite]] = {
    "epsilon": EpsilonEverywhere,
    "epsilon_plus": EpsilonPlus,
    "epsilon_plus_flat": EpsilonPlusFlat,
    "epsilon_alpha2_beta1": EpsilonAlpha2Beta1,
    "epsilon_gamma": EpsilonGamma,
}


def composite_of(given: Any) -> Composite:
    """A composite from a user's word for it.

    Raises:
        ValueError: If it is none.
    """
    if isinstance(given, Composite):
        return given
    if isinstance(given, Mapping):
        return ByLayer(given)
    if isinstance(given, str) and given in COMPOSITES:
        return COMPOSITES[given]()
    raise ValueError(
        f"`composite` must be one of {', '.join(COMPOSITES)}, a Composite such as "
        f"EpsilonGammaBox(low=0, high=1), or a dict of rules by layer. Received: {given!r}"
    )
