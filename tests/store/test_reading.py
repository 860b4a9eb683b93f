"""A reader of a long run reads what is looked at, and ends at the same as one that reads all."""

import contextlib

import pytest

from keras_explain.store import Reader, reader
from keras_explain.store.layout import step_bytes

from .conftest import probe_set, step_info

STEPS, FIRST = 40, 3


@pytest.fixture
def folder(tmp_path):
    for step in range(STEPS):
        content = step_bytes(step_info(step), 0, probe_set().hash, [])
        (tmp_path / f"step-000-{step + 1:010d}.safetensors").write_bytes(content)
    return tmp_path


@pytest.fixture
def opened(monkeypatch):
    """Names of the files opened."""
    names, real = [], reader.opened

    @contextlib.contextmanager
    def noting(path):
        names.append(path.name)
        with real(path) as file:
            yield file

    monkeypatch.setattr(reader, "opened", noting)
    return names


def numbers(index):
    return [step.info.step for step in index.steps]


def test_only_the_newest_and_what_is_asked_for_is_read(folder, opened):
    lazy = Reader(folder, FIRST)
    assert numbers(lazy.index()) == [37, 38, 39]
    assert numbers(lazy.index([5, 38, 5, 99])) == [5, 37, 38, 39]
    index = lazy.index([5])
    assert len(opened) == len(set(opened)) == FIRST + 1
    assert index is lazy.index()
    assert index.unread == STEPS - len(opened)
    assert [found.step for found in index.listed] == list(range(STEPS))


def test_reading_on_goes_from_the_newest_to_the_first_and_ends(folder, opened):
    lazy = Reader(folder, FIRST)
    assert numbers(lazy.read_on(seconds=0)) == [36, 37, 38, 39]
    assert numbers(lazy.read_on()) == list(range(STEPS))
    assert lazy.read_on().unread == 0
    assert len(opened) == STEPS
    everything = Reader(folder).index()
    assert lazy.index() == everything


def test_a_damaged_file_is_listed_until_it_is_read_and_never_shown(folder):
    damaged = folder / "step-000-0000000006.safetensors"
    content = bytearray(damaged.read_bytes())
    content[60] ^= 1
    damaged.write_bytes(content)
    lazy = Reader(folder, FIRST)
    assert 5 in [found.step for found in lazy.index().listed]
    index = lazy.index([5])
    assert 5 not in index.by_number
    assert 5 not in [found.step for found in index.listed]
    assert [problem.file for problem in index.problems] == [damaged.name]


def test_a_file_that_changes_is_read_again_and_one_that_goes_is_forgotten(folder, opened):
    lazy = Reader(folder, FIRST)
    lazy.read_on()
    again = folder / "step-000-0000000006.safetensors"
    info = step_info(5, logs={"fit": 2.0})
    again.write_bytes(step_bytes(info, 0, probe_set().hash, []))
    (folder / "step-000-0000000007.safetensors").unlink()
    index = lazy.index([5])
    assert index.step(5).info.logs == {"fit": 2.0}
    assert 6 not in [found.step for found in index.listed]
    assert opened[STEPS:] == [again.name]


def test_an_attempt_at_other_probes_is_not_listed(folder):
    for step in range(20, 30):
        content = step_bytes(step_info(step), 1, probe_set(seed=1).hash, [])
        (folder / f"step-001-{step + 1:010d}.safetensors").write_bytes(content)
    index = Reader(folder, FIRST).index()
    assert [found.step for found in index.listed] == list(range(20, 30))
    assert numbers(index) == [27, 28, 29]
