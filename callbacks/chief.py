"""Which of several processes that train one model writes."""

from __future__ import annotations

import json
import os

import keras


def is_chief(model: keras.Model) -> bool:
    """Whether this process is the one that writes; a process that trains alone is.

    Keras runs all callbacks in all processes, and does not say which is the first.
    """
    return _TESTS[keras.backend.backend()](model)


def _on_tensorflow(model: keras.Model) -> bool:
    import tensorflow as tf

    strategy = getattr(model, "distribute_strategy", None) or tf.distribute.get_strategy()
    if strategy.cluster_resolver is not None:
        return bool(strategy.extended.should_save_summary)
    return is_first_task(os.environ.get("TF_CONFIG", ""))


def is_first_task(config: str) -> bool:
    """Whether `TF_CONFIG` says that this process is the first, for want of a strategy that does."""
    try:
        said = json.loads(config or "{}")
        kind, index = said["task"]["type"], int(said["task"].get("index", 0))
        leaders = {"chief", "master"}.intersection(said["cluster"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return True
    return kind in leaders or (kind == "worker" and index == 0 and not leaders)


def _on_jax(model: keras.Model) -> bool:
    import jax

    return bool(jax.process_index() == 0)


def _on_torch(model: keras.Model) -> bool:
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        return bool(distributed.get_rank() == 0)
    return os.environ.get("RANK", "0") == "0"  # torchrun sets it


_TESTS = {"tensorflow": _on_tensorflow, "jax": _on_jax, "torch": _on_torch}
