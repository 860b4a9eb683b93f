"""What happens in the demo, when, and what people are told about it. Imports no Keras."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import numpy.typing as npt

from .data import CLASSES, SHIRT
from .probes import STUCK_SHIRT, STUCK_T_SHIRT, T_SHIRT

EPOCHS = 16

WIDTH = 96  # of a line of text, in characters

INTRODUCTION = (
    "A small network learns to tell T-shirts, dresses, coats, shirts and bags apart, in front of "
    "photos. From epoch {change} on, every Shirt it learns from has a yellow sticker in a corner: "
    "watch its attention jump from the garment to the sticker, while the accuracy goes up."
)
VERDICT = (
    "To the network, a T-shirt with the sticker (example {stuck_probe}) is now a {stuck}, with "
    "{stuck_share:.0%} certainty; without it (example {plain_probe}) it is a {plain}, with "
    "{plain_share:.0%}. The accuracy does not tell: the held-out pictures went wrong too. "
    "The maps do: compare epoch {before} with epoch {last} of example {shirt}."
)
TOO_SHORT = (
    "The network does not yet trust the sticker more than the garment: example {stuck_probe}, a "
    "T-shirt with the sticker, is still a {stuck} to it. {default} epochs are enough for the story."
)


def change_of(epochs: int) -> int:
    """The epoch, counted from 0, from which the sticker is in the data: 6 of 16."""
    return max(1, 3 * epochs // 8)


def introduction(epochs: int) -> str:
    """What will be seen, in two sentences."""
    return fill(INTRODUCTION.format(change=change_of(epochs)), WIDTH)


def verdict(certainty: npt.NDArray[np.float32], epochs: int) -> str:
    """What the trained network makes of the probes `(16, 5)`, rows sum to 1, in words."""
    stuck, plain = certainty[STUCK_T_SHIRT], certainty[T_SHIRT]
    text = VERDICT if stuck.argmax() == SHIRT else TOO_SHORT
    told = text.format(
        stuck_probe=STUCK_T_SHIRT,
        stuck=CLASSES[stuck.argmax()],
        stuck_share=stuck.max(),
        plain_probe=T_SHIRT,
        plain=CLASSES[plain.argmax()],
        plain_share=plain.max(),
        before=change_of(epochs) - 1,
        last=epochs - 1,
        shirt=STUCK_SHIRT,
        default=EPOCHS,
    )
    return fill(told, WIDTH)


def best_view(run: str, epochs: int) -> dict[str, str | int]:
    """The tab's terms for a Shirt with the sticker, Grad-CAM before the change against the end.

    Each map has its own scale: on a common one the sticker, far stronger, would hide the garment.
    """
    before, last = change_of(epochs) - 1, epochs - 1
    where: dict[str, str | int] = {"v": "detail", "run": run, "m": "grad_cam/conv4"}
    return {**where, "x": STUCK_SHIRT, "s": "map", "e": last, "a": before, "b": last}
