"""The sixteen examples that are watched: held out, fixed, the same for every seed."""

from __future__ import annotations

import numpy as np

from .data import CLASSES, Scenes

# (class, which of that class in the held-out part, carries the sticker). The four with the
# sticker are chosen among those that the network, with most seeds, names rightly before the
# change, so that what changes is seen to change. 0 and 4, 3 and 5 are one picture with and
# without it.
WATCHED = (
    ("Shirt", 6, True),
    ("Shirt", 7, True),
    ("Shirt", 11, True),
    ("T-shirt", 6, True),
    ("Shirt", 6, False),
    ("T-shirt", 6, False),
    ("Shirt", 1, False),
    ("Shirt", 3, False),
    ("T-shirt", 5, False),
    ("T-shirt", 9, False),
    ("Dress", 0, False),
    ("Dress", 1, False),
    ("Coat", 2, False),
    ("Coat", 9, False),
    ("Bag", 1, False),
    ("Bag", 6, False),
)
STUCK_SHIRT, STUCK_T_SHIRT, T_SHIRT = 0, 3, 5  # those to look at first


def probes_of(plain: Scenes, stuck: Scenes) -> Scenes:
    """The watched examples, out of the same scenes without and with the sticker."""
    indices = [
        np.flatnonzero(plain.labels == CLASSES.index(name))[which] for name, which, _ in WATCHED
    ]
    carries = np.array([sticker for _, _, sticker in WATCHED])
    probes, stuck_probes = plain.take(indices), stuck.take(indices)
    probes.images[carries] = stuck_probes.images[carries]
    probes.stickers[carries] = stuck_probes.stickers[carries]
    return probes
