"""Activation maximisation: the input that a unit answers to most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, Place
from ..questions import Ask, Questions
from ..store import RecordSpec
from ..store.format.axes import SPACE
from .base import Method, Needs, Plan, on_inputs_or_layer, register

MOST_UNITS = 8
FIGURES = ("reached", "best probe")


@register
@dataclass(frozen=True)
class ActivationMaximization(Method):
    """Climb from noise to an input for which classes' logits, or a layer's channels, are high.

    Gradient ascent on the ball of inputs that stray from the probes' mean as much as the probes do:
    steps of one length, and back onto the ball, so that steps of the training compare and contrast
    alone does not win. Higher frequencies may be held back, which is ascent in a Fourier basis with
    decay; the picture may be moved at each step, and roughness costs. Noise and moves are the same
    at every step of the training. A unit whose gradient is zero at the noise stays there.

    Records `activation_maximization` (for a layer `activation_maximization/<layer>`, for one of
    several inputs ending with its name), in the units of the input (of the embedding's output for
    token ids), of its shape: `(units, height, width, channels)`; and `.../activation` with two
    figures, `(units, 2)`: what was reached, and the highest of the probes. Costs `steps` forward
    and backward passes over as many rows as there are units.

    Erhan et al. 2009; Olah et al. 2017, https://distill.pub/2017/feature-visualization

    Attributes:
        layer: Name of the layer whose channels are climbed, each by its mean over all positions;
            the logits if None.
        units: Indices of the channels or classes; the first eight if None.
        steps: Length of the ascent.
        rate: Length of a step, as a share of the ball's radius.
        contrast: Radius of the ball, in standard deviations of the probes' values.
        decay: A frequency counts by its wavelength to this power; 0 for pixels as they are.
        total_variation: How much the squared differences of neighbours cost.
        jitter: Most positions by which the picture is moved at a step.
        seed: Of noise and moves.
    """

    layer: str | None = None
    units: Sequence[int] | None = None
    steps: int = 64
    rate: float = 0.1
    contrast: float = 1.0
    decay: float = 1.0
    total_variation: float = 0.0
    jitter: int = 2
    seed: int = 0

    title = "Activation maximisation"
    quantity = "input"
    unit = "input"
    formula = (
        r"\arg\max_{x} a_u(x) \quad \text{where} \quad "
        r"\lVert (x - \mu) / \sigma \rVert_2 \le \kappa \sqrt{d}"
    )

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"`steps` must be at least 1. Received: {self.steps}")
        for name in ("rate", "contrast"):
            if getattr(self, name) <= 0:
                raise ValueError(f"`{name}` must be above 0. Received: {getattr(self, name)}")
        for name in ("decay", "total_variation", "jitter"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must be 0 or more. Received: {getattr(self, name)}")

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        units, of = self._units(model), self._climbed(model)
        base = self.name if of is None else f"{self.name}/{of.name}"
        places = list(on_inputs_or_layer(model, None))
        known: dict[str, Any] = {
            "method": self.name,
            "title": self.title,
            "layer": None if of is None else of.name,
            "rows": tuple(f"{'class' if of is None else of.name} {unit}" for unit in units),
            "options": self.options(),
            "precision": "float32",
            "signed": True,
        }
        specs, by_key = {}, {}
        for place in places:
            key = base if len(places) == 1 else f"{base}/{place.name}"
            specs[key] = RecordSpec(
                key=key,
                axes=place.axes,
                shown="all",
                quantity=self.quantity,
                unit=self.unit_at(place),
                **known,
            )
            by_key[key] = place
        key = f"{base}/activation"
        specs[key] = RecordSpec(
            key=key,
            axes=("metric",),
            labels={"metric": FIGURES},
            quantity="figure",
            unit="score" if of is None else "layer",
            **known,
        )
        return Plan(Needs(), specs, by_key)

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        of, units = self._climbed(ask.view), self._units(ask.view)
        places = list(plan.places.values())
        probes = ask.outputs() if of is None else ask.values([of])[of]
        # A unit is the mean over all positions of what lies in its channel.
        channel = -1 if of is None or of.channel_axis is None else of.channel_axis
        goal = np.moveaxis(np.zeros((len(units), *probes.shape[1:]), np.float32), channel, 1)
        goal[np.arange(len(units)), units] = 1 / np.prod(goal.shape[2:])
        at_units = np.moveaxis(probes, channel, 1)[:, units].reshape(ask.count, len(units), -1)
        rows = ask.at({}, np.zeros(len(units), int)).towards(np.moveaxis(goal, 1, channel))
        # One call a step, of as many rows as there are units.
        rows = replace(rows, probes=min(len(units), ask.rows_at_once))

        balls = {place: _Ball.around(x) for place, x in ask.values(places).items()}
        chance = np.random.default_rng(self.seed)
        moves = {place: self._moves(chance, place) for place in places}
        # The noise is as strong as the probes, so that it reaches units that answer to little.
        noise = {p: chance.normal(size=(1, *p.shape)).astype(np.float32) for p in places}
        found = {
            p: np.repeat(_unit(_smooth(noise[p], p, self.decay)) * self._radius(p), len(units), 0)
            for p in places
        }
        asked = Ask(gradients=tuple(places), of=of)
        for step in range(self.steps):
            moved = {p: _moved(found[p], moves[p][step], p) for p in places}
            gradients = rows.at({p: balls[p].inputs(moved[p]) for p in places}).ask(asked).gradients
            for place in places:
                slope = _moved(gradients[place] * balls[place].spread, -moves[place][step], place)
                found[place] = self._climb(found[place], slope, place)
        inputs = {place: balls[place].inputs(found[place]) for place in places}
        reached = rows.at(inputs).ask(Ask(of=of)).scores
        figures = np.stack([reached, at_units.mean(axis=2).max(axis=0)], axis=1)
        key = next(key for key, spec in plan.specs.items() if spec.axes == ("metric",))
        return {key: inputs[place] for key, place in plan.places.items()} | {key: figures}

    def _climb(
        self, found: NDArray[np.float32], slope: NDArray[np.float32], place: Place
    ) -> NDArray[np.float32]:
        """One step up the slope, and back onto the ball."""
        radius = self._radius(place)
        step = _unit(_smooth(slope, place, self.decay)) * radius
        if self.total_variation:
            step -= np.float32(self.total_variation) * _roughness(found, place)
        found = found + np.float32(self.rate) * step
        return found * np.minimum(radius / _norm(found), 1)

    def _radius(self, place: Place) -> np.float32:
        return np.float32(self.contrast * np.sqrt(np.prod(place.shape)))

    def _moves(self, chance: np.random.Generator, place: Place) -> NDArray[np.int64]:
        most = [min(self.jitter, size // 4) for size in place.space]
        return np.stack(
            [chance.integers(-m, m + 1, self.steps) for m in most]
            or [np.zeros(self.steps, np.int64)],
            axis=1,
        )

    def _climbed(self, model: ModelView) -> Place | None:
        if self.layer is None:
            return None
        place = model.layer(self.layer)
        if not place.differentiable:
            raise ValueError(f"`layer` must hold floating-point numbers. Received: {self.layer!r}")
        return place

    def _units(self, model: ModelView) -> list[int]:
        of = self._climbed(model)
        if of is None:
            count = model.classes or 1
        else:
            count = of.shape[-1 if of.channel_axis is None else of.channel_axis - 1]
        units = list(range(min(count, MOST_UNITS))) if self.units is None else list(self.units)
        if not units or min(units) < 0 or max(units) >= count:
            raise ValueError(
                f"`units` must be indices from 0 to {count - 1}. Received: {self.units!r}"
            )
        return [int(unit) for unit in units]


@dataclass(frozen=True)
class _Ball:
    """Where inputs like the probes lie: their mean and standard deviation, channel by channel."""

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]

    @classmethod
    def around(cls, x: NDArray[Any]) -> _Ball:
        axes = tuple(range(x.ndim - 1)) if x.ndim > 2 else (0,)
        spread = x.std(axis=axes, keepdims=True)
        return cls(x.mean(axis=axes, keepdims=True), np.where(spread > 0, spread, 1).astype("f4"))

    def inputs(self, strayed: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.mean + self.spread * strayed


def _space_axes(place: Place) -> tuple[int, ...]:
    return tuple(axis for axis, name in enumerate(place.axes, start=1) if name in SPACE)


def _moved(
    values: NDArray[np.float32], move: NDArray[np.int64], place: Place
) -> NDArray[np.float32]:
    axes = _space_axes(place)
    return np.roll(values, tuple(move[: len(axes)]), axes) if axes else values


def _norm(values: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.sqrt(np.sum(values**2, axis=tuple(range(1, values.ndim)), keepdims=True))
    return np.asarray(norms, np.float32)


def _unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The direction; zero where there is none."""
    norm = _norm(values)
    return values * np.where(norm > 0, 1 / np.where(norm > 0, norm, 1), 0)


