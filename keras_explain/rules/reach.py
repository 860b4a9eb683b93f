"""Which tensors of a call follow from the places whose relevance is wanted."""

from __future__ import annotations

from typing import Any

from .. import backends

NO_GRADIENT = ("StopGradient", "PreventGradient")


class Reach:
    """What follows from some tensors, found out by what each tensor was made of."""

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}
        self._alive: list[Any] = []

    def begins(self, tensor: Any) -> None:
        """Count the tensor, and all that follows from it."""
        self._known[backends.current().key_of(tensor)] = True
        self._alive.append(tensor)

    def reaches(self, tensor: Any) -> bool:
        """Whether the tensor follows from one that was counted."""
        backend = backends.current()
        ahead = [tensor]
        while ahead:
            one = ahead[-1]
            key = backend.key_of(one)
            if key in self._known:
                ahead.pop()
                continue
            made = backend.made_by(one)
            inputs = () if made is None or made.kind in NO_GRADIENT else made.inputs
            unseen = [other for other in inputs if backend.key_of(other) not in self._known]
            if unseen:
                ahead.extend(unseen)
                continue
            self._known[key] = any(self._known[backend.key_of(other)] for other in inputs)
            self._alive.append(one)  # so that its key stays its own
            ahead.pop()
        return self._known[backend.key_of(tensor)]
