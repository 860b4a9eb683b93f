"""Keras callbacks: when explanations are computed during training."""

from __future__ import annotations

from .explain import Explain
from .presets import ActivationMaps, GradientMaps, WeightGradients
from .recorder import ExplanationWarning

__all__ = ["ActivationMaps", "Explain", "ExplanationWarning", "GradientMaps", "WeightGradients"]
