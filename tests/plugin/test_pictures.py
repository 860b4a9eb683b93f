"""Inputs that look otherwise than their numbers say."""

import dataclasses

import numpy as np
import pytest

from keras_explain.store import RECORDS, Writer
from keras_explain.store.errors import DamagedFile
from keras_explain.store.probe_file import ProbeFile
from tests.fixtures.make_run import probe_set, step_info, step_records

from .conftest import Provider, ask, client_of
from .test_routes import bundle_of

PICTURES = np.random.default_rng(3).integers(0, 256, (16, 20, 30, 1)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    probes = dataclasses.replace(probe_set(), pictures={"image": PICTURES})
    writer = Writer(tmp_path / "run" / "explain" / RECORDS, probes, start=-1)
    writer.write(step_info(-1, 1), step_records(-1, 1, probes.inputs["image"]))
    return writer.folder


def test_they_are_drawn_as_was_said(folder, tmp_path):
    client = client_of(Provider("run/explain"), tmp_path)
    arrays, extras = bundle_of(client, "inputs", run="run/explain", input="image", rows="0,7")
    np.testing.assert_array_equal(arrays["pixels"], PICTURES[[0, 7]])
    assert (extras["lo"], extras["hi"], extras["height"], extras["width"]) == (0, 255, 20, 30)
    arrays, _ = bundle_of(client, "inputs", run="run/explain", input="image", size="10")
    assert arrays["pixels"].shape == (16, 7, 10, 1)
    arrays, _ = bundle_of(client, "values", run="run/explain", input="image", rows="7")
    np.testing.assert_array_equal(arrays["values"], probe_set().inputs["image"][[7]])


def test_damage_is_told(folder, tmp_path):
    [path] = folder.glob("probes-*")
    content = bytearray(path.read_bytes())
    content[content.index(PICTURES[7].tobytes())] ^= 1
    path.write_bytes(content)
    client = client_of(Provider("run/explain"), tmp_path)
    damaged = ask(client, "inputs", run="run/explain", input="image", rows="7")
    assert damaged.status_code != 200
    assert "Rows of input 'image'" in damaged.text
    assert ask(client, "inputs", run="run/explain", input="image", rows="6").status_code == 200


def test_pictures_of_another_shape_are_refused(folder):
    [path] = folder.glob("probes-*")
    content = path.read_bytes()
    named, other = b'"shape":[16,20,30,1]', b'"shape":[16,20,15,2]'
    assert content.count(named) == 1
    path.write_bytes(content.replace(named, other))
    with pytest.raises(DamagedFile, match="pictures of its input 'image'"):
        ProbeFile.open(path, probe_set().hash)
