"""Rows as float16 with a scale: nothing that float32 holds is lost beyond float16's precision."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from keras_explain.store.encoding import Encoded, encode

FLOATS = arrays(
    np.float32, array_shapes(min_dims=1, max_dims=4, max_side=6), elements=st.floats(width=32)
)


def bound(values):
    """Largest allowed error: half a float16 step of each value, or of the row's smallest."""
    flat = np.abs(values.reshape(len(values), -1).astype(np.float64))
    peak = np.where(np.isfinite(flat), flat, 0).max(axis=1)
    tiny = np.maximum(peak * 2.0**-39, 2.0**-151)[:, None]
    return np.maximum(flat * 2.0**-11, tiny).reshape(values.shape)


@given(FLOATS)
def test_decoding_gives_the_values_within_float16_precision(values):
    decoded = encode(values).decode()
    finite = np.isfinite(values)
    assert decoded.dtype == np.float32
    assert decoded.shape == values.shape
    np.testing.assert_array_equal(np.isnan(decoded), np.isnan(values))
    np.testing.assert_array_equal(
        decoded[~finite & ~np.isnan(values)], values[~finite & ~np.isnan(values)]
    )
    error = np.abs(decoded[finite].astype(np.float64) - values[finite])
    assert np.isfinite(decoded[finite]).all()
    assert (error <= bound(values)[finite]).all()


@given(st.floats(-126 + 15, 127), st.sampled_from([1, -1]))
def test_the_largest_value_of_a_row_comes_to_lie_at_the_top(exponent, sign):
    encoded = encode(np.array([[sign * 2.0**exponent, 0]], np.float32))
    assert 2**14 <= abs(float(encoded.values[0, 0])) <= 2**15
    assert np.frexp(encoded.scale[0])[0] == 0.5


@pytest.mark.parametrize("value", [1e-45, 1e-38, 1e-9, 1.0, 1e6, 3e38, np.finfo(np.float32).max])
def test_every_magnitude_survives(value):
    values = np.array([[value, -value, 0]], np.float32)
    np.testing.assert_allclose(encode(values).decode(), values, rtol=2.0**-11)


def test_powers_of_two_survive_exactly():
    values = np.ldexp(np.float32(1), np.arange(-20, 6)).reshape(1, -1)
    np.testing.assert_array_equal(encode(values).decode(), values)


def test_a_row_does_not_disturb_another():
    values = np.array([[1e-9, 2e-9], [1e9, np.inf], [np.nan, 1]], np.float32)
    for row in range(3):
        alone = encode(values[row : row + 1])
        np.testing.assert_array_equal(encode(values).values[row], alone.values[0])


def test_a_zero_row_has_scale_one():
    encoded = encode(np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal(encoded.scale, [1, 1])
    assert not encoded.values.any()


def test_a_row_without_a_finite_value_keeps_its_kinds():
    values = np.array([[np.nan, np.inf, -np.inf]], np.float32)
    np.testing.assert_array_equal(encode(values).decode(), values)


def test_the_checksum_is_crc32_of_the_values_and_then_the_scale():
    encoded = Encoded(np.array([[1, 2], [3, 4]], np.float16), np.array([1, 2], np.float32))
    expected = zlib.crc32(np.array([3, 4], "<f2").tobytes() + np.array([2], "<f4").tobytes())
    assert encoded.checksums()[1] == expected


def test_float32_is_kept_to_the_last_bit():
    rows = np.array([[1e-9, 2.2e6, np.nan], [3.0, -0.0, np.inf]], np.float32)
    encoded = encode(rows, "float32")
    np.testing.assert_array_equal(encoded.decode(), rows)
    assert encoded.scale.tolist() == [1, 1]
