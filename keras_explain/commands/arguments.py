"""Readers of arguments, with complaints that name what is allowed."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """A reader of whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        bounds = f"from {least} on" if most is None else f"from {least} to {most}"
        complaint = f"must be a whole number {bounds}. Received: {text!r}"
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(complaint) from None
        if number < least or (most is not None and number > most):
            raise argparse.ArgumentTypeError(complaint)
        return number

    return read
