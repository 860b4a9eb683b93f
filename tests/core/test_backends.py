"""Which Keras backends are supported, and what the others are told."""

import keras
import numpy as np
import pytest

import keras_explain
from keras_explain import backends


def test_another_backend_is_told_what_is_supported(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(ValueError, match="Supported: tensorflow, jax, torch. Received: 'numpy'"):
        backends.current()
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="Supported: tensorflow"):
        keras_explain.explain(model, np.ones((1, 2), "float32"))


def test_a_compiled_function_has_the_variables_values_of_each_call():
    variable = keras.Variable([1.0, 2.0])
    times = backends.current().compiled(lambda values, by: values[0] * by, [variable])
    by = keras.ops.convert_to_tensor(1.0)
    before = times(by)
    variable.assign([3.0, 4.0])
    np.testing.assert_array_equal(before, [1, 2])
    np.testing.assert_array_equal(times(by), [3, 4])


def test_what_a_compiled_function_returned_does_not_follow_later_training():
    variable = keras.Variable([1.0, 2.0])
    (before,) = backends.current().compiled(lambda values: values, [variable])()
    variable.assign_sub([1.0, 1.0])
    np.testing.assert_array_equal(before, [1, 2])
