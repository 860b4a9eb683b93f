"""Specs and infos: what goes in comes out of plain JSON, and mistakes are told in words."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_explain.store import Failure, RecordSpec, StepInfo
from keras_explain.store.format.meaning import QUANTITIES, UNITS
from keras_explain.store.plain import loads, plain

from .conftest import step_info

NAMES = st.text(min_size=1, max_size=30)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.builds(
        RecordSpec,
        key=NAMES.filter(lambda name: "#" not in name),
        method=NAMES,
        axes=st.lists(NAMES, max_size=4, unique=True).map(tuple),
        signed=st.booleans(),
        shown=st.sampled_from(["all", "sum", "max"]),
        layer=st.none() | NAMES,
        rows=st.none() | st.lists(NAMES, max_size=3).map(tuple),
        labels=st.dictionaries(NAMES, st.lists(st.floats() | NAMES, max_size=3), max_size=2),
        options=st.dictionaries(NAMES, JSONS, max_size=3),
        title=st.text(max_size=10),
        precision=st.sampled_from(["float16", "float32"]),
        quantity=st.sampled_from(sorted(QUANTITIES)),
        unit=st.sampled_from(sorted(UNITS)),
    )
)
def test_a_spec_survives_json(spec):
    text = json.dumps(spec.to_json(), allow_nan=False)
    assert RecordSpec.from_json(spec.key, json.loads(text)) == spec


def test_an_info_survives_json():
    info = step_info(
        7, epoch=7, logs={"loss": np.float32(0.5), "bad": math.inf}, seconds={"pass": 0.1},
        failures=[Failure(7, "lime", "no")], totals={"failures": np.int64(1)},
        target="true minus predicted",
    )  # fmt: skip
    assert StepInfo.from_json(json.loads(json.dumps(info.to_json(), allow_nan=False))) == info
    assert StepInfo.from_json(info.to_json()).logs["bad"] == math.inf


def test_a_long_failure_is_told_by_its_beginning():
    failure = Failure(7, "s" * 1_001, "e" * 2_001)
    assert (len(failure.source), len(failure.error)) == (1_000, 2_000)


def test_an_info_from_before_targets_had_words_is_read():
    fields = step_info(7, target="true").to_json()
    assert fields.pop("target") == "true"
    assert StepInfo.from_json(fields) == step_info(7, target=None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"key": ""}, r"`key` must be text of 1 to 1000 characters. Received: ''"),
        ({"key": "x" * 1_001}, r"`key` must be text of 1 to 1000 characters. Received: 'xxx"),
        ({"key": "a#scale"}, r"must not end with #scale, #crc32, #stats.*Received: 'a#scale'"),
        ({"shown": "mean"}, r"`shown` must be one of all, sum, max. Received: 'mean'"),
        ({"precision": "int8"}, r"one of float16, float32. Received: 'int8'"),
        ({"axes": ("x", "x")}, r"`axes` must differ"),
        ({"axes": "xy"}, r"`axes` must be a sequence of names. Received: 'xy'"),
        ({"signed": 1}, r"`signed` must be a bool. Received: 1"),
        ({"options": {"f": print}}, r"can be stored beside a record. Received: <built-in"),
    ],
)
def test_a_wrong_spec_is_told(fields, message):
    with pytest.raises(ValueError, match=message):
        RecordSpec(**{"key": "k", "method": "m", "axes": (), "signed": True, **fields})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"step": -2}, r"`step` must be an integer from -1 to 9999999998. Received: -2"),
        ({"step": True}, r"`step` must be an integer"),
        ({"wall_time": math.nan}, r"`wall_time` must be finite. Received: nan"),
        ({"score": "loss"}, r"`score` must be one of logit, probability, output"),
        ({"target": ""}, r"`target` must be text of 1 to 1000 characters. Received: ''"),
        ({"target": 3}, r"`target` must be text"),
        ({"targets": [1.5]}, r"`targets` must be integers, one a probe"),
        ({"logs": {"loss": "high"}}, r"`logs\['loss'\]` must be a number. Received: 'high'"),
    ],
)
def test_a_wrong_info_is_told(fields, message):
    with pytest.raises(ValueError, match=message):
        StepInfo(**{"step": 0, "wall_time": 0.0, "targets": [], **fields})


def test_infinities_are_written_so_that_float_reads_them():
    assert [float(name) for name in plain([math.inf, -math.inf])] == [math.inf, -math.inf]
    assert math.isnan(float(plain(math.nan)))


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 30 + "]" * 30, "{", "9" * 5_000])
def test_monstrous_json_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        plain(loads(text))
