"""Score-CAM: channels of a feature map weighted by the score of what they leave of the input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model_view import ModelView, NotApplicableError, Place
from ..questions import Questions
from .base import Plan, on_inputs_or_layer, register
from .cam import CAM
from .enlarging import enlarged


@register
@dataclass(frozen=True)
class ScoreCAM(CAM):
    """Channels of a feature map, weighted by the score of the input seen through each of them.

    Each channel is stretched to 0..1, enlarged to the input's size and multiplied with the input;
    the softmax over the channels of the scores that follow is their weights. A channel that is the
    same everywhere shows no place and gets none. Needs no gradient. Every input of the
    layer with as many space axes is masked; token ids at their embedding's output.

    Unsigned, in the units of the layer, of its own size `(probes, height, width)`: never resized.
    Also for series and volumes. Costs one forward pass over the probes for each channel.

    Wang et al. 2019, https://arxiv.org/abs/1910.01279

    Attributes:
        layer: Name of the layer whose channels are weighted. If None, the last feature map
            that all that the head reads has passed, after normalisation and activation: one for
            each input whose way to the head is its own.
        channels: Most channels that are tried: those which vary most over the places, by probe.
            None tries all, as the paper does.
    """

    channels: int | None = 64

    title = "Score-CAM"
    quantity = "importance"
    unit = "layer"
    formula = (
        r"\operatorname{ReLU}\Big(\sum_k \alpha_k A^k\Big), \quad "
        r"\alpha = \operatorname{softmax}_k S_c(x \circ H^k), \quad "
        r"H^k = \frac{A^k - \min A^k}{\max A^k - \min A^k} \text{ enlarged}"
    )

    def __post_init__(self) -> None:
        if self.channels is not None and self.channels < 1:
            raise ValueError(
                f"`channels` must be at least 1, or None for all. Received: {self.channels}"
            )

    def places(self, model: ModelView) -> list[Place]:  # noqa: D102
        places = super().places(model)
        found = [place for place in places if _masked(model, place)]
        if not found:
            raise NotApplicableError(
                "`layer` of ScoreCAM must have as many space axes as an input has. "
                f"Received: {places[0].name!r} of shape {places[0].shape}"
            )
        return found

    def compute(self, ask: Questions, plan: Plan) -> Mapping[str, NDArray[Any]]:  # noqa: D102
        return {key: self._weighted(ask, place) for key, place in plan.places.items()}

    def _weighted(self, ask: Questions, place: Place) -> NDArray[np.float32]:
        masked = _masked(ask.view, place)
        values = ask.values([place, *masked])
        maps = np.moveaxis(values[place], place.channel_axis or -1, 1)
        space = tuple(range(2, maps.ndim))
        if self.channels is not None and self.channels < maps.shape[1]:
            varying = np.argsort(-maps.std(axis=space), axis=1, kind="stable")[:, : self.channels]
            maps = np.take_along_axis(maps, np.expand_dims(varying, space), axis=1)
        least = maps.min(axis=space, keepdims=True)
        reach = maps.max(axis=space, keepdims=True) - least
        masks = (maps - least) / np.where(reach > 0, reach, 1)

        def through(row: int, channels: NDArray[np.int64]) -> dict[Any, NDArray[Any]]:
            return {
                p: values[p][row] * _on(p, enlarged(masks[row, channels], p.space)) for p in masked
            }

        scores = ask.scores_of(maps.shape[1], through).astype("f8")
        # The score of no input at all, which the paper takes off, cancels in the softmax.
        scores[reach.reshape(scores.shape) == 0] = -np.inf
        highest = scores.max(axis=1, keepdims=True)
        shares = np.exp(scores - np.where(highest == -np.inf, 0, highest))
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), np.finfo("f8").tiny)
        weighted = np.einsum("pc,pc...->p...", shares, maps)
        found: NDArray[np.float32] = np.maximum(weighted, 0).astype(np.float32)
        return found


def _masked(model: ModelView, place: Place) -> list[Place]:
    """The places that a mask of the layer's maps is laid on: those that it was computed from."""
    places = on_inputs_or_layer(model, None)
    return [
        other
        for other in places
        if len(other.space) == len(place.space) and model.feeds(other, place)
    ]


def _on(place: Place, masks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Masks that can be multiplied with values at the place."""
    return masks if place.channel_axis is None else np.expand_dims(masks, place.channel_axis)
