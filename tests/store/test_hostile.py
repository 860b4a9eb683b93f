"""Files from a stranger: nothing but the named errors, no wrong number, no other step hidden."""

import json
import os
import random
import re
import shutil
import struct
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_explain import Run
from keras_explain.store import DamagedFile, DamagedRecord, Reader, StoreError, Writer
from keras_explain.store.layout import Stored
from keras_explain.store.tensor_file import HEADER_CAP, opened
from tests.faults.fuzz import joined, parts

from .conftest import probe_set, step_info, step_records

NO_TEXT = rb'{"__metadata__":{"keras_explain":"\ud800"}}'
"""Half a letter, which no encoding has."""

VICTIM, NEIGHBOUR = "step-000-0000000001.safetensors", "step-000-0000000002.safetensors"


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("run")
    writer = Writer(place, probe_set(), 0)
    for step in (0, 1):
        writer.write(step_info(step, logs={"loss": 0.5}), step_records(step))
    return place


@pytest.fixture
def folder(run_folder, tmp_path):
    return shutil.copytree(run_folder, tmp_path / "run")


def read_everything(folder):
    """Every number that can be read, by step and key; only `StoreError` may come up."""
    reader = Reader(folder)
    index = reader.index()
    numbers = {}
    for key in index.records:
        reader.stats(index, key)
    for step in index.steps:
        for key in step.layout:
            try:
                numbers[step.info.step, key] = reader.load(step, key)
            except StoreError:
                continue
        try:
            reader.probes(step).load()
        except StoreError:
            continue
    return index, numbers


def assert_right_or_refused(folder, truth):
    index, numbers = read_everything(folder)
    assert [step.info.step for step in index.steps][-1:] == [1], "the neighbour is gone"
    for at, values in numbers.items():
        if at in truth:
            np.testing.assert_array_equal(values, truth[at])


def test_a_flipped_bit_is_never_drawn(folder, run_folder):
    _, truth = read_everything(run_folder)
    assert len(truth) == 4
    content = (folder / VICTIM).read_bytes()
    stats, specs = Run(folder).stats("maps"), Run(folder).specs
    chosen = random.Random(0).sample(range(8 * len(content)), 1_500)
    for bit in [*chosen, *range(64)]:
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        (folder / VICTIM).write_bytes(flipped)
        assert_right_or_refused(folder, truth)
        run = Run(folder)
        assert run.specs == specs
        if 0 in run.steps:
            assert run.logs["loss"][0] == 0.5
            row = run.stats("maps")["max"][0]
            assert np.isnan(row).all() or np.array_equal(row, stats["max"][0])


def test_a_torn_file_is_a_problem_and_hides_nothing(folder, run_folder):
    _, truth = read_everything(run_folder)
    content = (folder / VICTIM).read_bytes()
    for length in [0, 1, 7, 8, 9, 100, *range(200, len(content), 97), len(content) - 1]:
        (folder / VICTIM).write_bytes(content[:length])
        assert_right_or_refused(folder, truth)
        assert [problem.file for problem in Run(folder).problems] == [VICTIM]


@hypothesis.settings(
    max_examples=300,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    st.binary(max_size=300)
    | st.binary(max_size=60).map(lambda tail: len(tail).to_bytes(8, "little") + tail)
)
def test_noise_is_a_problem(folder, content):
    (folder / VICTIM).write_bytes(content)
    index, _ = read_everything(folder)
    assert [problem.file for problem in index.problems] == [VICTIM]
    assert len(index.steps) == 1


JUNK = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4)
    | st.lists(st.integers(-1, 2**64), max_size=3) | st.dictionaries(st.text(max_size=3), st.none())
    | st.just("\ud800") | st.just([[[[]]]]) | st.just({"axes": []})
)  # fmt: skip


def places(value, path=()):
    """Every place inside a JSON value."""
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value if isinstance(value, list) else ())
    )
    for key, inner in items:
        yield from places(inner, (*path, key))


def with_junk(value, path, junk):
    if not path:
        return junk
    copy = value.copy()
    copy[path[0]] = with_junk(copy[path[0]], path[1:], junk)
    return copy


@hypothesis.settings(
    max_examples=600,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(data=st.data())
def test_a_header_with_anything_anywhere_is_read_or_refused(folder, run_folder, data):
    header, tail = parts((run_folder / VICTIM).read_bytes())
    metadata = json.loads(header["__metadata__"]["keras_explain"])
    junk = data.draw(JUNK)
    if data.draw(st.booleans()):
        metadata = with_junk(metadata, data.draw(st.sampled_from(list(places(metadata)))), junk)
        content = joined(header, tail, metadata)
    else:
        changed = with_junk(header, data.draw(st.sampled_from(list(places(header)))), junk)
        content = joined(changed, tail)
    (folder / VICTIM).write_bytes(content)
    index, _ = read_everything(folder)
    assert index.steps[-1].info.step == 1
    for step in index.steps:
        json.dumps(step.info.to_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (struct.pack("<Q", 2**40), "header must fit .* Received: 1099511627776"),
        (struct.pack("<Q", 2**64 - 2) + b"{}", "header must fit"),
        (struct.pack("<Q", HEADER_CAP + 1) + b" " * (HEADER_CAP + 2), "header must fit"),
        (struct.pack("<Q", 60_000) + b"[" * 60_000, "not JSON: JSON is nested too deeply"),
        (struct.pack("<Q", 2) + b"[]", "not a JSON object"),
        (struct.pack("<Q", 2) + b"{}", "no metadata 'keras_explain'"),
        (struct.pack("<Q", len(NO_TEXT)) + NO_TEXT, "no metadata 'keras_explain'"),
        (b"", "ends early: 8 bytes are missing"),
    ],
)
def test_a_bomb_is_refused_by_name(folder, content, message):
    (folder / VICTIM).write_bytes(content)
    (problem,) = Reader(folder).index().problems
    assert problem.file == VICTIM
    assert re.search(message, problem.error)


