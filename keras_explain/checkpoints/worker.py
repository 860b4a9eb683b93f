"""What a worker does with its share of the checkpoints.

Imports nothing heavy: the backend and its threads are chosen before Keras is imported.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .explainer import Explainer


Done = tuple[int, str | None]
"""A step, and what went wrong with it."""

_kept: dict[str, Explainer] = {}
_one_at_a_time = threading.Lock()


def settings(threads: int) -> dict[str, str]:
    """The environment of a process that explains checkpoints; what the user has set stays."""
    count = str(threads)
    wanted = {
        "TF_NUM_INTRAOP_THREADS": count,
        "TF_NUM_INTEROP_THREADS": count,
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "NPROC": count,  # JAX
        # Workers on one accelerator share its memory.
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    chosen = {name: os.environ.get(name, value) for name, value in wanted.items()}
    inherited = {
        name: os.environ[name]
        for name in ("TF_ENABLE_ONEDNN_OPTS", "TF_CPP_MIN_LOG_LEVEL", "TF_DETERMINISTIC_OPS")
        if name in os.environ
    }
    return {**chosen, **inherited}


def prepare_process(environment: Mapping[str, str], backend: str) -> None:
    """Choose backend and threads, where Keras has not been imported yet.

    Raises:
        RuntimeError: If it has been, with another backend.
    """
    if "keras" not in sys.modules:
        os.environ.update(environment, KERAS_BACKEND=backend)
    import keras

    if keras.backend.backend() != backend:
        raise RuntimeError(
            f"The worker runs Keras on {keras.backend.backend()!r} already, but {backend!r} is "
            "wanted: start the workers anew."
        )


def work(
    environment: Mapping[str, str], backend: str, token: str, job: Any, places: Sequence[int]
) -> list[Done]:
    """Explain some checkpoints, in order, each into its file.

    Args:
        environment: Of `settings`.
        backend: Name of Keras's backend.
        token: The same for all shares of one replay: what was compiled for one serves the next.
        job: The pickled `Job`, uint8.
        places: Which of its checkpoints.
    """
    with _one_at_a_time:  # a backend's threads of its own are enough
        prepare_process(environment, backend)
        if token not in _kept:
            import pickle

            from .explainer import Explainer

            _kept.clear()
            _kept[token] = Explainer(pickle.loads(job.tobytes()))
        return [_kept[token].done(place) for place in places]
