"""What the axes of a record mean: space, planes, positions, coordinates, parts of a weight.

The only place that says so. Python asks it, and the tab has a copy that
`tensorboard_plugin/frontend/scripts/axes.py` makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

CHANNEL = "channel"

SPACE = ("depth", "height", "width", "time")
"""Axes along which neighbours lie side by side, and can be averaged."""

TOKENS = ("query", "key")
"""Both sides of an attention map."""

POSITIONS = frozenset({*SPACE, *TOKENS, "feature"})
"""Axes along which a map says where."""

PLANES = (CHANNEL, "head", "depth")
"""Axes whose every entry is a picture of its own."""

UNITS = (CHANNEL, "feature")
"""Axes whose every entry is a unit of a layer; the first one that there is."""

PICTURE = ("height", "width")
KERNEL = ("kernel_height", "kernel_width")
"""Down and across, of a picture and of a convolution's kernel."""

FIGURE = "metric"
"""The axis of single numbers with names."""

COORDINATE = "coordinate"
"""The axis of a point's places."""

WEIGHTS = frozenset({"bin", "statistic", "kernel_depth", *KERNEL, "in", "out"})
"""Axes of what is kept of a weight: a histogram, figures, the kernel itself."""

LAYER = "layer"
"""The axis of one number per layer, in the order in which layers are computed."""

ROLES: Mapping[str, Sequence[str]] = {
    "space": SPACE,
    "tokens": TOKENS,
    "planes": PLANES,
    "picture": PICTURE,
    "kernel": KERNEL,
    "channel": [CHANNEL],
    "figure": [FIGURE],
    "coordinate": [COORDINATE],
    "layer": [LAYER],
}
"""What the tab asks: by role, the axes that have it."""


def positions(axes: Sequence[str]) -> list[str]:
    """The axes but the channels."""
    return [axis for axis in axes if axis != CHANNEL]
