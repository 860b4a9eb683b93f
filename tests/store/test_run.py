"""The user's face of the records."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

import keras_explain
from keras_explain.store import RECORDS, Reader, RecordsNotFound, UnknownRecord, Writer
from tests.fixtures.make_run import make_run

from .conftest import probe_set, step_info, step_records


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    place = tmp_path_factory.mktemp("logs") / "run1"
    make_run(place, steps=4)
    return place


def test_every_folder_that_a_person_may_mean_is_found(log_dir):
    places = ("", "explain", "explain" / RECORDS, "..")  # also the folder above a single run
    runs = [keras_explain.Run(log_dir / place) for place in places]
    assert len({run.folder.resolve() for run in runs}) == 1
    assert keras_explain.Run(str(log_dir)).steps == (-1, 0, 1, 2)


def test_a_folder_above_several_runs_names_them(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    for place in (first, second):
        make_run(place, steps=1)
    with pytest.raises(RecordsNotFound) as caught:
        keras_explain.Run(tmp_path)
    message = str(caught.value)
    assert "Looked in:" in message
    assert str(tmp_path / "explain" / RECORDS) in message
    assert f"Runs below it: {first}, {second}." in message
    assert f"Received: '{tmp_path}'" in message


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no records of keras_explain"):
        keras_explain.Run(tmp_path / "nowhere")


def test_a_run_tells_all_of_itself(log_dir):
    run = keras_explain.Run(log_dir)
    assert run.epochs == (-1, 0, 1, 2)
    assert run.keys[:3] == ("predictions", "scores", "saliency")
    assert run.load("grad_cam/conv5", step=2).shape == (16, 12, 12)
    assert run.predictions(2).shape == (16, 10)
    assert run.probes.inputs["image"].shape == (16, 48, 48, 3)
    assert run.specs["saliency"].shown == "max"
    assert np.isnan(run.logs["loss"][0])
    assert run.failures[-1].source == "smooth_grad"
    assert run.totals == {"failures": 1, "dropped": 0, "left_out": 0}
    assert run.seconds["explaining"][-1] / run.seconds["training"][-1] == pytest.approx(0.007)
    assert run.stats("saliency")["p99"].shape == (4, 16)
    assert run.problems == ()
    assert "steps=4" in repr(run)


def test_diff_is_signed_and_comes_with_figures(log_dir):
    run = keras_explain.Run(log_dir)
    found = run.diff("saliency", 0, 2)
    expected = run.load("saliency", 2) - run.load("saliency", 0)
    np.testing.assert_array_equal(found.values, expected)
    assert found.cosine.shape == found.spearman.shape == found.top10.shape == (16,)


def test_a_wrong_question_is_answered_with_the_right_ones(log_dir):
    run = keras_explain.Run(log_dir)
    with pytest.raises(UnknownRecord, match=r"`step` must be one of -1, 0, 1, 2. Received: 9"):
        run.load("saliency", 9)
    with pytest.raises(UnknownRecord, match=r"must be one of predictions, .*Received: 'lime'"):
        run.load("lime", 0)
    with pytest.raises(UnknownRecord, match="Rows of 'saliency' must be from 0 to 15"):
        run.load("saliency", 0, [16])
    with pytest.raises(UnknownRecord, match="`key` must be one of predictions"):
        run.stats("lime")


def test_refresh_finds_what_is_new(tmp_path):
    writer = Writer(tmp_path, probe_set(), 0)
    writer.write(step_info(0), step_records(0))
    run = keras_explain.Run(tmp_path)
    writer.write(step_info(1), step_records(1))
    assert run.steps == (0,)
    assert run.refresh().steps == (0, 1)


def test_a_quiet_folder_is_not_listed_again_and_a_new_step_is_seen_at_once(tmp_path, monkeypatch):
    writer = Writer(tmp_path / RECORDS, probe_set(), 0)
    writer.write(step_info(0), step_records(0))
    long_ago = time.time() - 60
    os.utime(tmp_path / RECORDS, (long_ago, long_ago))
    reader, listed = Reader(tmp_path / RECORDS), []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or scan(path))
    first = reader.index()
    assert reader.index() is first
    assert len(listed) == 1
    for step in (1, 2):  # the second within the moment that times may not tell apart
        writer.write(step_info(step), step_records(step))
        assert [each.info.step for each in reader.index().steps] == list(range(step + 1))


def test_reading_a_run_imports_nothing_heavy(log_dir):
    code = (
        "import sys, keras_explain; run = keras_explain.Run(sys.argv[1]); run.diff('scores', 0, 1);"
        "heavy = {'keras', 'tensorflow', 'matplotlib', 'jax', 'torch', 'sklearn', 'pandas'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(log_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
