"""Every way to explain: one small dataclass in one file each.

Whatever stands in this folder is found by itself: `from keras_explain.methods import GradCAM`.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

from .activations import Activations as Activations
from .base import Method, method_of, register, registered
from .grad_cam import GradCAM as GradCAM
from .saliency import Saliency as Saliency
from .weight_gradients import WeightGradients as WeightGradients

for _module in pkgutil.iter_modules(__path__, __name__ + "."):
    import_module(_module.name)

_by_class = {method.__name__: method for method in registered().values()}

DEFAULT: tuple[Method, ...] = (Saliency(), GradCAM(), Activations(), WeightGradients())
"""What is watched where no methods are named; those that do not apply to a model are left out."""

__all__ = ["DEFAULT", "Method", "method_of", "register", "registered", *_by_class]


def __getattr__(name: str) -> Any:
    if name in _by_class:
        return _by_class[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
