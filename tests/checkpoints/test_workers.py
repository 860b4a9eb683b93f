"""A replay by several workers, some of which are killed."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.on_backend import on_backend
from tests.fixtures.replayed import EPOCHS

from .conftest import assert_same, written

# Each of seven workers imports its backend: JAX in a third of the time that TensorFlow takes.
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="JAX is not installed"),
]
ROOT = Path(__file__).parents[2]
STEPS = tuple(range(-1, EPOCHS))


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """The folder, and what was said there."""
    place = tmp_path_factory.mktemp("replayed")
    done = subprocess.run(
        [sys.executable, "-m", "tests.fixtures.replayed", place],
        env=on_backend("jax"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return place, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("engine", ["loky", "dask"])
def test_however_many_workers_the_records_are_the_same(replayed, engine):
    place, _ = replayed
    serial, parallel = written(place / "serial"), written(place / engine)
    assert tuple(serial) == tuple(parallel) == STEPS
    for step in STEPS:
        assert serial[step][0] == parallel[step][0]
        assert_same(serial[step][1], parallel[step][1])


def test_one_process_finds_what_the_training_found(replayed):
    place, said = replayed
    assert said["serial"] == {"explained": list(STEPS), "kept": [], "failed": {}}
    live, serial = written(place / "live"), written(place / "serial")
    for step in STEPS:
        assert_same(live[step][1], serial[step][1])


def test_a_killed_worker_of_loky_costs_one_more_call(replayed):
    place, said = replayed
    assert (place / "killed-loky").exists()
    assert "same call goes on" in said["loky"]["died"]
    assert said["left"] < len(STEPS)
    again = said["loky again"]
    assert sorted(again["explained"] + again["kept"]) == list(STEPS)
    assert len(again["kept"]) == said["left"]


def test_a_killed_worker_of_dask_costs_nothing(replayed):
    place, said = replayed
    assert (place / "killed-dask").exists()
    assert said["dask"] == {"explained": list(STEPS), "kept": [], "failed": {}}
