"""Each bound on what a file may claim, by itself: the one file that only this bound refuses."""

import json
import struct
import zlib

import numpy as np
import pytest

from keras_explain.store import DamagedFile, Reader, Writer, tensor_file
from keras_explain.store.layout import MAX_ROWS
from keras_explain.store.tensor_file import HEADER_CAP, file_bytes, opened, read_header
from tests.faults.fuzz import joined, parts

from .conftest import probe_set, step_info, step_records

MANY = 450_000
"""Empty lists: 1.4 MB of JSON, and 47 MB of memory by the count of `VALUES_CAP`."""


def with_header(text):
    return struct.pack("<Q", len(text)) + text


def header_of(place, content):
    (place / "file").write_bytes(content)
    with opened(place / "file") as file:
        return read_header(file)


def marked(text):
    """A header of the metadata `text`, each of whose letters is hidden behind its number."""
    hidden = "".join(f"\\u{ord(letter):04x}" for letter in text)
    marks = {"keras_explain": "?", "keras_explain_crc32": str(zlib.crc32(text.encode()))}
    return json.dumps({"__metadata__": marks}).replace("?", hidden).encode()


def test_a_header_of_more_values_than_memory_is_for_is_refused_before_it_is_parsed(
    tmp_path, monkeypatch
):
    text = b'{"a":[' + b"[]," * MANY + b"[]]}"
    assert len(text) < HEADER_CAP
    monkeypatch.setattr(tensor_file, "loads", None)
    with pytest.raises(DamagedFile, match="Its header holds more values than a file of ours"):
        header_of(tmp_path, with_header(text))


@pytest.mark.parametrize("letters", ["[],", "{},", '"a":1,', "1,"])
def test_values_that_are_hidden_in_the_metadata_are_counted_too(tmp_path, letters):
    metadata = "[" + letters.replace('"a":1', '{"a":1}') * 100 + "1]"
    text = marked(json.dumps({"a": json.loads(metadata)}))
    with pytest.raises(DamagedFile, match="Its metadata holds more values than a file of ours"):
        header_of(tmp_path, with_header(text))


def test_what_is_not_hidden_is_read(tmp_path):
    content = file_bytes({"a": np.zeros(1, np.float32)}, {"many": [[]] * 1_000})
    assert header_of(tmp_path, content).metadata == {"many": [[]] * 1_000}


@pytest.mark.parametrize("more", [1, 2**20, HEADER_CAP - 2])
def test_a_header_longer_than_its_file_is_refused_before_it_is_read(tmp_path, more):
    with pytest.raises(DamagedFile, match=rf"and the file of 10\. Received: {2 + more}"):
        header_of(tmp_path, struct.pack("<Q", 2 + more) + b"{}")


@pytest.mark.parametrize(
    "metadata",
    [{"long": "x" * HEADER_CAP}, {"many": [[]] * MANY}, {"many": [{}] * MANY}],
    ids=["one long text", "many values", "many mappings"],
)
def test_what_could_not_be_read_again_is_not_written(metadata):
    with pytest.raises(ValueError, match="A file must not hold more than its header can tell of"):
        file_bytes({"a": np.zeros(1, np.float32)}, metadata)


def test_a_row_is_checked_in_pieces_however_long_it_is(tmp_path):
    values = np.zeros((1, 3 * 2**20), np.uint8)
    (tmp_path / "file").write_bytes(file_bytes({"a": values}, {}))
    with opened(tmp_path / "file") as file:
        header, asked, read = read_header(file), [], file.read

        class Counted:
            """Says how much was asked for at once."""

            seek = staticmethod(file.seek)

            @staticmethod
            def read(count):
                asked.append(count)
                return read(count)

        crc = header.tensors()["a"].crc32(Counted(), header.start, 0)
    assert crc == zlib.crc32(values.tobytes())
    assert max(asked) == 2**20


@pytest.fixture
def step(tmp_path):
    """The file of a step."""
    return Writer(tmp_path, probe_set(), 0).write(step_info(0), step_records(0))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("probes",), "f" * 63, "the hash of its probes is missing"),
        (("attempt",), 2**53, "Its attempt or"),
        (("schema",), 2, "schema must be 1"),
        (("stats_crc32",), [1], "one checksum of statistics a record"),
        (("shapes",), [[3, 4, 5, 2], [2, 7]], "other shapes than were written"),
        (("records", "maps", "axes"), ["height", "width"], "other axes than it names"),
        (("records", "figures", "rows"), ["kernel"], "other rows than it names"),
        (("records", "maps", "method"), "x" * 1_001, "`method` must be the name of a method"),
        (("epoch",), 2**53, "`epoch` must be an integer"),
        (("step",), 10**10 - 1, "`step` must be an integer from -1 to 9999999998"),
        (("targets",), [0, 0, 2**53], "`targets` must be integers"),
    ],
)
def test_metadata_that_do_not_fit_are_refused(step, path, value, message):
    header, tail = parts(step.read_bytes())
    metadata = json.loads(header["__metadata__"]["keras_explain"])
    within = metadata
    for name in path[:-1]:
        within = within[name]
    within[path[-1]] = value
    step.write_bytes(joined(header, tail, metadata))
    (problem,) = Reader(step.parent).index().problems
    assert message in problem.error


def test_more_rows_than_anyone_needs_are_refused(step):
    rows = MAX_ROWS + 1
    header, _ = parts(step.read_bytes())
    metadata = json.loads(header["__metadata__"]["keras_explain"])
    spec = {**metadata["records"]["maps"], "axes": []}
    metadata = {**metadata, "records": {"maps": spec}, "shapes": [[rows]], "stats_crc32": [0]}
    sizes = {"maps": ("F16", 2), "maps#scale": ("F32", 4), "maps#crc32": ("U32", 4)}
    header = {
        name: {"dtype": dtype, "shape": [rows], "data_offsets": [0, size * rows]}
        for name, (dtype, size) in sizes.items()
    }
    header["maps#stats"] = {"dtype": "F32", "shape": [rows, 11], "data_offsets": [0, 44 * rows]}
    with step.open("wb") as file:
        file.write(joined(header, b"", metadata))
        file.truncate(file.tell() + 44 * rows)  # sparse: no byte of it is on the disk
    (problem,) = Reader(step.parent).index().problems
    assert "at most 100000 rows" in problem.error
