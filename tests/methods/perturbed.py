"""Networks of which the perturbation methods' answers are known."""

import importlib.util
import itertools
from functools import lru_cache

import keras
import numpy as np
import pytest
from keras import layers

from tests.reference.perturbation_reference import LIBRARIES, TABLE, attributions, weights

MISSING = [name for name in LIBRARIES if not importlib.util.find_spec(name)]
LIVE = [
    pytest.mark.live,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]
REFERENCES = ["table", pytest.param("live", marks=LIVE)]


@lru_cache
def reference(name):
    """Weights and inputs, and what the libraries find: the committed table, or on new weights."""
    if name == "table":
        return dict(np.load(TABLE))
    given = weights(seed=23)
    return {**given, **attributions(given)}


def of_pictures(given):
    model = keras.Sequential(
        [
            keras.Input((10, 10, 2)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.set_weights([given["conv"], given["conv_bias"], given["head"], np.zeros(3)])
    return model


def of_tables(given):
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(10, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.set_weights([given["hidden"], given["hidden_bias"], given["out"], np.zeros(3)])
    return model


def linear(kernel, shape=None):
    """The sum of the inputs, each times its weight."""
    inputs = keras.Input(shape or kernel.shape)
    outputs = layers.Dense(1, name="sum")(layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    model.set_weights([np.reshape(kernel, (-1, 1)), np.array([0.7])])
    return model


def two_inputs(rng):
    """A picture and a table, of which the score is not a sum."""
    picture, table = keras.Input((4, 4, 1), name="picture"), keras.Input((3,), name="table")
    both = layers.Concatenate()([layers.Flatten()(picture), table])
    hidden = layers.Dense(8, activation="tanh")(both)
    model = keras.Model([picture, table], layers.Dense(2)(hidden))
    x = [rng.normal(size=(3, 4, 4, 1)).astype("f4"), rng.normal(size=(3, 3)).astype("f4")]
    return model, x


def of_tokens():
    """Token ids whose score is the sum of a number that each word has: word 0 has none."""
    model = keras.Sequential(
        [
            keras.Input((7,), dtype="int32"),
            layers.Embedding(20, 2, name="words"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1),
        ]
    )
    words = np.random.default_rng(2).normal(size=(20, 2))
    words[0] = 0
    model.set_weights([words, 7 * np.ones((2, 1)), np.zeros(1)])
    return model, words.sum(axis=1).astype("f4")


def shapley(scores):
    """By the definition: what each feature gains, over all orders in which they may come.

    Args:
        scores: Of each coalition; bit i of its number says whether feature i is there.
    """
    features = len(scores).bit_length() - 1
    orders = np.array(list(itertools.permutations(range(features))))
    there = np.cumsum(1 << orders, axis=1)
    gains = scores[there] - scores[np.pad(there[:, :-1], ((0, 0), (1, 0)))]
    return np.array([gains[orders == feature].mean() for feature in range(features)])


def every_there(features):
    """Which features are there in each coalition, by its number."""
    return (np.arange(2**features)[:, None] >> np.arange(features) & 1).astype(bool)


def fitted(tmp_path, method, rows=4):
    """What a callback kept after two epochs, and what the model says then: (kept, expected)."""
    import keras_explain
    from keras_explain.callbacks import Explain

    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(rows, 6)).astype("f4"), np.arange(rows) % 3
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="softmax")])
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    callback = Explain(tmp_path, (x, y), [method], strict=True)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
    expected = keras_explain.explain(model, x, method, labels=y)
    expected = expected if isinstance(expected, dict) else {method.name: expected}
    run = keras_explain.Run(tmp_path)
    return {key: run.load(key, 1) for key in expected}, expected, (model, x, y)
