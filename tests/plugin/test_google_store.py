"""Google Cloud Storage over its own protocol: written, read, and shown by TensorBoard.

By hand and by itself, as gcsfs must not be imported before:
`pip install gcsfs gcp-storage-emulator`.
"""

import json
import os
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

pytest.importorskip("gcp_storage_emulator")  # gcsfs is not imported before the server runs

import keras_explain
from keras_explain.store import Writer
from keras_explain.store.place import place_of
from tests.fixtures.google_store import BUCKET, GoogleStore
from tests.fixtures.make_run import make_run
from tests.store.conftest import probe_set, step_info, step_records

from .test_tensorboard import TensorBoard

WITHOUT_TENSORFLOW = Path(__file__).parents[1] / "fixtures" / "without_tensorflow"
LOGS = f"gs://{BUCKET}/logs"


@pytest.fixture(scope="module")
def store():
    server = GoogleStore()
    make_run(place_of(f"{LOGS}/group/a"), steps=3)
    yield server
    server.shut()


def test_a_run_reads_back_as_from_a_disk(store, tmp_path):
    make_run(tmp_path, steps=3)
    far, near = keras_explain.Run(f"{LOGS}/group/a"), keras_explain.Run(tmp_path)
    assert (far.steps, far.keys, far.problems) == (near.steps, near.keys, ())
    for step in near.steps:
        np.testing.assert_array_equal(far.load("saliency", step), near.load("saliency", step))
    np.testing.assert_array_equal(far.stats("saliency")["drift"], near.stats("saliency")["drift"])
    assert keras_explain.Run(LOGS).folder == far.folder


def test_a_step_that_is_written_again_is_read_again_and_a_claim_is_held(store):
    folder = place_of(f"gs://{BUCKET}/claimed")
    first, second = Writer(folder, probe_set(), 0), Writer(folder, probe_set(), 0)
    assert (first.attempt, second.attempt) == (0, 1)
    first.write(step_info(0, logs={"loss": 1.0}), step_records(0))
    run = keras_explain.Run(folder)
    first.write(step_info(0, logs={"loss": 2.0}), step_records(0))
    assert run.refresh().logs["loss"] == [2.0]
    for one in (first, second):
        one.close()
    assert not [*folder.glob(".attempt-*")]


def test_tensorboard_and_the_tab_read_a_run_on_google_s_store(store):
    with patch.dict(os.environ, PYTHONPATH=str(WITHOUT_TENSORFLOW)):
        # Its faster data server asks Google itself.
        board = TensorBoard("--logdir", LOGS, "--load_fast=false")
    try:
        name = "group/a/explain"
        assert board.wait_for_runs(1)[name]["steps"] == 3
        manifest = json.loads(board.explain("manifest", run=name)[2])
        run = keras_explain.Run(f"{LOGS}/group/a")
        assert (manifest["steps"], manifest["name"]) == (list(run.steps), "group/a")
        assert manifest["problems"] == []
        status, _, content = board.explain("maps", run=name, key="saliency", steps="0", rows="2")
        assert (status, len(content) > 1_000) == (200, True)
        assert not [line for line in board.said if "Traceback" in line]
    finally:
        board.close()
