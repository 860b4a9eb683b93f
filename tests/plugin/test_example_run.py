"""The run that ships with the tab: there when it is asked for, and never otherwise."""

import json

import numpy as np
import pytest

import keras_explain
from keras_explain.demo.excerpt import KEPT, LARGEST, excerpt, pack
from keras_explain.demo.story import EPOCHS
from keras_explain.tensorboard_plugin import example_run
from keras_explain.tensorboard_plugin.example_run import EXAMPLE, FILE, ExampleRun
from keras_explain.tensorboard_plugin.queries import NotFound
from tests.fixtures.make_run import make_run
from tests.plugin.conftest import RUNS, Provider, ask, client_of


def test_it_is_of_the_demo_s_training_and_small():
    assert FILE.stat().st_size <= LARGEST
    example = ExampleRun()
    reader = example.reader()
    index = reader.index()
    assert not index.problems
    assert [step.info.step for step in index.steps] == list(range(-1, EPOCHS))
    assert set(index.records) == set(KEPT)
    first, last = (reader.load(index.steps[at], "grad_cam/conv4") for at in (1, -1))
    assert np.isfinite(last).all()
    assert np.abs(last - first).max() > 0.1


def test_it_is_served_by_its_name_and_never_listed(client):
    listed = json.loads(ask(client, "runs").data)
    assert listed["example"] == EXAMPLE
    assert EXAMPLE not in [run["run"] for run in listed["runs"]]
    manifest = json.loads(ask(client, "manifest", run=EXAMPLE).data)
    assert manifest["name"] == EXAMPLE
    assert len(manifest["steps"]) == EPOCHS + 1
    found = ask(client, "maps", run=EXAMPLE, key="grad_cam/conv4", steps="15")
    assert found.status_code == 200


def test_a_run_of_the_user_s_comes_before_it(tmp_path):
    make_run(tmp_path / "run", steps=2)
    (tmp_path / "run" / "explain").rename(tmp_path / EXAMPLE)
    client = client_of(Provider(EXAMPLE), tmp_path)
    served = json.loads(ask(client, "manifest", run=EXAMPLE).data)
    assert len(served["steps"]) < EPOCHS


def test_nothing_is_unpacked_until_it_is_asked_for(client, monkeypatch):
    monkeypatch.setattr(example_run.zipfile, "ZipFile", lambda file: pytest.fail("unpacked"))
    assert ask(client_of(Provider(*RUNS)), "runs").status_code == 200


def test_a_place_without_room_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(example_run.tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(NotFound, match="cannot be unpacked"):
        ExampleRun().reader()
    (tmp_path / "broken.zip").write_bytes(b"PK no more")
    monkeypatch.undo()
    with pytest.raises(NotFound, match="cannot be unpacked"):
        ExampleRun(tmp_path / "broken.zip").reader()


def test_an_excerpt_holds_the_numbers_of_the_run(tmp_path, monkeypatch):
    make_run(tmp_path / "run", steps=3)
    monkeypatch.setattr("keras_explain.demo.excerpt.KEPT", ("saliency", "predictions"))
    excerpt(tmp_path / "run", tmp_path / "part")
    pack(tmp_path / "part", tmp_path / "part.zip")
    example = ExampleRun(tmp_path / "part.zip")
    part = example.reader()
    assert set(part.index().records) == {"saliency", "predictions"}
    whole = keras_explain.Run(tmp_path / "run")
    for step in part.index().steps:
        number = step.info.step
        np.testing.assert_array_equal(part.load(step, "saliency"), whole.load("saliency", number))
