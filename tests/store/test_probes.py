"""The probes: what is stored, and what their hash covers."""

import dataclasses

import numpy as np
import pytest

from keras_explain import Run
from keras_explain.store import DamagedFile, DamagedRecord, ProbeSet, Reader, UnknownRecord, Writer
from keras_explain.store.folder import RECORDS, probes_file
from keras_explain.store.input_facts import InputFacts

from .conftest import probe_set, step_info, step_records


def read_back(folder, probes):
    Writer(folder, probes, 0).write(step_info(0), [])
    reader = Reader(folder)
    return reader.probes(reader.index().steps[0])


def test_probes_come_back_as_they_were(tmp_path):
    probes = ProbeSet(
        inputs={
            "photo": np.random.default_rng(0).random((3, 4, 4, 1)),
            "words": np.arange(9).reshape(3, 3).astype(np.int32),
            "flags": np.array([True, False, True]),
        },
        axes={"photo": ("height", "width", "channel"), "words": ("token",), "flags": ()},
        kinds={"photo": "image", "words": "tokens", "flags": "features"},
        labels=[2, 0, 1],
        class_names=["a", "b", "c"],
    )
    again = read_back(tmp_path, probes).load()
    assert again.hash == probes.hash
    assert again.class_names == ("a", "b", "c")
    for name, values in probes.inputs.items():
        assert again.inputs[name].dtype == values.dtype
        np.testing.assert_array_equal(again.inputs[name], values)
    np.testing.assert_array_equal(again.labels, [2, 0, 1])
    assert again.axes == probes.axes


def test_the_hash_covers_the_examples():
    probes = probe_set()
    changed = {"x": probes.inputs["x"] + np.float32(1e-3)}
    others = [
        dataclasses.replace(probes, inputs=changed),
        dataclasses.replace(probes, labels=None),
        dataclasses.replace(probes, kinds={"x": "volume"}),
        dataclasses.replace(probes, axes={"x": ("width", "height", "channel")}),
    ]
    assert len({probes.hash, *(other.hash for other in others)}) == 5
    assert {probe_set().hash, *(other.hash for other in alike(probes))} == {probes.hash}


def alike(probes):
    """The same examples under other names, and with a picture."""
    pictures = {"x": np.zeros((probes.count, 2, 2, 3), "uint8")}
    return [
        dataclasses.replace(probes, class_names=["a"], pictures=pictures),
        dataclasses.replace(probes, facts={"x": InputFacts(names=["red"])}),
    ]


def test_the_newest_names_and_pictures_hold_for_all_steps(tmp_path):
    for start, probes in enumerate([probe_set(), *alike(probe_set())]):
        writer = Writer(tmp_path / "explain" / RECORDS, probes, start)
        writer.write(step_info(start), step_records(start))
        run = Run(tmp_path)
        assert run.steps == tuple(range(start + 1))
        assert run.probes.class_names == probes.class_names
        assert set(run.probes.pictures) == set(probes.pictures)
        assert run.probes.facts["x"].names == tuple(probes.facts.get("x", InputFacts()).names)


def test_rows_are_read_alone(tmp_path):
    probes = probe_set()
    file = read_back(tmp_path, probes)
    np.testing.assert_array_equal(file.read("x", [2, 0]), probes.inputs["x"][[2, 0]])
    with pytest.raises(UnknownRecord, match=r"`input` must be one of x. Received: 'y'"):
        file.read("y", [0])
    with pytest.raises(UnknownRecord, match="`rows` must be below 3"):
        file.read("x", [3])


def test_a_damaged_row_of_the_probes_is_refused(tmp_path):
    probes = probe_set()
    file = read_back(tmp_path, probes)
    path = tmp_path / probes_file(probes.hash)
    content = bytearray(path.read_bytes())
    at = content.index(probes.inputs["x"][1].tobytes())
    content[at] ^= 1
    path.write_bytes(content)
    file.read("x", [0, 2])
    with pytest.raises(DamagedRecord, match="Rows of input 'x'"):
        file.read("x", [1])


def test_missing_probes_are_told(tmp_path):
    probes = probe_set()
    read_back(tmp_path, probes)
    (tmp_path / probes_file(probes.hash)).unlink()
    reader = Reader(tmp_path)
    with pytest.raises(DamagedFile, match=r"probes-\w{12}.safetensors cannot be read"):
        reader.probes(reader.index().steps[0])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"inputs": {}}, "`inputs` must map the names"),
        ({"inputs": {"x": np.array([["a"]])}}, r"`inputs\['x'\]` must hold numbers"),
        ({"kinds": {"x": "sound"}}, r"must be one of image, .*Received: 'sound'"),
        ({"axes": {"x": ("height",)}}, r"must name the 3 axes of one example"),
        ({"labels": [1]}, r"`labels` must be 3 integers"),
        ({"labels": [0.5, 1, 2]}, r"`labels` must be 3 integers, one a probe. Received: .float64"),
    ],
)
def test_wrong_probes_are_told(fields, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(probe_set(), **fields)
