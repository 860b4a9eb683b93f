"""What replays leave, compared to the last bit."""

import numpy as np

from keras_explain.store import RECORDS, Reader


def written(log_dir):
    """By step, what it says of itself and its records as they were written."""
    reader = Reader(log_dir / "explain" / RECORDS)
    return {step.info.step: (step.info, reader.written(step)) for step in reader.index().steps}


def assert_same(was, now):
    """Two steps' records are the same, bit for bit, with their drift."""
    assert [record.spec for record in was] == [record.spec for record in now]
    for one, other in zip(was, now, strict=True):
        np.testing.assert_array_equal(one.encoded.values, other.encoded.values)
        np.testing.assert_array_equal(one.encoded.scale, other.encoded.scale)
        np.testing.assert_array_equal(one.stats, other.stats)
