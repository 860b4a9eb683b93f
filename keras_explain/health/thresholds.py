"""When a figure is worth an alert. The numbers are measured: see docs/health.md."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


def _limit(default: float, least: float, most: float, says: str) -> Any:
    return field(default=default, metadata={"least": least, "most": most, "says": says})


@dataclass(frozen=True)
class Thresholds:
    """The limits of the rules; each is checked.

    Attributes:
        patience: So many logged steps in a row a state must last before it is told.
        dead_share: Largest share of a layer's units that may be zero for all examples.
        vanishing: Least gradient of a kernel, as a share of the largest of any weight (root mean
            square per value).
        update: Least change of a kernel between two logged steps, as a share of its norm, while
            others change a thousand times as much.
        exploding: So many times the median of the ten steps before, and above its start, the norm
            of all gradients may grow.
        saturated: Largest share of a sigmoid's or tanh's outputs in the outer 1 % of its range.
        flat_share: Largest share of the examples whose map may have one value everywhere.
        jump: So many median absolute deviations above the median of the ten steps before the
            drift may rise.
        jump_least: Below this drift nothing is a jump.
        alike: Rank correlation up to which the maps of nearly all examples may be alike.
        region_mass: Least share of the map inside the region, for the middle one of the examples
            that are classified correctly.

    Raises:
        ValueError: If a limit is out of its bounds.
    """

    patience: int = _limit(3, 1, 1000, "steps in a row")
    dead_share: float = _limit(0.5, 0, 1, "share of dead units")
    vanishing: float = _limit(1e-5, 0, 1, "share of the largest gradient")
    update: float = _limit(1e-7, 0, 1, "change over the weight's norm")
    exploding: float = _limit(10, 1, 1e9, "times the ten steps before")
    saturated: float = _limit(0.9, 0, 1, "share of saturated outputs")
    flat_share: float = _limit(0.9, 0, 1, "share of flat maps")
    jump: float = _limit(5, 0, 1e9, "deviations above the median")
    jump_least: float = _limit(0.1, 0, 2, "least drift of a jump")
    alike: float = _limit(0.98, 0, 1, "rank correlation")
    region_mass: float = _limit(0.25, 0, 1, "share inside the region")

    def __post_init__(self) -> None:
        """Check every limit."""
        for each in fields(self):
            value = getattr(self, each.name)
            least, most = each.metadata["least"], each.metadata["most"]
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"`{each.name}` must be a number. Received: {value!r}")
            if not (math.isfinite(value) and least <= value <= most):
                raise ValueError(
                    f"`{each.name}` must be from {least:g} to {most:g}. Received: {value!r}"
                )
        if self.patience != int(self.patience):
            raise ValueError(f"`patience` must be a whole number. Received: {self.patience!r}")
        object.__setattr__(self, "patience", int(self.patience))

    @classmethod
    def of(cls, limits: Mapping[str, float]) -> Thresholds:
        """The defaults, but for these `limits` by name.

        Raises:
            ValueError: If there is no such limit, or it is out of its bounds.
        """
        known = [each.name for each in fields(cls)]
        for name in limits:
            if name not in known:
                raise ValueError(f"A limit must be one of {', '.join(known)}. Received: {name!r}")
        return cls(**limits)  # type: ignore[arg-type]
