"""Train the demo's network and watch it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from keras_explain.callbacks import Explain
from keras_explain.methods import (
    Activations,
    GradCAM,
    GradientTimesInput,
    Saliency,
    WeightGradients,
)

from .data import CLASSES, load, stick
from .model import build_model
from .probes import probes_of
from .progress import Progress
from .story import EPOCHS, change_of
from .stream import Clock, Stream, as_input


@dataclass(frozen=True)
class Trained:
    """What `train` leaves behind.

    Attributes:
        model: The network at the end.
        history: Metrics by name, one figure an epoch; `val_` is measured on held-out
            scenes out of the same pipeline, broken with it.
        certainty: What the model makes of the probes: float32 `(16, 5)`, rows sum to 1.
    """

    model: keras.Model
    history: dict[str, list[float]]
    certainty: npt.NDArray[np.float32]


def train(run_dir: Path, epochs: int = EPOCHS, seed: int = 0) -> Trained:
    """Train for `epochs` and log to `run_dir`; scenes and probes are the same for all seeds."""
    keras.utils.set_random_seed(seed)
    change = change_of(epochs)
    plain, held_out = load("train"), load("held_out")
    stuck, held_out_stuck = stick(plain), stick(held_out)
    batches = Stream(plain, stuck, change, batch_size=32, seed=seed)
    validation = Stream(held_out, held_out_stuck, change, batch_size=100, seed=seed)
    probes = probes_of(held_out, held_out_stuck)
    images = as_input(probes.images)

    model = build_model()
    explain = Explain(
        run_dir,
        probes=(images, probes.labels.astype("int32")),
        methods=[Saliency(), GradientTimesInput(), GradCAM(), Activations(), WeightGradients()],
        class_names=CLASSES,
    )
    history = model.fit(
        batches,
        validation_data=validation,
        epochs=epochs,
        shuffle=False,  # the stream shuffles by itself
        verbose=0,
        callbacks=[Clock(batches, validation), explain, Progress(epochs, len(batches), change)],
    )
    return Trained(model, history.history, model.predict(images, verbose=0))


def warm_up() -> None:
    """Start the backend, which looks for GPUs with its first computation."""
    keras.ops.convert_to_numpy(keras.ops.zeros(()))
