"""How far a long work is: a bar where tqdm is installed, else a line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

SECONDS = 5.0
"""Between two lines."""


class Progress:
    """Shows on stderr how many of all are done. A context manager.

    Args:
        what: What is counted, such as "checkpoints".
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._bar: Any = None
        self._told = time.monotonic()

    def __enter__(self) -> Progress:
        """Nothing is shown before the first count."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        if self._bar is None:
            self._bar = _bar(self._what, total)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
        elif time.monotonic() - self._told > SECONDS:
            self._told = time.monotonic()
            print(f"{done} of {total} {self._what}", file=sys.stderr, flush=True)


def _bar(what: str, total: int) -> Any:
    """A bar, or None where there is no terminal or no tqdm."""
    if not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return None
    return tqdm(total=total, unit=f" {what}", file=sys.stderr, dynamic_ncols=True)
