"""Training is the same to the last bit with and without the callback."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_explain.callbacks import Explain

X = np.random.default_rng(0).random((72, 12, 12, 3), "float32")
Y = np.random.default_rng(1).integers(0, 3, 72)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.body = [
            layers.RandomFlip(),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", dtype="float32"),
        ]

    def call(self, x, training=None):
        for layer in self.body:
            x = layer(x, training=training) if isinstance(layer, KEEPS_TRAINING) else layer(x)
        return x


KEEPS_TRAINING = (layers.RandomFlip, layers.BatchNormalization, layers.Dropout)


AUGMENTATION = layers.RandomFlip, lambda: layers.RandomTranslation(0.1, 0.1)


def stacked(*first, augmentation=AUGMENTATION):
    return keras.Sequential(
        [
            *first,
            *(make() for make in augmentation),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", dtype="float32"),
        ]
    )


MODELS = {
    "built": lambda: stacked(keras.Input((12, 12, 3))),
    "unbuilt": stacked,
    # XLA does not compile the augmentation layers.
    "plain": lambda: stacked(keras.Input((12, 12, 3)), augmentation=()),
    "subclassed": Subclassed,
}


def train(folder, model, callbacks, *, policy="float32", **compile_options):
    """Everything that the training left behind."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    keras.mixed_precision.set_global_policy(policy)
    try:
        net = MODELS[model]()
        net.compile(
            "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **compile_options
        )
        history = net.fit(
            X, Y, epochs=3, batch_size=16, verbose=0, validation_split=0.2, callbacks=callbacks
        )
    finally:
        keras.mixed_precision.set_global_policy("float32")
    variables = [*net.variables, *net.optimizer.variables, *net.metrics_variables]
    state = [np.asarray(v.value).astype("float64") for v in variables]
    draws = (random.random(), np.random.random(), float(tf.random.uniform(())))  # noqa: NPY002
    return state, history.history, draws


CASES = [
    *[
        ("plain", {"steps_per_execution": n, "jit_compile": j})
        for n in (1, 4)
        for j in (False, True)
    ],
    ("built", {"steps_per_execution": 4}),
    ("built", {}),
    ("plain", {"run_eagerly": True}),
    ("built", {"policy": "mixed_bfloat16"}),
    ("unbuilt", {}),
    ("subclassed", {}),
]


@pytest.mark.parametrize(("model", "options"), CASES)
def test_training_is_bit_identical_with_and_without(tmp_path, model, options):
    callback = Explain(tmp_path, (X[:8], Y[:8]), strict=True)
    bare = train(tmp_path, model, [], **options)
    watched = train(tmp_path, model, [callback], **options)
    assert callback.traces == 1
    assert len(bare[0]) == len(watched[0])
    for ours, theirs in zip(watched[0], bare[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert watched[1] == bare[1]
    assert watched[2] == bare[2]


def test_explaining_between_batches_is_bit_identical(tmp_path):
    callback = Explain(tmp_path, (X[:8], Y[:8]), every=2, unit="batch")
    bare = train(tmp_path, "built", [])
    watched = train(tmp_path, "built", [callback])
    np.testing.assert_array_equal(
        np.concatenate([a.ravel() for a in watched[0]]),
        np.concatenate([a.ravel() for a in bare[0]]),
    )
    assert watched[1:] == bare[1:]


def test_a_difference_would_be_seen(tmp_path):
    class Disturbs(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model(X[:8], training=True)

    bare, disturbed = (train(tmp_path, "built", c) for c in ([], [Disturbs()]))
    assert any((a != b).any() for a, b in zip(bare[0], disturbed[0], strict=True))
