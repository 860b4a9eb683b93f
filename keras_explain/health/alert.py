"""What an alert says, and about which place."""

from __future__ import annotations

from dataclasses import dataclass

SEVERITIES = ("error", "warn", "info")
"""The worst first."""


@dataclass(frozen=True)
class Place:
    """Where something is wrong; what does not apply is None.

    Attributes:
        name: What a person calls it.
        record: Key of the record that shows it.
        layer: Name of the layer.
        weight: Path of the weight.
        probe: Index of the example.
    """

    name: str
    record: str | None = None
    layer: str | None = None
    weight: str | None = None
    probe: int | None = None


@dataclass(frozen=True)
class Alert:
    """One thing that is wrong, for one stretch of steps.

    Attributes:
        rule: Name of the rule that found it.
        severity: One of `SEVERITIES`.
        place: Where; the worst of `count` places.
        count: How many places it is about.
        since: The first step at which it is so.
        until: The last such step; None if it is so at the last step logged.
        worst: The step at which it is worst.
        value: The figure at that step.
        threshold: What the figure is compared with.
        sentence: All of this in words.
    """

    rule: str
    severity: str
    place: Place
    count: int
    since: int
    until: int | None
    worst: int
    value: float
    threshold: float
    sentence: str

    @property
    def name(self) -> str:
        """The same for the same alert as long as it lasts, so that it can be muted."""
        return f"{self.rule}/{self.place.name}/{self.since}"
