"""Eigen-CAM: the strongest pattern in a feature map, whatever the class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from ..model_view import Place
from .base import Needs, Plan, Seen, register
from .cam import CAM, channels_last


@register
@dataclass(frozen=True)
class EigenCAM(CAM):
    """The feature map `(places, channels)` projected on its first right singular vector.

    The same for every class: it shows what the layer sees most of. In the units of the layer, of
    its own size `(probes, height, width)`: never resized. A singular vector has no sign of its own:
    it is turned so that the map's sum is not negative, and behind a ReLU or the like, where all
    its values have one sign, the map is unsigned. Also for series and volumes. Read off the common
    pass, without gradients; it costs the eigenvectors of a matrix of as many rows as there are
    places or channels, whichever are fewer.

    Muhammad and Yeasin 2020, https://arxiv.org/abs/2008.00299

    Attributes:
        layer: Name of the layer whose output is projected. If None, the last feature map
            that all that the head reads has passed, after normalisation and activation: one for
            each input whose way to the head is its own.
    """

    title = "Eigen-CAM"
    quantity = "importance"
    unit = "layer"
    of_score = False
    formula = r"A v_1, \quad A = U \Sigma V^\top"

    def is_signed(self, place: Place) -> bool:  # noqa: D102
        return place.is_signed

    def needs(self, places: Sequence[Place]) -> Needs:  # noqa: D102
        return Needs(values=frozenset(places))

    def read(self, seen: Seen, plan: Plan) -> Mapping[str, Any]:  # noqa: D102
        return {key: self._projected(seen.values[p], p) for key, p in plan.places.items()}

    def _projected(self, value: Any, place: Place) -> Any:
        ops = keras.ops
        value = channels_last(value, place)
        flat = ops.reshape(value, (-1, *_sizes(value)))
        # Eigenvectors of numbers that are not finite raise an error, and the whole pass with it.
        size = ops.max(ops.abs(flat), axis=(1, 2), keepdims=True)
        sound = ops.where(ops.isfinite(flat), flat, 0.0)
        sound = ops.where(ops.isfinite(size), sound / ops.maximum(size, 1e-30), 0.0)
        across = ops.transpose(sound, (0, 2, 1))
        places, channels = _sizes(value)
        if channels <= places:
            vector = ops.linalg.eigh(across @ sound)[1][..., -1:]
        else:
            vector = across @ ops.linalg.eigh(sound @ across)[1][..., -1:]
            vector = vector / ops.maximum(ops.norm(vector, axis=1, keepdims=True), 1e-30)
        # The first singular vector of what is never negative is not either, but for rounding.
        found = (flat @ (vector if self.is_signed(place) else ops.abs(vector)))[..., 0]
        found = ops.where(ops.sum(found, axis=1, keepdims=True) < 0, -found, found)
        return ops.reshape(found, (-1, *value.shape[1:-1]))


def _sizes(value: Any) -> tuple[int, int]:
    """Number of places and of channels."""
    places = 1
    for size in value.shape[1:-1]:
        places *= int(size)
    return places, int(value.shape[-1])
