"""See what a Keras network looks at while it learns.

Public names load on first use, so that a process that only reads records (the
TensorBoard tab, a notebook) never imports Keras.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checkpoints.replay import replay as replay
    from .explanation import explain as explain
    from .inputs import Features as Features
    from .inputs import Picture as Picture
    from .inputs import Tokens as Tokens
    from .run import Run as Run
    from .store.check import check as check
    from .targets import Contrast as Contrast
    from .targets import NextToken as NextToken
    from .targets import Region as Region
    from .targets import TopK as TopK

__version__ = "0.1.0"

_HOMES = {
    "Contrast": "keras_explain.targets",
    "Features": "keras_explain.inputs",
    "NextToken": "keras_explain.targets",
    "Picture": "keras_explain.inputs",
    "Region": "keras_explain.targets",
    "Run": "keras_explain.run",
    "Tokens": "keras_explain.inputs",
    "TopK": "keras_explain.targets",
    "check": "keras_explain.store.check",
    "explain": "keras_explain.explanation",
    "replay": "keras_explain.checkpoints.replay",
}
__all__ = [
    "Contrast",
    "Features",
    "NextToken",
    "Picture",
    "Region",
    "Run",
    "Tokens",
    "TopK",
    "__version__",
    "check",
    "explain",
    "replay",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'keras_explain' has no attribute {name!r}")
