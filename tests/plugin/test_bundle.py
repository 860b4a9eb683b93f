"""The binary format, byte by byte."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from keras_explain.tensorboard_plugin.bundle import bundle
from tests.fixtures.unbundle import unbundle

ARRAYS = st.sampled_from(["<f2", "<f4", "u1", "<i4"]).flatmap(
    lambda dtype: arrays(dtype, array_shapes(min_dims=1, min_side=0, max_side=5))
)


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(st.text(max_size=5), ARRAYS, max_size=4))
def test_arrays_come_back_and_lie_at_multiples_of_eight(given_arrays):
    content = bundle(given_arrays, steps=[1, 2], note="é\ud800")
    assert content[:4] == b"KXB1"
    length = int.from_bytes(content[4:8], "little")
    assert (8 + length) % 8 == 0
    header = json.loads(content[8 : 8 + length].decode("utf-8"))
    assert all(entry["offset"] % 8 == 0 for entry in header["arrays"])
    assert len(content) % 8 == 0
    found, extras = unbundle(content)
    assert extras == {"steps": [1, 2], "note": "é\ud800"}
    assert list(found) == list(given_arrays)
    for name, array in given_arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_big_endian_arrays_are_sent_little_endian():
    content = bundle({"x": np.array([1.5], ">f4")})
    assert content.endswith(np.array([1.5], "<f4").tobytes() + bytes(4))


def test_a_known_bundle():
    content = bundle({"x": np.array([1, 2], np.uint8)}, n=1)
    header = b'{"arrays":[{"name":"x","dtype":"u8","shape":[2],"offset":0}],"n":1}'
    padded = header + b" " * (-len(header) % 8)
    size = len(padded).to_bytes(4, "little")
    assert content == b"KXB1" + size + padded + b"\x01\x02" + bytes(6)
