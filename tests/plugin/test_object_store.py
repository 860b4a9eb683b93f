"""TensorBoard on a bucket: it reads the event file there, and the tab the records."""

import json
import os
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

import keras_explain
from keras_explain.store.place import place_of
from tests.fixtures.make_run import make_run
from tests.fixtures.object_store import BUCKET, ObjectStore
from tests.fixtures.unbundle import unbundle

from .conftest import Provider, ask, client_of
from .test_tensorboard import TensorBoard

# With TensorFlow beside it, TensorBoard asks TensorFlow for files, which knows no s3://.
WITHOUT_TENSORFLOW = Path(__file__).parents[1] / "fixtures" / "without_tensorflow"
LOGS = f"s3://{BUCKET}/logs"


@pytest.fixture(scope="module")
def store():
    server = ObjectStore()
    make_run(place_of(f"{LOGS}/group/a"), steps=3)
    yield server
    server.shut()


def test_tensorboard_and_the_tab_read_a_run_on_s3(store):
    with patch.dict(os.environ, PYTHONPATH=str(WITHOUT_TENSORFLOW)):
        board = TensorBoard("--logdir", LOGS)
    try:
        name = "group/a/explain"
        assert board.wait_for_runs(1)[name]["steps"] == 3
        manifest = json.loads(board.explain("manifest", run=name)[2])
        run = keras_explain.Run(f"{LOGS}/group/a")
        assert (manifest["steps"], manifest["name"]) == (list(run.steps), "group/a")
        assert manifest["problems"] == []
        status, _, content = board.explain("values", run=name, input="image", rows="3")
        assert status == 200
        values, _ = unbundle(content)
        np.testing.assert_array_equal(values["values"][0], run.probes.inputs["image"][3])
        status, _, content = board.explain("maps", run=name, key="saliency", steps="0", rows="2")
        bundle, _ = unbundle(content)
        maps = bundle["maps"].astype(np.float32) * bundle["scale"][..., None, None]
        truth = run.load("saliency", 0).max(axis=-1)[2]
        np.testing.assert_allclose(maps[0, 0], truth, atol=np.nanmax(truth) * 2**-11)
        assert not [line for line in board.said if "Traceback" in line]
    finally:
        board.close()


def test_a_bucket_is_the_logdir_or_one_of_several(store):
    runs = {"logdir": "group/a/explain", "spec": "far/group/a/explain"}
    for client, run in (
        (client_of(Provider(runs["logdir"]), LOGS), runs["logdir"]),
        (client_of(Provider(runs["spec"]), None, f"far:{LOGS}"), runs["spec"]),
    ):
        listed = json.loads(ask(client, "runs").data)["runs"]
        assert [each["run"] for each in listed] == [run]


def test_no_name_of_a_run_leads_out_of_the_log_directory(store):
    make_run(place_of(f"s3://{BUCKET}/secret"), steps=1)
    store.asked.clear()
    names = ("../secret/explain", "group/../../secret/explain", "..")
    client = client_of(Provider(*names), LOGS)
    assert json.loads(ask(client, "runs").data)["runs"] == []
    assert not [path for _, path, _ in store.asked if "secret" in path]
    for name in names:
        assert ask(client, "maps", run=name, key="saliency").status_code in (400, 404)
