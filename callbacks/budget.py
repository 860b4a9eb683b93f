"""How much of the training's time explaining may take, and has taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Budget:
    """Counts what explaining takes of a training's time, and says which steps to leave out.

    What is paid once does not count: the set-up, and the first step, which may compile. From
    there on a step is taken if what explaining has taken, together with what the last step took,
    stays within the share. So it is never exceeded by more than one step.

    Args:
        share: Most of the time that may be taken, above 0 and below 1; None for any.
        clock: Seconds, that only ever grow.
    """

    def __init__(
        self, share: float | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._share = share
        self._clock = clock
        self._begin: float | None = None
        self._entered: float | None = None
        self._taken = 0.0
        self._last = 0.0

    @property
    def is_set(self) -> bool:
        """Whether there is a limit."""
        return self._share is not None

    def allows(self) -> bool:
        """Whether there is time for a step now; there is for the first."""
        if self._share is None or self._begin is None:
            return True
        training = self._clock() - self._begin
        return self._taken + self._last <= self._share * (training + self._last)

    @contextmanager
    def spending(self) -> Iterator[None]:
        """What runs inside is a step's explaining."""
        self._entered = self._clock()
        try:
            yield
        finally:
            now = self._clock()
            if self._begin is None:
                self._begin = now
            else:
                self._last = now - self._entered
                self._taken += self._last
            self._entered = None

    def seconds(self) -> dict[str, float]:
        """Taken until now: by this step (`pass`), by all but the first (`explaining`), of how much.

        The training's seconds (`training`) are those since the first step, explaining included.
        """
        now = self._clock()
        step = 0.0 if self._entered is None else now - self._entered
        if self._begin is None:
            return {"pass": step, "explaining": 0.0, "training": 0.0}
        return {
            "pass": step,
            "explaining": self._taken + step,
            "training": now - self._begin,
        }


def share_of(value: object) -> float | None:
    """A budget as it is given to the callback.

    Raises:
        ValueError: if it is no share.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValueError(
            "`budget` must be a share of the training's time above 0 and below 1, such as 0.05, "
            f"or None. Received: {value!r}"
        )
    return float(value)
