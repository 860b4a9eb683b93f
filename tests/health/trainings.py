"""Small trainings on scikit-learn's digits: healthy ones, and ones that are sick in a known way.

Each is a real `fit` with the callback; what is wrong is what goes wrong in practice: a learning
rate, an initialisation, an activation, a label or a picture that tells the answer by a corner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

from keras_explain.callbacks import Explain
from keras_explain.methods import (
    Activations,
    GradCAM,
    GradientTimesInput,
    Quality,
    Saliency,
    WeightGradients,
)

EXAMPLES, PROBES, EPOCHS, CHANGE = 512, 16, 10, 6
MAPS = (Saliency(), GradientTimesInput())
STATE = (Activations(channels=None), WeightGradients())

_digits = load_digits()
X = (_digits.images / 16).astype("float32")[..., None]
Y = _digits.target
HELD_OUT = (X[-PROBES:], Y[-PROBES:])


@dataclass(frozen=True)
class Sickness:
    """What is expected of a sick training.

    Attributes:
        rule: The rule that must find it.
        by: The last step at which it may begin.
        place: What the name of its place must begin with.
    """

    rule: str
    by: int
    place: str


@dataclass(frozen=True)
class Training:
    """One training.

    Attributes:
        name: What it is called in the table.
        run: Trains into a folder.
        sick: What is wrong with it; nothing with a healthy one.
    """

    name: str
    run: Callable[[Path], None]
    sick: tuple[Sickness, ...] = ()


TRAININGS: list[Training] = []


def training(name: str, *sick: tuple[str, int, str]) -> Callable[[Callable[[Path], None]], Any]:
    def add(run: Callable[[Path], None]) -> Callable[[Path], None]:
        TRAININGS.append(Training(name, run, tuple(Sickness(*each) for each in sick)))
        return run

    return add


def fit(
    log_dir: Path,
    model: keras.Model,
    optimizer: Any,
    *,
    x: Any = X[:EXAMPLES],
    y: Any = Y[:EXAMPLES],
    probes: Any = HELD_OUT,
    methods: Sequence[Any] = (*MAPS, *STATE),
    loss: str = "sparse_categorical_crossentropy",
    callbacks: Sequence[Any] = (),
    epochs: int = EPOCHS,
    **options: Any,
) -> None:
    # Without XLA: to compile costs more than to train.
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    explain = Explain(log_dir, probes, methods, summaries=False, **options)
    model.fit(x, y, epochs=epochs, batch_size=32, verbose=0, callbacks=[*callbacks, explain])


def mlp(activation: str = "relu", depth: int = 2, width: int = 32, **options: Any) -> keras.Model:
    hidden = [
        layers.Dense(width, activation=activation, name=f"dense{i}", **options)
        for i in range(1, depth + 1)
    ]
    head = layers.Dense(10, activation="softmax", name="classes")
    return network(layers.Flatten(), *hidden, head)


def network(*stack: Any, shape: tuple[int, ...] = (8, 8, 1)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *stack], name="net")


def cnn(normalised: bool = False, **options: Any) -> keras.Model:
    blocks: list[Any] = []
    for name, filters in (("conv1", 8), ("conv2", 16)):
        blocks.append(
            layers.Conv2D(
                filters,
                3,
                padding="same",
                activation=None if normalised else "relu",
                name=name,
                **options,
            )
        )
        if normalised:
            blocks += [layers.BatchNormalization(name=f"{name}_norm"), layers.ReLU()]
    head = layers.Dense(10, activation="softmax", name="classes")
    tail = [layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.2), head]
    return network(*blocks, *tail)


def adam(rate: float) -> Any:
    return keras.optimizers.Adam(rate)


def sgd(rate: Any, momentum: float = 0.0) -> Any:
    return keras.optimizers.SGD(rate, momentum)


def regressor(depth: int, activation: str = "relu", initial: Any = "he_normal") -> keras.Model:
    """A network that reads the digit as a number."""
    hidden = [
        layers.Dense(32, activation=activation, kernel_initializer=initial, name=f"dense{i}")
        for i in range(1, depth + 1)
    ]
    return network(layers.Flatten(), *hidden, layers.Dense(1, name="digit"))


NUMBERS = ((Y - 4.5) / 2.9).astype("float32")[:, None]
CNN_METHODS = (*MAPS, GradCAM(layer="conv2"), *STATE)


@training("MLP, Adam 1e-3")
def healthy_mlp(log_dir: Path) -> None:
    fit(log_dir, mlp(), adam(1e-3))


@training("MLP, Adam 1e-2")
def healthy_fast_mlp(log_dir: Path) -> None:
    fit(log_dir, mlp(), adam(1e-2))


@training("MLP of tanh, SGD 0.1")
def healthy_tanh(log_dir: Path) -> None:
    fit(log_dir, mlp("tanh"), sgd(0.1))


@training("MLP of sigmoid, SGD 0.5")
def healthy_sigmoid(log_dir: Path) -> None:
    fit(log_dir, mlp("sigmoid", depth=1), sgd(0.5))


@training("Deep MLP, momentum")
def healthy_deep(log_dir: Path) -> None:
    fit(log_dir, mlp(depth=6, kernel_initializer="he_normal"), sgd(0.02, 0.9))


@training("CNN, Adam 3e-3")
def healthy_cnn(log_dir: Path) -> None:
    fit(log_dir, cnn(), adam(3e-3), methods=CNN_METHODS)


@training("CNN, SGD 0.1")
def healthy_cnn_sgd(log_dir: Path) -> None:
    fit(log_dir, cnn(), sgd(0.1, 0.9), methods=CNN_METHODS)


@training("CNN with BatchNorm")
def healthy_normalised(log_dir: Path) -> None:
    fit(log_dir, cnn(normalised=True), adam(3e-3), methods=CNN_METHODS)


@training("CNN of two classes, Quality")
def healthy_binary(log_dir: Path) -> None:
    model = network(
        layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1"),
        layers.Conv2D(8, 3, padding="same", activation="relu", name="conv2"),
        layers.Flatten(),
        layers.Dense(1, activation="sigmoid", name="classes"),
    )
    y = (Y > 4).astype("int32")
    regions = HELD_OUT[0][..., 0] > 0.1
    fit(
        log_dir,
        model,
        adam(2e-3),
        y=y[:EXAMPLES],
        probes=(X[-PROBES:], y[-PROBES:]),
        methods=(*CNN_METHODS, Quality(Saliency(), ["region_share"], regions=regions)),
        loss="binary_crossentropy",
    )


@training("Transformer of rows")
def healthy_transformer(log_dir: Path) -> None:
    inputs = keras.Input((8, 8))
    x = layers.Dense(24, name="embed")(inputs)
    x = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 12, name="attention")(x, x)])
    x = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.Dense(24, activation="relu", name="mixed")(x)])
    x = layers.Flatten()(x)
    model = keras.Model(
        inputs, layers.Dense(10, activation="softmax", name="classes")(x), name="net"
    )
    fit(
        log_dir,
        model,
        adam(2e-3),
        x=X[:EXAMPLES, ..., 0],
        probes=(X[-PROBES:, ..., 0], HELD_OUT[1]),
    )


@training("GRU of rows")
def healthy_gru(log_dir: Path) -> None:
    head = layers.Dense(10, activation="softmax", name="classes")
    model = network(layers.GRU(24, name="gru"), head, shape=(8, 8))
    fit(
        log_dir,
        model,
        adam(5e-3),
        x=X[:EXAMPLES, ..., 0],
        probes=(X[-PROBES:, ..., 0], HELD_OUT[1]),
    )


@training("Regression with a decaying rate")
def healthy_regression(log_dir: Path) -> None:
    model = regressor(depth=1)
    decay = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.7)
    fit(
        log_dir,
        model,
        adam(1e-2),
        y=NUMBERS[:EXAMPLES],
        probes=(X[-PROBES:], NUMBERS[-PROBES:]),
        loss="mse",
        callbacks=[decay],
    )


@training("Dead units by a large rate", ("dead_units", 4, "dense"))
def dead_by_rate(log_dir: Path) -> None:
    fit(log_dir, mlp(depth=2), sgd(3.0))


@training("Dead units by their bias", ("dead_units", 1, "conv2"))
def dead_by_bias(log_dir: Path) -> None:
    model = cnn()
    model.get_layer("conv2").bias.assign(np.where(np.arange(16) < 11, -6.0, 0.0))
    fit(log_dir, model, adam(1e-3), methods=CNN_METHODS)


@training("Vanishing through sigmoids", ("vanishing", 1, "dense1"))
def vanishing_sigmoids(log_dir: Path) -> None:
    fit(log_dir, mlp("sigmoid", depth=10, width=24), sgd(0.1))


@training("Exploding to NaN", ("exploding", 90, "dense"), ("not_finite", 95, "dense"))
def exploding(log_dir: Path) -> None:
    """Targets that are not normalised, and a learning rate that rises until nothing holds."""
    rate = keras.optimizers.schedules.ExponentialDecay(1e-6, 1, 1.12)
    fit(
        log_dir,
        regressor(depth=4),
        sgd(rate),
        y=100 * NUMBERS[:EXAMPLES],
        probes=(X[-PROBES:], 100 * NUMBERS[-PROBES:]),
        loss="mse",
        methods=(Saliency(), *STATE),
        epochs=6,
        unit="batch",
    )


@training("Saturated tanh", ("saturated", 1, "dense"))
def saturated(log_dir: Path) -> None:
    wide = keras.initializers.RandomNormal(stddev=8.0)
    fit(log_dir, mlp("tanh", kernel_initializer=wide), adam(1e-3))


@training("Flat maps of a dead network", ("flat_maps", 4, ""))
def flat(log_dir: Path) -> None:
    model = cnn()
    model.get_layer("conv2").bias.assign(np.full(16, -8.0))
    fit(log_dir, model, adam(1e-3), methods=CNN_METHODS)


@training("Collapse to one answer", ("collapse", 2, ""))
def collapse(log_dir: Path) -> None:
    """Weights so small that the output, and its gradient, hardly depend on the picture."""
    small = keras.initializers.RandomNormal(stddev=0.03)
    fit(
        log_dir,
        regressor(depth=3, activation="sigmoid", initial=small),
        sgd(0.05),
        y=NUMBERS[:EXAMPLES],
        probes=(X[-PROBES:], NUMBERS[-PROBES:]),
        loss="mse",
    )


def _planted(x: Any, y: Any) -> Any:
    """Pictures with a bright point at the border, whose place tells the class."""
    marked = x.copy()
    marked[np.arange(len(x)), 7 * (y // 8), y % 8] = 3
    return marked


@training("Labels that change their meaning", ("explanation_jump", CHANGE + 1, ""))
def relabelled(log_dir: Path) -> None:
    _change_midway(log_dir, X, (Y + 5) % 10, HELD_OUT[0])


@training("A shortcut planted midway", ("explanation_jump", CHANGE + 1, ""))
def shortcut(log_dir: Path) -> None:
    """From one epoch on the digits are others, and only a point at the border is right."""
    _change_midway(log_dir, _planted(np.roll(X, 1, axis=0), Y), Y, _planted(X, Y)[-PROBES:])


def _change_midway(log_dir: Path, x: Any, y: Any, probes: Any) -> None:
    model = cnn()
    model.compile(adam(3e-3), "sparse_categorical_crossentropy", jit_compile=False)
    explain = Explain(log_dir, (probes, HELD_OUT[1]), CNN_METHODS, summaries=False)
    options = {"batch_size": 32, "verbose": 0, "callbacks": [explain]}
    model.fit(X[:EXAMPLES], Y[:EXAMPLES], epochs=CHANGE, **options)
    explain.before_training = False
    model.fit(x[:EXAMPLES], y[:EXAMPLES], initial_epoch=CHANGE, epochs=EPOCHS, **options)


@training("Right by the border", ("wrong_reason", 8, "quality"))
def wrong_reason(log_dir: Path) -> None:
    """A point at the border tells the class, the digits do not; the region is the digit."""
    digits = 0.3 * np.roll(X, 1, axis=0)
    x, regions = _planted(digits, Y), digits[-PROBES:, ..., 0] > 0.03
    quality = Quality(GradientTimesInput(), ["region_share"], regions=regions)
    fit(
        log_dir,
        cnn(),
        adam(5e-3),
        x=x[:EXAMPLES],
        probes=(x[-PROBES:], HELD_OUT[1]),
        methods=(*CNN_METHODS, quality),
    )
