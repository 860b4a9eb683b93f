"""Every bit of a step's file, and every byte: a flipped one is refused, or changes nothing."""

import os

import numpy as np
import pytest

from keras_explain.store import Failure, Reader, RecordSpec, StepInfo, StoreError, Writer
from tests.store.conftest import probe_set

MAPS = RecordSpec("m", "saliency", ("height", "width"), True, options={"a": 1.5})
NAMED = RecordSpec("n", "figures", ("bin",), True, rows=("k", "b"), precision="float32")


class Folder:
    """A folder with one small step, whose files are replaced over and over."""

    def __init__(self, place):
        self.place = place
        writer = Writer(place, probe_set(count=1), 0)
        info = StepInfo(
            step=0, wall_time=1.0, targets=[3], epoch=0, logs={"loss": 0.5},
            failures=[Failure(0, "lime", "no")], totals={"dropped": 2}, seconds={"pass": 0.1},
        )  # fmt: skip
        maps = np.array([[[0.25, -1.5], [3.0, 4.0]]], np.float32)
        figures = np.array([[1e-30, 2.0, 5.5], [7.0, np.nan, np.inf]], np.float32)
        self.step = writer.write(info, [(MAPS, maps), (NAMED, figures)])
        (self.probes,) = place.glob("probes-*")
        writer.close()
        self.reader, self.changes = Reader(place), 0
        self.truth = self.read()

    def put(self, path, content):
        self.changes += 1
        path.write_bytes(content)
        # As if a second had passed: the reader looks at files whose time has changed.
        os.utime(path, ns=(self.changes * 10**9,) * 2)
        os.utime(self.place, ns=(self.changes * 10**9,) * 2)

    def read(self):
        """All that can be read, each part refused on its own."""
        self.reader._listed = (0, 0.0)
        index = self.reader.index()
        found = {}
        for step in index.steps:
            found["info"] = step.info
            found["specs"] = {key: stored.spec for key, stored in step.layout.items()}
            for key in step.layout:
                for name, figures in self.reader.stats(index, key).items():
                    if not np.isnan(figures).all():
                        found["stats", key, name] = figures.tobytes()
                try:
                    found[key] = self.reader.load(step, key).tobytes()
                except StoreError:
                    continue
            try:
                probes = self.reader.probes(step).load()
                found["probes"] = probes.hash, probes.inputs["x"].tobytes(), probes.to_json()
            except StoreError:
                continue
        return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return Folder(tmp_path_factory.mktemp("bits"))


def assert_true(folder, at):
    for part, value in folder.read().items():
        assert value == folder.truth[part], (at, part)


def every_bit(content):
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bit, flipped


def every_byte(content):
    """Each byte as zero, as one more, and changed for the next."""
    for at in range(len(content)):
        for value in (0, (content[at] + 1) % 256, content[(at + 1) % len(content)]):
            changed = bytearray(content)
            changed[at] = value
            yield at, changed
        swapped = bytearray(content)
        swapped[at - 1], swapped[at] = content[at], content[at - 1]
        yield at, swapped


@pytest.mark.parametrize("changes", [every_bit, every_byte])
@pytest.mark.parametrize("name", ["step", "probes"])
def test_nothing_false_is_shown(folder, name, changes, request):
    if changes is every_byte and not request.config.getoption("--faults"):
        pytest.skip("--faults")
    path = getattr(folder, name)
    content, refused = path.read_bytes(), 0
    for at, changed in changes(content):
        folder.put(path, changed)
        assert_true(folder, at)
        refused += changed != content
    folder.put(path, content)
    assert folder.read() == folder.truth
    assert refused > len(content)


def test_a_damaged_file_costs_one_step(tmp_path):
    writer = Writer(tmp_path, probe_set(count=1), 0)
    paths = [
        writer.write(
            StepInfo(step=step, wall_time=0.0, targets=[0]),
            [(MAPS, np.full((1, 2, 2), step + 1, np.float32))],
        )
        for step in range(20)
    ]
    for step, path in enumerate(paths):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        index = Reader(tmp_path).index()
        assert [one.info.step for one in index.steps] == [n for n in range(20) if n != step]
        assert [problem.file for problem in index.problems] == [path.name]
        path.write_bytes(content)


def test_an_array_of_another_shape_than_was_written_is_refused(tmp_path):
    writer = Writer(tmp_path, probe_set(count=1), 0)
    maps = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    path = writer.write(StepInfo(step=0, wall_time=0.0, targets=[0]), [(MAPS, maps)])
    content = path.read_bytes()
    assert content.count(b'"shape":[1,2,3]') == 1
    path.write_bytes(content.replace(b'"shape":[1,2,3]', b'"shape":[1,3,2]'))
    (problem,) = Reader(tmp_path).index().problems
    assert "other shapes than were written" in problem.error
