"""How a record is drawn: derived once from what it says of itself, and sent to the tab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import axes as of
from .meaning import EXPLAINING, UNKNOWN

if TYPE_CHECKING:
    from ..schema import RecordSpec

FORMS = {
    "map": "one picture per row, over two axes",
    "bars": "numbers along one axis: bars, a line, or tokens in their colours",
    "numbers": "one number per row, or a few with names",
    "points": "a place in the plane per example",
    "plane": "a plane cut through the features, with a prediction at each place",
    "table": "numbers by two names",
    "pictures": "pictures with channels in their own range",
    "channels": "many planes per example: channels, heads, slices",
    "weights": "what is kept of weights: histograms, figures, kernels",
    "outputs": "predictions and scores, which every view shows in its own way",
}
"""By name, what is drawn."""

OUTPUTS = ("predictions", "scores")
"""Keys that the reader itself asks for; in files without quantities nothing else says it."""


def form_of(spec: RecordSpec) -> str:
    """One of `FORMS`."""
    named = spec.rows is not None
    axes = shown_axes(spec)
    if not named and (spec.quantity == "prediction" or spec.key in OUTPUTS):
        return "outputs"
    if named and (of.WEIGHTS & {*axes} or spec.unit == "loss per weight unit"):
        return "weights"
    if axes in ([], [of.FIGURE]):
        return "numbers"
    if len(axes) == 1:
        return "points" if axes == [of.COORDINATE] and not named else "bars"
    if named:
        return _of_named(spec, axes)
    if spec.quantity == "activation" or {*of.PLANES} & {*axes}:
        return "channels"
    return "table" if _is_table(axes) else "map"


def _of_named(spec: RecordSpec, axes: list[str]) -> str:
    if of.CHANNEL in axes:
        return "pictures"
    if spec.quantity == "prediction":
        return "plane"
    return "table" if _is_table(axes) else "map"


def _is_table(axes: list[str]) -> bool:
    neighbours = {*of.SPACE, *of.TOKENS, *of.PLANES}
    return len(axes) == 2 and not neighbours & {*axes}


def shown_axes(spec: RecordSpec) -> list[str]:
    """The axes of a row as it is shown: channels that are summed up are gone."""
    return list(spec.axes) if spec.shown == "all" else of.positions(spec.axes)


def shown_shape(spec: RecordSpec, shape: Sequence[int]) -> list[int]:
    """Sizes of these axes, of a row of such a shape."""
    sizes = zip(spec.axes, shape, strict=True)
    return [n for axis, n in sizes if spec.shown == "all" or axis != of.CHANNEL]


def plane_axis(spec: RecordSpec) -> int | None:
    """Which axis of a row as shown has a picture, or a unit, per entry; None without one."""
    axes = shown_axes(spec)
    planes = [at for at, axis in enumerate(axes) if axis in of.PLANES]
    if len(planes) == 1:
        return planes[0]
    return 0 if len(axes) == 1 and spec.shown == "all" else None


def has_pictures(spec: RecordSpec) -> bool:
    """Whether its rows can be drawn as pictures, on a contact sheet."""
    return {*of.PICTURE} <= {*spec.axes}


def turns(spec: RecordSpec) -> bool:
    """Whether a row has a direction, which can drift: numbers and points have none."""
    return bool(spec.axes) and form_of(spec) not in ("numbers", "points")


def says_where(spec: RecordSpec) -> bool:
    """Whether it explains each example by a map along axes that say where."""
    if spec.rows is not None or not of.POSITIONS & {*spec.axes}:
        return False
    drawn = spec.quantity == UNKNOWN and form_of(spec) in ("map", "bars")
    return drawn or spec.quantity in EXPLAINING
