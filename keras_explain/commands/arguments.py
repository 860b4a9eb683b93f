"""Readers of arguments, with complaints that name what is allowed."""

from __future__ import annotations

import argparse
from collections.abc import Callable


class Misuse(Exception):
    """The command was asked for something that there is not; the message says what there is."""


class NothingFound(Exception):
    """What the command was to work on is not there; the message says where it was looked for."""


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
