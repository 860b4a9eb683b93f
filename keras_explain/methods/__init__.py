"""Every way to explain: one small dataclass in one file each."""

from __future__ import annotations

from .activations import Activations
from .base import Method, method_of, register, registered
from .grad_cam import GradCAM
from .gradient_times_input import GradientTimesInput
from .saliency import Saliency
from .weight_gradients import WeightGradients

DEFAULT: tuple[Method, ...] = (Saliency(), GradCAM(), Activations(), WeightGradients())
"""What is watched where no methods are named; those that do not apply to a model are left out."""

__all__ = [
    "DEFAULT",
    "Activations",
    "GradCAM",
    "GradientTimesInput",
    "Method",
    "Saliency",
    "WeightGradients",
    "method_of",
    "register",
    "registered",
]