@pytest.mark.parametrize(
    ("name", "entry", "message"),
    [
        ("maps", {"shape": [2**40, 4, 5, 2]}, "'maps' does not fit the file"),
        ("maps", {"shape": [3, 4, 2, 5], "dtype": "F32"}, "'maps' does not fit the file"),
        ("maps", {"dtype": "F8_E5M2"}, "'maps' is not one of ours"),
        ("maps", {"shape": [1] * 17}, "'maps' is not one of ours"),
        ("maps", {"shape": [2**63, 4, 5, 2]}, "'maps' is not one of ours"),
        ("maps", {"shape": [-3, -4, 5, 2]}, "'maps' is not one of ours"),
        ("maps", {"shape": [3, 4, 5, 2, True]}, "'maps' is not one of ours"),
        ("maps", {"shape": [0, 4, 5, 2], "data_offsets": [0, 0]}, "'maps' does not fit the file"),
        ("maps", {"data_offsets": [0, 2**62]}, "'maps' does not fit the file"),
        ("maps#scale", {"shape": [1, 3]}, "scale of its record 'maps' do not fit"),
        ("maps#scale", {"dtype": "I32"}, "scale of its record 'maps' do not fit"),
    ],
)
def test_an_array_that_does_not_fit_is_refused(folder, name, entry, message):
    header, tail = parts((folder / VICTIM).read_bytes())
    header[name].update(entry)
    (folder / VICTIM).write_bytes(joined(header, tail))
    (problem,) = Reader(folder).index().problems
    assert message in problem.error


def test_a_copied_file_cannot_pass_for_another_step(folder):
    shutil.copy(folder / NEIGHBOUR, folder / "step-007-0000000000.safetensors")
    index = Reader(folder).index()
    assert [step.info.step for step in index.steps] == [0, 1]
    assert "another step than its name" in index.problems[0].error


def test_links_pipes_and_folders_are_not_opened(folder, tmp_path):
    secret = tmp_path / "secret"
    shutil.move(folder / VICTIM, secret)
    (folder / VICTIM).symlink_to(secret)
    os.mkfifo(folder / "step-000-0000000005.safetensors")
    (folder / "step-000-0000000006.safetensors").mkdir()
    assert Run(folder).steps == (1,)


def test_what_takes_the_place_of_a_file_is_neither_followed_nor_waited_for(tmp_path):
    """Also where it came after the folder was listed."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(DamagedFile, match="not a regular file"), opened(path):
            pass
    with pytest.raises(OSError, match="symbolic link"), opened(tmp_path / "link"):
        pass


def test_a_damaged_row_costs_that_row(folder):
    content = bytearray((folder / VICTIM).read_bytes())
    run = Run(folder)
    whole = run.load("maps", 0)
    step = run._index.steps[0]
    tensor = step.layout["maps"].values
    content[step.start + tensor.begin + tensor.row_bytes] ^= 8
    (folder / VICTIM).write_bytes(content)
    np.testing.assert_array_equal(run.load("maps", 0, [0, 2]), whole[[0, 2]])
    with pytest.raises(DamagedRecord, match=r"Rows \[1\] of 'maps' at step 0 .*checksums"):
        run.load("maps", 0)


def test_a_file_that_goes_away_is_told(folder):
    run = Run(folder)
    (folder / VICTIM).unlink()
    with pytest.raises(
        DamagedRecord, match=r"'maps' at step 0: step-000-0000000001.* cannot be read"
    ):
        run.load("maps", 0)
    assert np.isnan(run.stats("maps")["max"][0]).all()


def test_a_record_that_memory_has_no_room_for_is_told(folder, monkeypatch):
    def read(*_):
        raise MemoryError

    run = Run(folder)
    monkeypatch.setattr(Stored, "read", read)
    with pytest.raises(DamagedRecord, match="240 bytes of this record: memory has no room"):
        run.load("maps", 0)


def test_a_file_cut_short_after_its_header_was_read_is_told(folder):
    run = Run(folder)
    os.truncate(folder / VICTIM, (folder / VICTIM).stat().st_size - 30)
    with pytest.raises(DamagedRecord, match="ends early"):
        run.load("maps", 0)
