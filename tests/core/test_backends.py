"""Which Keras backends are supported, and what the others are told."""

import keras
import numpy as np
import pytest

import keras_explain
from keras_explain import backends


def test_another_backend_is_told_what_is_supported(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(ValueError, match="Supported: tensorflow. Received: 'numpy'"):
        backends.current()
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="Supported: tensorflow"):
        keras_explain.explain(model, np.ones((1, 2), "float32"))


def test_snapshots_do_not_follow_later_training():
    variable = keras.Variable([1.0, 2.0])
    take = backends.current().snapshotter([variable])
    (before,) = take()
    variable.assign([3.0, 4.0])
    np.testing.assert_array_equal(before, [1, 2])
    np.testing.assert_array_equal(take()[0], [3, 4])
