"""Two trainings in one folder: each step shown is of one writer, and no series is mixed."""

import fcntl
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_explain import Run
from keras_explain.store import Writer, claim
from keras_explain.store.reader import Reader
from tests.store.conftest import probe_set, step_info, step_records

from .recording import Recorded

ROOT = Path(__file__).parents[2]
PROBES = probe_set()


def write(writer, step, name):
    writer.write(step_info(step, logs={"writer": name}), step_records(step))


def writers_by_attempt(folder):
    """Who has written what lies in the folder, shown or not."""
    found = {}
    for path in folder.glob("step-*.safetensors"):
        with tempfile.TemporaryDirectory() as alone:
            shutil.copy(path, alone)
            (step,) = Reader(alone).index().steps
            found.setdefault(step.attempt, set()).add(step.info.logs["writer"])
    return found


@hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("wwwwsec")), max_size=25))
def test_no_two_live_writers_share_an_attempt(moves):
    """Three trainings that write, start (anew or resumed), and end, in any order."""
    with tempfile.TemporaryDirectory() as place:
        folder, alive, steps, names = Path(place), {}, {}, 0
        sharing = {}
        for who, move in moves:
            if move in "sc" or who not in alive:
                if who in alive:
                    alive.pop(who)[0].close()
                start = steps.get(who, -1) + 1 if move == "c" else 0
                names += 1
                alive[who] = Writer(folder, PROBES, start), names
                steps[who] = start - 1
            writer, name = alive[who]
            if move == "e":
                alive.pop(who)[0].close()
                continue
            steps[who] += 1
            write(writer, steps[who], name)
            for other, (another, _) in alive.items():
                assert other == who or another.attempt != writer.attempt
            sharing.setdefault(writer.attempt, []).append(name)
        for writer, _ in alive.values():
            writer.close()
        # Writers of one attempt came one after the other, and the shown series is theirs.
        for of_attempt in sharing.values():
            changes = sum(a != b for a, b in itertools.pairwise(of_attempt))
            assert changes == len(set(of_attempt)) - 1
        if sharing:
            shown = Reader(folder).index().steps
            attempts = [step.attempt for step in shown]
            assert attempts == sorted(attempts)
        assert not list(folder.glob(".attempt-*"))


def test_a_second_writer_hides_the_first_and_is_told(tmp_path):
    first, second = Writer(tmp_path, PROBES, 0), None
    for step in range(6):
        write(first, step, 1)
        if step == 2:
            second = Writer(tmp_path, PROBES, 3)
        if second is not None:
            write(second, step + 1, 2)
    assert second.others == (f"process {os.getpid()} on {os.uname().nodename}",)
    run = Run(tmp_path)
    assert run.logs["writer"].tolist() == [1, 1, 1, 2, 2, 2, 2]
    assert writers_by_attempt(tmp_path) == {0: {1}, 1: {2}}


def test_one_that_no_longer_writes_is_not_told_of(tmp_path):
    first = Writer(tmp_path, PROBES, 0)  # an interrupted `fit` in a notebook
    write(first, 0, 1)
    second = Writer(tmp_path, PROBES, 0)
    write(second, 0, 2)
    assert second.others == ()
    assert second.attempt == 1


def test_of_a_lock_s_file_only_a_few_words_are_read(tmp_path):
    with (tmp_path / ".attempt-007.lock").open("w") as stranger:
        fcntl.flock(stranger, fcntl.LOCK_EX)
        stranger.write("x" * 100_000)
        stranger.flush()
        (other,) = Writer(tmp_path, PROBES, 0)._alive
    assert len(other.said) == 200


CHILD = """
import sys
from keras_explain.store import Writer
from tests.store.conftest import probe_set, step_info, step_records

writer = Writer(sys.argv[1], probe_set(), int(sys.argv[2]))
print(writer.attempt, flush=True)
for line in sys.stdin:
    writer.write(step_info(int(line), logs={"writer": 9}), step_records(int(line)))
    print(writer.others, flush=True)
"""


@pytest.fixture
def child(tmp_path):
    """A writer in another process, and a way to ask it for a step."""
    started = []

    def start(first):
        command = [sys.executable, "-c", CHILD, str(tmp_path), str(first)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        started.append(process)

        def ask(step):
            process.stdin.write(f"{step}\n")
            process.stdin.flush()
            return process.stdout.readline()

        return process, int(process.stdout.readline()), ask

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_another_process_gets_an_attempt_of_its_own_until_the_first_is_killed(tmp_path, child):
    process, attempt, ask = child(0)
    assert attempt == 0
    ask(0)
    beside = Writer(tmp_path, PROBES, 1)
    assert beside.attempt == 1
    ask(1)
    write(beside, 1, 2)
    assert beside.others == (f"process {process.pid} on {os.uname().nodename}",)
    beside.close()
    shutil.rmtree(tmp_path)
    ask(2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [path.name for path in tmp_path.glob(".attempt-*")] == [".attempt-000.lock"]
    resumed = Writer(tmp_path, PROBES, 3)  # the lock of a dead process holds nobody up
    assert resumed.attempt == 0
    write(resumed, 3, 2)
    assert resumed.others == ()
    assert Run(tmp_path).logs["writer"].tolist() == [9, 2]


def test_who_removes_the_folder_of_a_running_training_does_not_get_its_attempt(tmp_path):
    place = tmp_path / "run"
    running = Writer(place, PROBES, 0)
    write(running, 0, 1)
    shutil.rmtree(place)
    new = Writer(place, PROBES, 0)
    for step in range(3):
        write(new, step, 2)
        write(running, step + 1, 1)
    assert new.attempt != running.attempt
    for names in writers_by_attempt(place).values():
        assert len(names) == 1


def test_what_cannot_be_read_today_is_not_mixed_with_what_is_written_now(tmp_path, monkeypatch):
    with_steps = Writer(tmp_path, PROBES, 0)
    for step in range(3):
        write(with_steps, step, 1)
    with_steps.close()
    monkeypatch.setattr(Reader, "index", lambda reader: Reader(tmp_path / "nothing")._index)
    blind = Writer(tmp_path, PROBES, 3)
    assert blind.attempt == 1


def test_where_there_are_no_locks_a_writer_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(claim, "fcntl", None)
    writer = Writer(tmp_path, PROBES, 0)
    write(writer, 0, 1)
    writer.close()
    assert Run(tmp_path).steps == (0,)


def test_the_callback_tells_of_another_training_once(tmp_path):
    recorded, others = Recorded(), []

    def before(step):
        if step == 0:
            others.append(
                Writer(tmp_path / "explain" / "plugins" / "keras_explain", recorded.probes, 0)
            )
        if step > 0:
            others[0].write(step_info(step, count=2), [])

    recorder = recorded.run(tmp_path, steps=5, before=before)
    (told,) = recorder.failure_texts()
    assert "Another training is writing to the same folder: process" in told
    assert recorder._dropped == 0
    run = Run(tmp_path)
    assert run.steps == tuple(range(5))
    assert [step.attempt for step in run._index.steps] == [1] * 5
    assert run.failures[0].error.startswith("FileExistsError: Another")
