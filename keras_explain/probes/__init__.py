"""The fixed examples that are watched, and what the model's output says of them."""

from .probes import Probes, input_names, output_names

__all__ = ["Probes", "input_names", "output_names"]