def _smooth(values: NDArray[np.float32], place: Place, decay: float) -> NDArray[np.float32]:
    """Each frequency times its wavelength to the power `decay`."""
    axes = _space_axes(place)
    if not axes or not decay:
        return values
    others = tuple(axis for axis in range(values.ndim) if axis not in axes)
    weights = np.expand_dims(_weights(place.space, decay), others)
    waves = np.fft.rfftn(values, axes=axes) * weights
    return np.fft.irfftn(waves, s=place.space, axes=axes).astype(np.float32)


@lru_cache(maxsize=8)
def _weights(sizes: tuple[int, ...], decay: float) -> NDArray[np.float32]:
    """How much each frequency counts, as `rfftn` orders them; the lowest counts 1."""
    along = [*map(np.fft.fftfreq, sizes[:-1]), np.fft.rfftfreq(sizes[-1])]
    frequencies = np.sqrt(sum(f**2 for f in np.meshgrid(*along, indexing="ij")))
    lowest = 1 / max(sizes)
    return np.asarray((lowest / np.maximum(frequencies, lowest)) ** decay, np.float32)


def _roughness(values: NDArray[np.float32], place: Place) -> NDArray[np.float32]:
    """Slope of half the sum of squared differences between neighbours."""
    slope = np.zeros_like(values)
    for axis in _space_axes(place):
        step = np.diff(values, axis=axis)
        ends = [(1, 1) if at == axis else (0, 0) for at in range(values.ndim)]
        slope -= np.diff(np.pad(step, ends), axis=axis)
    return slope
