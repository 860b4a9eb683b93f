"""GradientSHAP: expected gradients with noise on the inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..questions import Questions, Values, Vary
from .base import register
from .expected_gradients import ExpectedGradients
from .noise import noisy


@register
@dataclass(frozen=True)
class GradientSHAP(ExpectedGradients):
    """Expected gradients of noisy copies of the inputs: SHAP values where the model is linear.

    As `ExpectedGradients`, with normal noise on the input at each sample, which is a probe's own
    and the same at every step; without noise both are the same. Signed, in score units, of the
    input's shape `(probes, height, width, channels)`; shown as the sum over the channels. What is
    missing to `score(inputs) - mean score(background)` is recorded as `gradient_shap/gap`, a share
    of that difference. Costs one forward and backward pass over the probes for each sample, and
    one forward pass over the background (over the probes for each of its examples, `samples` at
    most, behind token ids or at a `layer`).

    Lundberg and Lee 2017, https://arxiv.org/abs/1705.07874; as SHAP's GradientExplainer and
    Captum's GradientShap have it

    Attributes:
        background: Examples that stand for the data, in the units of the inputs,
            `(examples, height, width, channels)`: some of the training set, say; a dict of them by
            the input's name for several inputs. If None, the one example is zero, as the default
            baseline of `IntegratedGradients` is: the probes themselves are never used, so that no
            probe's map depends on the others.
        samples: Number of points; a multiple of the number of examples draws all of them equally
            often.
        seed: Another seed draws others.
        noise: Standard deviation of the noise, as a share of each probe's largest less smallest
            value.
        layer: Name of the layer on whose output the attribution lies; the inputs if None (the
            embedding's output where an input is token ids).
    """

    noise: float = 0.1

    title = "GradientSHAP"
    formula = (
        r"\mathbb{E}_{x' \sim D,\, \alpha \sim U(0, 1),\, \tilde x \sim N(x, \sigma^2)} "
        r"\Big[(\tilde x_i - x'_i) \, "
        r"\frac{\partial S_c(x' + \alpha (\tilde x - x'))}{\partial x_i}\Big]"
    )
    axioms = ("zero for an unused input",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.noise < math.inf:
            raise ValueError(f"`noise` must be a share from 0 on. Received: {self.noise}")

    def ends(self, ask: Questions, here: Values) -> Vary:
        """Where the ways end: at noisy copies of the inputs."""
        return noisy(ask, here, self.noise, self.seed)
