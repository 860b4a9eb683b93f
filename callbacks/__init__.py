"""Keras callbacks: when explanations are computed during training."""

from __future__ import annotations

from keras_explain.callbacks.explain import Explain
from keras_explain.callbacks.presets import ActivationMaps, GradientMaps, WeightGradients

__all__ = ["ActivationMaps", "Explain", "GradientMaps", "WeightGradients"]
