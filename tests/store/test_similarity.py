"""Figures of likeness, against SciPy and against answers known by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from keras_explain.store.similarity import cosine_distance, diff, spearman_distance, top_overlap

ROWS = st.integers(2, 30).flatmap(
    lambda size: arrays(np.float32, (2, size), elements=st.integers(-20, 20).map(lambda n: n / 4))
)


@given(ROWS)
def test_spearman_and_cosine_agree_with_scipy(pair):
    spatial = pytest.importorskip("scipy.spatial.distance")
    stats = pytest.importorskip("scipy.stats")
    a, b = pair[:1], pair[1:]
    constant = np.ptp(a) == 0 or np.ptp(b) == 0
    wanted = np.nan if constant else 1 - stats.spearmanr(a[0], b[0]).statistic
    np.testing.assert_allclose(spearman_distance(a, b), [wanted], atol=1e-9)
    zero = not a.any() or not b.any()
    cosine = np.nan if zero else spatial.cosine(a[0].astype(float), b[0].astype(float))
    np.testing.assert_allclose(cosine_distance(a, b), [cosine], atol=1e-9)


@given(ROWS)
def test_a_row_is_like_itself_and_overlap_is_symmetric(pair):
    a, b = pair[:1], pair[1:]
    assert top_overlap(a, a) == 1
    assert top_overlap(a, b) == top_overlap(b, a)
    assert 0 <= top_overlap(a, b)[0] <= 1


def test_overlap_of_known_rows():
    a = np.arange(20, dtype=np.float32)[None]  # the top tenth is at 18 and 19
    b = np.roll(a, 1)  # at 19 and 0
    assert top_overlap(a, b) == 1 / 3
    assert top_overlap(a, -a) == 1


def test_a_row_with_nan_has_no_figure():
    a = np.array([[1, np.nan, 2], [1, 2, 3]], np.float32)
    found = diff(a, a)
    for figure in (found.cosine, found.spearman, found.top10):
        np.testing.assert_array_equal(np.isnan(figure), [True, False])


def test_extreme_values_neither_overflow_nor_vanish():
    for size in (1e38, 1e-38):
        a = np.array([[size, 0]], np.float32)
        b = np.array([[size, size]], np.float32)
        np.testing.assert_allclose(cosine_distance(a, b), [1 - 0.5**0.5])


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"equal shapes.*\(1, 2\) and \(1, 3\)"):
        diff(np.ones((1, 2), np.float32), np.ones((1, 3), np.float32))
