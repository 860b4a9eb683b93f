"""Readers of arguments, with complaints that name what is allowed; and text of a stranger."""

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


def printable(text: str) -> str:
    """Text of a file as a terminal may show it: nothing in it moves the cursor or colours."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
