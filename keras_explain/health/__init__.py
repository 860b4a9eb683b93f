"""Is the training well, and are its explanations? Rules over the records of a run.

Imports neither Keras nor TensorFlow.
"""

from . import gradients, layers, maps, numbers  # noqa: F401, each makes its rules known
from .alert import SEVERITIES, Alert, Place
from .rule import RULES, Rule
from .thresholds import Thresholds
from .watch import Finding, Health, Report

__all__ = [
    "RULES",
    "SEVERITIES",
    "Alert",
    "Finding",
    "Health",
    "Place",
    "Report",
    "Rule",
    "Thresholds",
]
