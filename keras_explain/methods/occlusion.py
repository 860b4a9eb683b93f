"""Occlusion: how much the score falls where a window hides the input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, Place
from ..questions import Questions
from .base import Plan, register
from .baselines import baseline_at, check_finite
from .perturbation import Hiding
from .regions import axis_sizes, cells_along

Sizes = Any
"""A whole number, a tuple of them for the axes, or a dict of these by the input's name."""


@register
@dataclass(frozen=True)
class Occlusion(Hiding):
    """Hide a window that moves over the inputs, and see how much the score falls.

    Signed, in score units: each value gets the mean fall over the windows that cover it. Of the
    input's size, without its channels `(probes, height, width)`, unless the window has a size
    along them too. For series, volumes, tables and token ids alike; with several inputs one is
    hidden at a time. Costs a forward pass over the probes for each position of the window.

    Zeiler & Fergus 2013, https://arxiv.org/abs/1311.2901

    Attributes:
        window: Size of the window: a number, a tuple of them for the axes (with or without the
            channels), or a dict of these by the input's name. If None, two strides; a single
            column or token.
        stride: Steps of the window, as `window`, and not larger. If None, the window where one is
            given, else such that a picture has about 8 x 8 positions, a series 64, a volume
            4 x 4 x 4. The last window may reach over the edge.
        baseline: What stands in the window, in the units of the input (or of the layer): a number,
            an array that broadcasts to the input, or a dict of them by the input's name. A token's
            id, where the input is token ids.
        layer: Name of the layer whose output is hidden in parts; the inputs if None.
    """

    window: Sizes = None
    stride: Sizes = None

    title = "Occlusion"
    quantity = "attribution"
    unit = "score"

    def plan(self, model: ModelView) -> Plan:  # noqa: D102
        for place in self.places(model):
            window, stride = self.sizes(place)
            if any(step > size for step, size in zip(stride, window, strict=True)):
                raise ValueError(
                    "`stride` must be at most the `window`, so that nothing stays uncovered. "
                    f"Received: stride {stride}, window {window} at {place.name!r}"
                )
        return super().plan(model)

    def axes_at(self, place: Place) -> tuple[str, ...]:  # noqa: D102
        window = self.window.get(place.name) if isinstance(self.window, Mapping) else self.window
        whole = isinstance(window, tuple | list) and len(window) == len(place.shape)
        return place.axes if whole else super().axes_at(place)

    def unit_at(self, place: Place) -> str:  # noqa: D102
        return self.unit if prod(self._spans(place)) == 1 else "score per region"

    def region_sizes(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        return {
            key: np.array(prod(self._spans(place)), np.intp) for key, place in plan.places.items()
        }

    def _spans(self, place: Place) -> list[int]:
        """Sizes of the window along the axes of the map."""
        window, _ = self.sizes(place)
        axes = self.axes_at(place)
        return [n for axis, n in zip(place.axes, window, strict=True) if axis in axes]

    def sizes(self, place: Place) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Window and stride along each axis of `place`."""
        window, stride = (
            option.get(place.name) if isinstance(option, Mapping) else option
            for option in (self.window, self.stride)
        )
        if window is None and stride is None and len(place.shape) > 1:
            most = cells_along(place)
            axes = zip(place.axes, place.shape, strict=True)
            stride = tuple(-(-size // most) for axis, size in axes if axis != "channel")
            window = tuple(2 * step for step in stride)
        elif window is None:
            window = 1 if stride is None else stride
        sizes = axis_sizes(window, place, _rule("window"))
        return sizes, sizes if stride is None else axis_sizes(stride, place, _rule("stride"))

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        places = list(plan.places.values())
        values = ask.values(places)
        hidden = {place: baseline_at(self.baseline, place, values[place]) for place in places}
        windows = {place: self._windows(place) for place in places}
        counts = [prod(len(axis) for axis in windows[place]) for place in places]
        # The first variant is the input itself, then come the windows of one input after another.
        begins = dict(zip(places, 1 + np.cumsum([0, *counts[:-1]]), strict=True))

        def vary(row: int, numbers: NDArray[np.int64]) -> dict[Place, NDArray[Any]]:
            return {
                place: np.where(
                    _covered(windows[place], numbers - begins[place]).reshape(-1, *place.shape),
                    hidden[place][row],
                    values[place][row],
                )
                for place in places
            }

        scores = ask.scores_of(1 + sum(counts), vary).astype(np.float64)
        check_finite(ask, scores, self.baseline)
        falls = scores[:, :1] - scores
        found = {}
        for key, place in plan.places.items():
            axes = windows[place]
            mean: NDArray[Any] = falls[:, begins[place] :][:, : prod(map(len, axes))]
            mean = mean.reshape(-1, *map(len, axes))
            for axis in axes:  # each turns the axis of positions into one of values, at the end
                covering = axis / np.maximum(axis.sum(axis=0), 1)
                mean = np.tensordot(mean, covering, axes=(1, 0))
            if "channel" in place.axes and "channel" not in plan.specs[key].axes:
                mean = mean.take(0, axis=place.channel_axis)
            found[place] = mean.astype(np.float32)
        return self.found(plan, found)

    def _windows(self, place: Place) -> list[NDArray[np.bool_]]:
        """Which values each position of the window covers, `(positions, size)` for each axis."""
        axes = []
        for size, window, stride in zip(place.shape, *self.sizes(place), strict=True):
            begins = stride * np.arange(-(-(size - window) // stride) + 1)[:, None]
            at = np.arange(size)
            axes.append((at >= begins) & (at < begins + window))
        return axes


def _covered(axes: list[NDArray[np.bool_]], numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """What the windows of these numbers cover; nothing where there is no such window."""
    if len(axes) > 1 and len(axes[-1]) == 1:  # channels that are hidden together are one long axis
        axes = [*axes[:-2], np.repeat(axes[-2], axes[-1].shape[1], axis=1)]
    counts = [len(axis) for axis in axes]
    exists = (numbers >= 0) & (numbers < prod(counts))
    covered = exists.reshape(-1, *(1 for _ in axes))
    at = np.unravel_index(np.where(exists, numbers, 0), counts) if axes else ()
    for number, (axis, index) in enumerate(zip(axes, at, strict=True)):
        shape = [1] * (1 + len(axes))
        shape[0], shape[number + 1] = len(numbers), axis.shape[1]
        covered = covered & axis[index].reshape(shape)
    return covered


def _rule(name: str) -> str:
    return f"`{name}` must be whole numbers from 1 on, one for each axis or one for all."
