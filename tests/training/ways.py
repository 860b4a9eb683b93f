"""The ways to train with Keras, each as one small training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
from keras import layers

from keras_explain.methods import DEFAULT
from tests.seeds import seed

from .watching import BACKEND, Broken, Trained, Watch, X, Y

ALL = ("tensorflow", "jax", "torch")
WAYS: dict[str, "Way"] = {}


@dataclass(frozen=True)
class Way:
    """One way to train.

    Attributes:
        train: Trains, watched or not.
        backends: Those of Keras's that have it.
        steps: Those that are logged.
        needs: Packages that it needs beside the backend.
    """

    train: Callable[[Watch], Trained]
    backends: Sequence[str]
    steps: list[int]
    needs: Sequence[str]


def way(name, *backends, steps=(-1, 0, 1), needs=()):
    """Make a training known as one way."""

    def known(train):
        WAYS[name] = Way(train, backends or ALL, list(steps), needs)
        return train

    return known


def stacked(*first, **head):
    """Sequential, with batch normalisation and dropout."""
    return keras.Sequential(
        [
            *first,
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", dtype="float32", **head),
        ]
    )


def built():
    return stacked(keras.Input((8, 8, 1)))


def ready(model=None, optimizer=None, **options):
    """A compiled model; XLA only where it is what a way is about."""
    model = model or built()
    jit = "auto" if BACKEND == "jax" else False
    options = {"metrics": ["accuracy"], "jit_compile": jit, **options}
    model.compile(
        optimizer or keras.optimizers.Adam(0.01),
        "sparse_categorical_crossentropy",
        **options,
    )
    return model


def fitted(watch: Watch, model=None, data=(X, Y), *, before=(), after=(), watched=None, **options):
    model = model or ready()
    options = {"epochs": 2, "verbose": 0, **options}
    if isinstance(data, tuple):
        options = {"y": data[1], "batch_size": 8, **options}
    callbacks = [*before, *watch.callbacks(**(watched or {})), *after]
    history = model.fit(
        data[0] if isinstance(data, tuple) else data, callbacks=callbacks, **options
    )
    return Trained(model, history.history)


@way("NumPy arrays, `validation_split`, `class_weight`")
def arrays(watch):
    weights = {0: 1.0, 1: 2.0, 2: 0.5}
    watched = {"methods": [*DEFAULT, Broken()], "summaries": True}
    return fitted(watch, class_weight=weights, validation_split=0.25, watched=watched)


@way("`tf.data`", needs=["tensorflow"])
def tf_data(watch):
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(24, seed=1).batch(8)
    return fitted(watch, data=data.prefetch(1), validation_data=data)


@way("`PyDataset`, in two threads")
def py_dataset(watch):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return X[index * 8 :][:8], Y[index * 8 :][:8]

    return fitted(watch, data=Batches(workers=2))


@way("a Python generator")
def generator(watch):
    # A generator of its own: batches are drawn ahead, and by how many is up to the clock.
    draw = np.random.default_rng(seed(3))

    def batches():
        while True:
            chosen = draw.permutation(24)[:8]
            yield X[chosen], Y[chosen]

    return fitted(watch, data=batches(), steps_per_epoch=3)


@way("a PyTorch `DataLoader`", needs=["torch"])
def data_loader(watch):
    import torch

    pairs = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    own = None if BACKEND == "torch" else torch.Generator().manual_seed(1)  # else nobody seeds it
    data = torch.utils.data.DataLoader(pairs, batch_size=8, shuffle=True, generator=own)
    return fitted(watch, data=data)


@way("`steps_per_execution=2`", "tensorflow", "jax")
def several_steps(watch):
    return fitted(watch, ready(steps_per_execution=2, jit_compile="auto"))


@way("`steps_per_execution=2`, explained every batch", "tensorflow", "jax", steps=[-1, 1, 2, 4, 5])
def several_steps_every_batch(watch):
    return fitted(watch, ready(steps_per_execution=2, jit_compile=False), watched={"unit": "batch"})


@way("explained every batch", steps=range(-1, 6))
def every_batch(watch):
    return fitted(watch, watched={"unit": "batch"})


@way("`jit_compile=True`", "tensorflow", "jax")
def jit(watch):
    return fitted(watch, ready(jit_compile=True))


@way("`jit_compile=False`")
def no_jit(watch):
    return fitted(watch, ready(jit_compile=False))


@way('`jit_compile="auto"`')
def auto_jit(watch):
    return fitted(watch, ready(jit_compile="auto"))


@way("`run_eagerly=True`")
def eager(watch):
    return fitted(watch, ready(run_eagerly=True))


@way("`mixed_bfloat16`")
def bfloat16(watch):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    return fitted(watch)


@way("`mixed_float16`, with loss scaling")
def float16(watch):
    keras.mixed_precision.set_global_policy("mixed_float16")
    trained = fitted(watch)
    assert type(trained.model.optimizer).__name__ == "LossScaleOptimizer"
    return trained


@way("gradient accumulation")
def accumulation(watch):
    return fitted(
        watch, ready(optimizer=keras.optimizers.Adam(0.01, gradient_accumulation_steps=2))
    )


@way("built by its first batch")
def unbuilt(watch):
    return fitted(watch, ready(stacked()))


@way("subclassed, with augmentation")
def subclassed(watch):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.flip = layers.RandomFlip()
            self.body = stacked()

        def call(self, x, training=None):
            return self.body(self.flip(x, training=training), training=training)

    return fitted(watch, ready(Net()))


@way("`add_loss`, regularizers")
def further_losses(watch):
    class Pulls(layers.Layer):
        def call(self, x):
            self.add_loss(0.1 * keras.ops.mean(keras.ops.square(x)))
            return x

    model = stacked(
        keras.Input((8, 8, 1)), Pulls(), kernel_regularizer="l2", activity_regularizer="l1"
    )
    return fitted(watch, ready(model))


@way("layers frozen, then unfrozen and compiled anew", steps=range(-1, 4))
def unfrozen(watch):
    model = built()
    model.layers[0].trainable = False
    first = fitted(watch, ready(model)).figures
    model.layers[0].trainable = True
    again = fitted(watch, ready(model), initial_epoch=2, epochs=4).figures
    return Trained(model, {name: first[name] + again[name] for name in first})


@way("layers unfrozen by a callback, within one `fit`", "tensorflow")
def unfrozen_within(watch):
    model = built()
    model.layers[0].trainable = False
    thaw = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: setattr(model.layers[0], "trainable", epoch > 0)
    )
    return fitted(watch, ready(model), before=[thaw])


@way("a resumed training: loaded, `initial_epoch`", steps=range(-1, 4))
def resumed(watch):
    first = fitted(watch)
    with TemporaryDirectory() as folder:
        first.model.save(Path(folder, "resumed.keras"))
        model = keras.models.load_model(Path(folder, "resumed.keras"))
    again = fitted(watch, model, initial_epoch=2, epochs=4)
    return Trained(model, again.figures)


class Keeps(keras.callbacks.Callback):
    """Keeps the weights of the last epoch's end, as the callbacks beside it see them."""

    weights = None

    def on_epoch_end(self, epoch, logs=None):
        self.weights = self.model.get_weights()


def averaging():
    return ready(optimizer=keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5))


@way("`SwapEMAWeights` before ours: the averaged weights are explained")
def averaged(watch):
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    return fitted(watch, averaging(), before=[swap])


@way("`SwapEMAWeights` after ours: the latest weights are explained")
def not_averaged(watch):
    swap, keeps = keras.callbacks.SwapEMAWeights(swap_on_epoch=True), Keeps()
    trained = fitted(watch, averaging(), before=[keeps], after=[swap])
    trained.shown = keeps.weights
    return trained


@way("beside `EarlyStopping`, `ModelCheckpoint`, `ReduceLROnPlateau`")
def in_company(watch):
    callbacks = keras.callbacks
    keeps = Keeps()
    after = [
        callbacks.ReduceLROnPlateau("loss", patience=0, min_delta=10.0),
        callbacks.EarlyStopping("loss", patience=1, min_delta=10.0, restore_best_weights=True),
    ]
    with TemporaryDirectory() as folder:
        after.append(callbacks.ModelCheckpoint(Path(folder, "best.keras")))
        trained = fitted(watch, before=[keeps], after=after, epochs=5)
    trained.shown = keeps.weights
    return trained
