"""Eight small trainings, one for each task that an output can have, with the callback.

Pictures of discs, squares and crosses; seconds each. Beside its run a training keeps what
`model.predict` said of the examples at each epoch: what people see must follow from that alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from keras_explain.callbacks import Explain
from keras_explain.methods import Quality, Saliency
from tests.seeds import seed

SIDE, TRAINED, PROBES, EPOCHS = 20, 96, 10, 3
KINDS = ("disc", "square", "cross")
MASKS = ("ground", *KINDS)
LABELS = ("bright", "large", "left", "round")
BOX = ("y", "x", "height", "width")
Array = NDArray[Any]


@dataclass(frozen=True)
class Scenes:
    """Pictures, and everything that is true of them."""

    x: Array
    kind: Array
    is_disc: Array
    labels: Array
    size: Array
    mask: Array
    box: Array


def scenes(count: int, seed: int) -> Scenes:
    """Things of three kinds on a dark ground."""
    random = np.random.default_rng(seed)
    down, across = np.mgrid[:SIDE, :SIDE]
    kind = np.arange(count) % len(KINDS)
    y, x = random.uniform(6, 14, (2, count))
    radius, light = random.uniform(3, 6, count), random.uniform(0.4, 1, count)
    pictures, masks = [], []
    for each in range(count):
        dy, dx = np.abs(down - y[each]), np.abs(across - x[each])
        thing = (
            np.hypot(dy, dx) < radius[each],
            np.maximum(dy, dx) < radius[each] * 0.9,
            (np.minimum(dy, dx) < 1.5) & (np.maximum(dy, dx) < radius[each]),
        )[kind[each]]
        masks.append(thing * (1 + kind[each]))
        pictures.append(thing * light[each] + random.normal(0, 0.03, thing.shape))
    labels = np.stack([light > 0.7, radius > 4.5, x < 10, kind == 0], axis=1)
    box = np.stack([y, x, 2 * radius, 2 * radius], axis=1) / SIDE
    return Scenes(
        np.stack(pictures).astype("float32")[..., None],
        kind,
        (kind == 0).astype(int),
        labels.astype("float32"),
        (10 * radius).astype("float32"),
        np.stack(masks),
        box.astype("float32"),
    )


def _body() -> tuple[Any, Any]:
    inputs = keras.Input((SIDE, SIDE, 1), name="picture")
    found = layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1")(inputs)
    return inputs, layers.Conv2D(8, 3, padding="same", activation="relu", name="conv2")(found)


def _flat(units: int, activation: str | None = None, name: str = "head") -> Any:
    inputs, found = _body()
    found = layers.Flatten()(layers.MaxPooling2D(4)(found))
    return inputs, layers.Dense(units, activation=activation, name=name)(found)


def _at_each(units: int, activation: str | None = None) -> keras.Model:
    inputs, found = _body()
    outputs = layers.Conv2D(units, 1, activation=activation, name="head")(found)
    return keras.Model(inputs, outputs)


def _detector() -> keras.Model:
    inputs, found = _body()
    found = layers.Flatten()(layers.MaxPooling2D(4)(found))
    kind = layers.Dense(3, activation="softmax", name="kind")(found)
    return keras.Model(inputs, {"kind": kind, "box": layers.Dense(4, name="box")(found)})


@dataclass(frozen=True)
class Training:
    """What is trained: a model, its loss, what is true, and what the callback is told."""

    model: Callable[[], keras.Model]
    loss: Any
    truth: Callable[[Scenes], Any]
    names: tuple[str, ...] | None = None
    explained: dict[str, Any] | None = None
    judged: bool = False


def _of(*head: Any) -> Callable[[], keras.Model]:
    return lambda: keras.Model(*_flat(*head))


_SPARSE, _BINARY = keras.losses.SparseCategoricalCrossentropy, keras.losses.BinaryCrossentropy
TRAININGS = {
    "softmax": Training(_of(3, "softmax"), "sparse_categorical_crossentropy",
                        lambda s: s.kind, KINDS, judged=True),
    "logits": Training(_of(3), _SPARSE(from_logits=True), lambda s: s.kind, KINDS, judged=True),
    "one_logit": Training(_of(1), _BINARY(from_logits=True), lambda s: s.is_disc,
                          ("no disc", "disc"), judged=True),
    "multi_label": Training(_of(4, "sigmoid"), "binary_crossentropy", lambda s: s.labels, LABELS),
    "regression": Training(_of(1), "mse", lambda s: s.size),
    "segmentation": Training(lambda: _at_each(4), _SPARSE(from_logits=True),
                             lambda s: s.mask, MASKS),
    "detector_kind": Training(_detector, {"kind": "sparse_categorical_crossentropy", "box": "mse"},
                              lambda s: {"kind": s.kind, "box": s.box}, KINDS,
                              {"output": "kind"}, judged=True),
    "detector_box": Training(_detector, {"kind": "sparse_categorical_crossentropy", "box": "mse"},
                             lambda s: {"kind": s.kind, "box": s.box}, BOX,
                             {"output": "box", "target": 0}),
    "autoencoder": Training(lambda: _at_each(1, "sigmoid"), "mse", lambda s: s.x,
                            explained={"target": 0}),
}  # fmt: skip


@dataclass(frozen=True)
class Trained:
    """A run, and what `predict` said of its examples after each epoch."""

    folder: Path
    training: Training
    probes: Scenes
    outputs: list[Array]

    @property
    def truth(self) -> Array:
        """What is true of the explained output."""
        of = self.training.truth(self.probes)
        return of[self.training.explained["output"]] if isinstance(of, dict) else of


class Said(keras.callbacks.Callback):
    """Keeps what `predict` says after each epoch."""

    def __init__(self, x: Array, output: str | None) -> None:
        super().__init__()
        self.outputs: list[Array] = []
        self._x, self._output = x, output

    def on_epoch_end(self, epoch, logs=None):
        """Predict."""
        found = self.model.predict(self._x, verbose=0)
        self.outputs.append(found if self._output is None else found[self._output])


def train(name: str, folder: Path) -> Trained:
    """Train for seconds, with the callback."""
    keras.utils.set_random_seed(seed(0))
    training, probes = TRAININGS[name], scenes(PROBES, 2)
    examples = scenes(TRAINED, 1)
    model = training.model()
    model.compile(keras.optimizers.Adam(3e-3), training.loss)
    explained = dict(training.explained or {})
    methods: list[Any] = [Saliency()]
    if training.judged:
        corner = np.zeros((PROBES, SIDE, SIDE), bool)
        corner[:, :2, :2] = True
        methods.append(Quality("saliency", metrics=("region_share",), regions=corner))
    said = Said(probes.x, explained.get("output"))
    explain = Explain(
        folder, (probes.x, training.truth(probes)), methods, class_names=training.names, **explained
    )
    model.fit(
        examples.x, training.truth(examples), epochs=EPOCHS, batch_size=16, verbose=0,
        callbacks=[explain, said],
    )  # fmt: skip
    return Trained(folder, training, probes, said.outputs)
