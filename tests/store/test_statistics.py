"""Figures of rows, against NumPy's own on the finite values of each row."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from keras_explain.store.encoding import encode
from keras_explain.store.schema import STATS
from keras_explain.store.statistics import as_shown, drift, row_statistics

FLOATS = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=3, max_side=7),
    elements=st.floats(width=32) | st.just(0.0) | st.floats(-10, 10, width=32),
)


def expected(row):
    finite = row[np.isfinite(row)].astype(np.float64)
    shares = [finite.size / row.size, float((row == 0).mean())]
    if not finite.size:
        return [np.nan] * 8 + shares
    quantiles = [np.percentile(finite, p) for p in (1, 5, 50, 95, 99)]
    return [finite.min(), finite.max(), finite.mean(), *quantiles, *shares]


@given(FLOATS)
def test_figures_are_those_of_the_finite_values(values):
    figures = row_statistics(values)
    assert figures.shape == (len(values), len(STATS) - 1)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        wanted = np.array([expected(row.ravel()) for row in values]).astype(np.float32)
    scale = np.nan_to_num(np.abs(values[np.isfinite(values)]).max(initial=0))
    np.testing.assert_allclose(figures, wanted, rtol=1e-5, atol=1e-6 * scale)


def test_figures_of_a_known_row():
    row = np.array([[*range(101), np.nan, np.inf, -np.inf]], np.float32)
    figures = dict(zip(STATS, row_statistics(row)[0], strict=False))
    assert figures["min"] == 0
    assert figures["max"] == 100
    assert [figures[f"p{p}"] for p in (1, 5, 50, 95, 99)] == [1, 5, 50, 95, 99]
    assert figures["mean"] == 50
    assert figures["finite"] == np.float32(101 / 104)
    assert figures["zero"] == np.float32(1 / 104)


@pytest.mark.parametrize(("shown", "wanted"), [("sum", [[1, 7]]), ("max", [[3, 4]])])
def test_channels_become_one_picture(shown, wanted):
    values = np.array([[[3, -2], [3, 4]]], np.float32)
    np.testing.assert_array_equal(as_shown(values, ("width", "channel"), shown), wanted)
    np.testing.assert_array_equal(
        as_shown(values.transpose(0, 2, 1), ("channel", "width"), shown), wanted
    )


@pytest.mark.parametrize("count", [1, 2, 16, 17, 40])
def test_few_and_many_channels_are_reduced_alike(count):
    values = np.random.default_rng(0).normal(size=(2, 5, count)).astype(np.float32)
    total = values.astype(np.float64).sum(axis=-1)
    np.testing.assert_allclose(as_shown(values, ("width", "channel"), "sum"), total, atol=1e-5)
    largest = as_shown(values, ("width", "channel"), "max")
    np.testing.assert_array_equal(largest, values.max(axis=-1))
    values[1, 3, count - 1] = np.nan
    for shown in ("sum", "max"):
        assert np.isnan(as_shown(values, ("width", "channel"), shown)[1, 3])


def test_channels_of_their_own_are_left_alone():
    values = np.ones((1, 2, 3), np.float32)
    assert as_shown(values, ("width", "channel"), "all") is values


def test_drift_is_one_minus_cosine():
    before = encode(np.array([[1, 0], [1, 0], [1, 0], [1, 1]], np.float32))
    now = encode(np.array([[5, 0], [0, 1e-9], [-2, 0], [1, 0]], np.float32))
    np.testing.assert_allclose(drift(now, before), [0, 1, 2, 1 - 0.5**0.5], rtol=1e-6)


def test_drift_is_exactly_zero_where_nothing_moved():
    rows = encode(np.random.default_rng(0).normal(size=(8, 40)).astype(np.float32))
    assert not drift(rows, rows).any()


def test_drift_is_nan_where_it_is_undefined():
    rows = encode(np.array([[0, 0], [np.nan, 1], [1, 2]], np.float32))
    np.testing.assert_array_equal(np.isnan(drift(rows, rows)), [True, True, False])
    assert np.isnan(drift(rows, None)).all()
    assert np.isnan(drift(rows, encode(np.ones((3, 3), np.float32)))).all()
