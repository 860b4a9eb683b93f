"""How a tensor was made, and whether that was linear."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Linear(Enum):
    """In which of its inputs an operation is linear."""

    NEVER = "in none"
    ALWAYS = "in all together"
    IN_FIRST = "in the first, where nothing else varies"
    IN_ONE = "in any one, where nothing else varies"
    CHOICE = "in all but the first, which chooses among them"
    SCALES = "in none, but it scales with its inputs, or is a softmax: its gradient is right"
    DECIDES = "in none, and no gradient goes through it"


@dataclass(frozen=True)
class Made:
    """How a tensor was made.

    Attributes:
        kind: The operation's kind, such as `Mul`.
        name: Its name among those of the model.
        inputs: What it was computed from.
        linear: In which of those it is linear.
    """

    kind: str
    name: str
    inputs: tuple[Any, ...]
    linear: Linear

    def __str__(self) -> str:
        return f"{self.kind} ({self.name})"

    @property
    def has_right_gradient(self) -> bool:
        """Whether its ordinary gradient is right for relevance, though it may not be linear."""
        return self.linear in (Linear.SCALES, Linear.DECIDES, Linear.CHOICE)

    def is_linear(self, varies: Sequence[bool]) -> bool:
        """Whether it is linear in those of its inputs that vary."""
        if self.linear is Linear.CHOICE:
            return not varies[0]
        if self.linear is Linear.IN_FIRST:
            return not any(varies[1:])
        if self.linear is Linear.IN_ONE:
            return sum(varies) <= 1
        return self.linear is Linear.ALWAYS


Kinds = dict[Linear, Collection[str]]
"""The kinds of a backend's operations."""


def linear_of(kind: str, kinds: Kinds) -> Linear:
    """In which inputs an operation of this kind is linear."""
    return next((linear for linear, names in kinds.items() if kind in names), Linear.NEVER)
