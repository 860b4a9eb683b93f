"""One training, bare and watched: what each leaves behind."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import Saliency, WeightGradients
from tests.seeds import seed

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(24, 8, 8, 1)).astype("float32")
Y = np.arange(24) % 3
PROBES = X[:4], Y[:4]
BACKEND = keras.backend.backend()


@dataclass(frozen=True)
class Broken(Saliency):
    """A method that fails at every step."""

    def records(self, plan, arrays):
        raise RuntimeError("no records today")


Broken.name = "broken"


@dataclass
class Watch:
    """Makes the callbacks of a watched training; none for a bare one."""

    folder: Path | None
    made: list[Explain] = field(default_factory=list)

    def callbacks(self, **options):
        if self.folder is None:
            return []
        methods = [Saliency(), WeightGradients(), Broken()]
        options = {"methods": methods, "summaries": False, **options}
        self.made.append(Explain(self.folder, PROBES, **options))
        return self.made[-1:]


@dataclass
class Trained:
    """What a training leaves behind.

    Attributes:
        model: The model.
        figures: Loss and metrics, one list each.
        shown: The weights that the last step shows, if not those that the training ended with.
    """

    model: keras.Model
    figures: dict
    shown: list | None = None


Way = Callable[[Watch], Trained]


def left_by(way: Way, watch: Watch):
    """Everything that a training leaves behind, by name, and the training."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed(3))
    try:
        trained = way(watch)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    model, optimizers = trained.model, optimizers_of(trained.model)
    kinds = {
        "weights": model.variables,
        "optimizer": [v for one in optimizers for v in one.variables],
        "metrics": model.metrics_variables,
    }
    left = {kind: [np.asarray(v) for v in variables] for kind, variables in kinds.items()}
    left["history"] = [np.asarray(values) for values in trained.figures.values()]
    left["draws"] = [
        np.asarray(random.random()),
        np.asarray(np.random.random()),  # noqa: NPY002
        np.asarray(keras.random.uniform(())),
        *own_draws(),
    ]
    return left, trained


def optimizers_of(model):
    return [v for v in vars(model).values() if isinstance(v, keras.optimizers.Optimizer)]


def own_draws():
    """The next of the backend's own generator, where it has one."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return [np.asarray(tf.random.uniform(()))]
    if BACKEND == "torch":
        import torch

        return [torch.rand(()).numpy()]
    return []


def compared(way: Way, folder: Path):
    """What differs between the training bare and watched, and what was logged."""
    bare, _ = left_by(way, Watch(None))
    watch = Watch(folder)
    watched, trained = left_by(way, watch)
    run = keras_explain.Run(folder)
    return {
        "compared": {kind: len(arrays) for kind, arrays in bare.items()},
        "differs": differing(bare, watched),
        "steps": list(run.steps),
        "failed": sorted({failure.source for failure in run.failures}),
        "traces": [explain.traces for explain in watch.made],
        "loss": float(run.logs["loss"][-1]),
        "apart": apart(run, trained),
    }


def differing(bare, watched):
    """The kinds of what is left that are not the same to the last bit."""
    return [
        kind
        for kind in bare
        if len(bare[kind]) != len(watched[kind])
        or any(a.tobytes() != b.tobytes() for a, b in zip(bare[kind], watched[kind], strict=True))
    ]


def apart(run, trained: Trained):
    """How far the last maps are from those of the weights that they should show."""
    model = trained.model
    if trained.shown is not None:
        model.set_weights(trained.shown)
    expected = keras_explain.explain(model, PROBES[0], "saliency", labels=PROBES[1])
    found = run.load("saliency", run.steps[-1])
    return float(np.abs(found - expected).max() / np.abs(expected).max())
