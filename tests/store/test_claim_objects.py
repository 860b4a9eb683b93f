"""Two trainings in one folder of an object store, which knows no locks."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_explain import Run
from keras_explain.store import Writer
from keras_explain.store.place import Remote, place_of
from tests.fixtures.object_store import BUCKET, ObjectStore

from .conftest import probe_set, step_info, step_records

ROOT = Path(__file__).parents[2]
PROBES = probe_set()
CLAIM = ".attempt-000.lock"


@pytest.fixture(scope="module")
def server():
    store = ObjectStore()
    yield store
    store.shut()


@pytest.fixture(params=["s3", "memory"])
def folder(request, server):
    """A new folder of a store."""
    place = f"{BUCKET}/{request.node.name}"
    server.asked.clear()
    return place_of(f"s3://{place}" if request.param == "s3" else f"memory://{place}")


def write(one, step, name):
    one.write(step_info(step, logs={"writer": name}), step_records(step))


def writers_by_attempt(folder):
    """Who has written what is shown, by attempt."""
    found = {}
    for step in Run(folder)._index.steps:
        found.setdefault(step.attempt, set()).add(step.info.logs["writer"])
    return found


def test_of_two_that_start_at_once_each_has_an_attempt_of_its_own(server, folder, monkeypatch):
    others = []

    def create(path, content):
        """Another training is faster: it starts when this one has found no claim."""
        if not others:
            others.append(None)
            others[0] = Writer(folder, PROBES, 0)
        put(path, content)

    put = Remote.create
    monkeypatch.setattr(Remote, "create", create)
    slow, fast = Writer(folder, PROBES, 0), others[0]
    assert (fast.attempt, slow.attempt) == (0, 1)
    if folder.url.startswith("s3"):
        assert [status for _, _, status in server.requests("PUT", CLAIM)] == [200, 412]
    for step in range(4):
        write(fast, 2 * step, 1)
        write(slow, 2 * step + 3, 2)
    assert writers_by_attempt(folder) == {0: {1}, 1: {2}}


def test_a_claim_is_one_conditional_put_and_is_given_back(server, folder):
    first = Writer(folder, PROBES, 0)
    if folder.url.startswith("s3"):
        assert [status for _, _, status in server.requests("PUT", CLAIM)] == [200]
    assert (folder / CLAIM).read_bytes().startswith(f"process {os.getpid()} on ".encode())
    second = Writer(folder, PROBES, 0)
    write(first, 0, 1)
    first.close()
    assert not (folder / CLAIM).exists()
    second.close()
    third = Writer(folder, PROBES, 1)
    assert third.attempt == 0
    first.close()  # twice: it takes nothing away from the one that goes on
    assert (folder / CLAIM).exists()


CHILD = """
import sys
from keras_explain.store import Writer
from tests.store.conftest import probe_set, step_info, step_records

writer = Writer(sys.argv[1], probe_set(), 0)
for step in range(2):
    writer.write(step_info(step, logs={"writer": 1}), step_records(step))
print(writer.attempt, flush=True)
sys.stdin.read()
"""


def test_a_killed_training_goes_on_in_the_next_attempt_and_drifts_from_its_last_step(server):
    folder = place_of(f"s3://{BUCKET}/killed")
    whole = Writer(place_of("memory://whole"), PROBES, 0)
    for step in range(3):
        write(whole, step, 1)
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout.readline() == b"0\n"
        process.send_signal(signal.SIGKILL)
    resumed = Writer(folder, PROBES, 2)
    assert resumed.attempt == 1
    write(resumed, 2, 2)
    run = Run(folder)
    assert run.logs["writer"].tolist() == [1, 1, 2]
    np.testing.assert_array_equal(
        run.stats("maps")["drift"], Run("memory://whole").stats("maps")["drift"]
    )
    assert np.isfinite(run.stats("maps")["drift"][2]).all()


def test_who_removes_the_folder_of_a_running_training_does_not_get_its_attempt(folder):
    running = Writer(folder, PROBES, 0)
    write(running, 0, 1)
    for file in folder.glob("*"):
        file.unlink()
    new = Writer(folder, PROBES, 0)
    write(new, 0, 2)
    write(running, 1, 1)
    write(new, 2, 2)
    write(running, 3, 1)
    assert new.attempt != running.attempt
    assert writers_by_attempt(folder) == {0: {2}, 1: {1}}


def test_an_answer_that_is_lost_leaves_the_claim_with_who_put_it(folder, monkeypatch):
    put = Remote.create

    def lost(path, content):
        put(path, content)
        raise OSError("no answer")

    monkeypatch.setattr(Remote, "create", lost)
    assert Writer(folder, PROBES, 0).attempt == 0


def unknown(path, content):
    raise OSError("501 NotImplemented")


@pytest.mark.parametrize("create", [unknown, Remote.write_bytes], ids=["refuses", "ignores"])
def test_a_store_without_conditions_is_asked_whether_there_is_a_claim(folder, monkeypatch, create):
    monkeypatch.setattr(Remote, "create", create)
    first, second = Writer(folder, PROBES, 0), Writer(folder, PROBES, 0)
    assert (first.attempt, second.attempt) == (0, 1)


def test_of_two_that_it_lets_through_the_first_gives_way_before_it_writes(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Remote, "create", Remote.write_bytes)
        patch.setattr(Remote, "exists", lambda path: False)  # each asks before the other has put
        first, second = Writer(folder, PROBES, 0), Writer(folder, PROBES, 0)
    assert first.attempt == second.attempt == 0
    write(first, 0, 1)
    write(second, 1, 2)
    assert first.attempt != second.attempt
    for names in writers_by_attempt(folder).values():
        assert len(names) == 1


def test_a_store_that_is_down_takes_no_claim_away(server, monkeypatch):
    folder = place_of(f"s3://{BUCKET}/down")
    one = Writer(folder, PROBES, 0)
    write(one, 0, 1)

    def down(path):
        raise OSError("The store did not do it")

    with monkeypatch.context() as patch:
        patch.setattr(Remote, "read_bytes", down)
        with pytest.raises(OSError, match="did not do it"):
            write(one, 1, 1)
    write(one, 2, 1)
    assert one.attempt == 0
    assert Run(folder).steps == (0, 2)


def test_a_store_that_never_shows_what_was_put_holds_nobody_up(monkeypatch, tmp_path):
    monkeypatch.setattr("keras_explain.store.writer.claimed", lambda folder, attempt: None)
    with pytest.raises(OSError, match="can be claimed"):
        Writer(tmp_path, PROBES, 0)
