"""Every way to explain: one small dataclass in one file each."""

from __future__ import annotations

from keras_explain.methods.activations import Activations
from keras_explain.methods.base import Method, method_of, register, registered
from keras_explain.methods.grad_cam import GradCAM
from keras_explain.methods.gradient_times_input import GradientTimesInput
from keras_explain.methods.saliency import Saliency
from keras_explain.methods.weight_gradients import WeightGradients

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
