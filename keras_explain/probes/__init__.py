"""The fixed examples that are watched, and what the model's output says of them."""

from .probes import Probes, input_names, output_names
from .task import Known, check_said, labels_of, loss_of, scale_is_said, seen, task_of, truth_of

__all__ = [
    "Known",
    "Probes",
    "check_said",
    "input_names",
    "labels_of",
    "loss_of",
    "output_names",
    "scale_is_said",
    "seen",
    "task_of",
    "truth_of",
]
