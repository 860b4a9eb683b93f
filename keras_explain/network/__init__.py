"""The model as a pure function of its weights and inputs."""

from .network import Network, Ran, Weights, float32, floats, is_float

__all__ = ["Network", "Ran", "Weights", "float32", "floats", "is_float"]
