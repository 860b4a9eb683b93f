"""`Explain` with its methods chosen, for the three views that are asked for most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_explain import methods

from .explain import Explain


class GradientMaps(Explain):
    """Watch the gradient of the score at the inputs: saliency and gradient x input.

    Args:
        log_dir: As in `Explain`.
        probes: As in `Explain`.
        layer: Name of the layer at whose output the gradient is taken; the inputs if None.
        **options: Other options of `Explain`.
    """

    def __init__(
        self, log_dir: Any, probes: Any, *, layer: str | None = None, **options: Any
    ) -> None:
        chosen = [methods.Saliency(layer=layer), methods.GradientTimesInput(layer=layer)]
        super().__init__(log_dir, probes, chosen, **options)


class ActivationMaps(Explain):
    """Watch the outputs of layers.

    Args:
        log_dir: As in `Explain`.
        probes: As in `Explain`.
        layers: Names of the layers, `"convolutions"`, or None for a small choice.
        channels: Most channels kept of a layer; None keeps all.
        **options: Other options of `Explain`.
    """

    def __init__(
        self,
        log_dir: Any,
        probes: Any,
        *,
        layers: Sequence[str] | str | None = None,
        channels: int | None = 16,
        **options: Any,
    ) -> None:
        super().__init__(log_dir, probes, [methods.Activations(layers, channels)], **options)


class WeightGradients(Explain):
    """Watch the gradient of the loss at every trainable weight.

    Args:
        log_dir: As in `Explain`.
        probes: As in `Explain`; the labels are needed.
        keep_below: The gradient itself is kept of kernels with at most so many values.
        **options: Other options of `Explain`.
    """

    def __init__(
        self, log_dir: Any, probes: Any, *, keep_below: int = 4096, **options: Any
    ) -> None:
        super().__init__(log_dir, probes, [methods.WeightGradients(keep_below)], **options)
