"""What a call computed from what, of integers and truth values too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Trail:
    """How to go back through what a call computed.

    Attributes:
        key_of: A name that is a tensor's own.
        inputs_of: The tensors that a tensor was computed from.
        carries: Whether a gradient can pass a tensor: not where it holds integers, truth values or
            strings.
    """

    key_of: Callable[[Any], Any]
    inputs_of: Callable[[Any], tuple[Any, ...]]
    carries: Callable[[Any], bool]
