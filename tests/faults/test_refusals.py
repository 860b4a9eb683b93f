"""The file system refuses, at any call: the training goes on, and no other step is touched."""

import errno
import os
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event

from keras_explain import Run
from keras_explain.store import retry
from tests.store.test_event_file import events

from .disk import Disk
from .recording import STEPS, Recorded

ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EMFILE, errno.EROFS)
PASSING = {errno.EIO, errno.EMFILE}


@pytest.fixture(scope="module")
def recorded():
    return Recorded()


def announced(place):
    """Steps that the event files tell TensorBoard of; every length and checksum is checked."""
    found: list[Event] = []
    for path in sorted((place / "explain").glob("events.out.tfevents.*")):
        found += [event for event in events(path) if event.summary.value]
    return {event.step for event in found}


def assert_whole(recorded, place, lost, steps=STEPS):
    """All steps but the lost ones are there, as they were written, and the lost are counted."""
    run = Run(place)
    assert run.problems == ()
    assert set(run.steps) == set(range(steps)) - lost
    assert run.logs["loss"].tolist() == list(run.steps)
    for step in run.steps:
        np.testing.assert_allclose(run.load("saliency", step), recorded.maps, rtol=1e-3)
    assert not list(run.folder.glob(".tmp-*"))
    return run


def test_the_kth_call_is_refused_for_every_k(recorded, tmp_path, request):
    everything = request.config.getoption("--faults")
    for number in range(len(ERRORS) if everything else 1):
        calls = k = 0
        while k <= calls:
            k += 1
            code = ERRORS[(k + number) % len(ERRORS)]

            refused = []

            def refuse(at, call, k=k, code=code, refused=refused):
                if at == k and not refused:
                    refused.append(call)
                    raise OSError(code, os.strerror(code))

            place = tmp_path / f"{number}-{k}"
            with Disk(place, refuse) as disk:
                recorder = recorded.run(place, fsync=True)
            calls = max(calls, len(disk.calls))
            lost = set(range(STEPS)) - set(Run(place).steps)
            run = assert_whole(recorded, place, lost)
            assert len(lost) <= recorder._dropped <= len(refused)
            # Of a step that is there, but that the disk may not have yet, it is told, too.
            assert len(lost) == recorder._dropped or refused[0].name in ("open", "fsync")
            silent = not refused or refused[0].name == "unlink"
            assert silent or code in PASSING or recorder.failure_texts(), refused
            if code in PASSING:
                assert not lost, refused
            if lost and max(lost) < STEPS - 1:
                assert run.totals["dropped"] == 1
                assert run.failures[0].source == "store"
            missed = set(range(STEPS)) - announced(place)
            assert len(missed) <= (code not in PASSING and not lost), refused
            shutil.rmtree(place)
        assert calls > 10 * STEPS


@pytest.mark.parametrize("code", ERRORS, ids=errno.errorcode.get)
def test_after_a_while_without_a_disk_the_next_step_is_kept(recorded, tmp_path, code):
    away = []

    def refuse(at, call):
        if away:
            raise OSError(code, os.strerror(code))

    def before(step):
        away[:] = [True] if 6 <= step < 11 else []

    with Disk(tmp_path, refuse):
        recorder = recorded.run(tmp_path, before=before)
    run = assert_whole(recorded, tmp_path, set(range(6, 11)))
    assert run.totals["dropped"] == recorder._dropped == 5
    assert {failure.step for failure in run.failures} == set(range(6, 11))
    assert os.strerror(code) in run.failures[0].error


def test_no_pause_holds_the_training_up(recorded, tmp_path, monkeypatch):
    paused, asked = [], []
    monkeypatch.setattr(retry.time, "sleep", lambda pause: paused.append(threading.get_ident()))

    def refuse(at, call):
        if call.name == "replace":
            asked.append(call)
            if len(asked) % 2:
                raise OSError(errno.EIO, "away for a moment")

    with Disk(tmp_path, refuse):
        recorder = recorded.run(tmp_path, steps=4)
    assert_whole(recorded, tmp_path, set(), steps=4)
    assert recorder._dropped == 0
    assert len(paused) == 1 + 4  # the probes' file, and each step's
    assert threading.get_ident() not in paused


@pytest.fixture
def small_disk(tmp_path):
    """A disk of half a megabyte; a real one, where we may have it."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root may mount; tests/store/test_disk.py limits a process instead")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_is_full_and_then_is_not(recorded, small_disk):
    ballast = small_disk / "ballast"

    def before(step):
        if step == 5:
            with ballast.open("wb", buffering=0) as file:
                while True:
                    try:
                        file.write(bytes(4096))
                    except OSError:
                        break
        if step == 12:
            ballast.unlink()

    recorder = recorded.run(small_disk, before=before)
    assert_whole(recorded, small_disk, set(range(5, 12)))
    assert recorder._dropped == 7
    assert "No space left on device" in recorder.failure_texts()[0]
    assert {0, 4, 12, 19} <= announced(small_disk)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_folders_that_are_removed_come_back_with_the_next_step(recorded, tmp_path, depth):
    place = tmp_path / "run"
    removed = (place, place / "explain", place / "explain" / "plugins" / "keras_explain")

    def before(step):
        if step == 7:
            shutil.rmtree(removed[min(depth, 2)])

    recorder = recorded.run(place, before=before)
    assert_whole(recorded, place, set(range(7)))
    assert recorder._dropped == 0
    assert Run(place).probes.count == 2
    assert set(range(7, STEPS)) <= announced(place)


def test_a_file_in_the_place_of_the_folder_costs_what_it_stands_in_the_way_of(recorded, tmp_path):
    folder = tmp_path / "run" / "explain"

    def before(step):
        if step == 4:
            shutil.rmtree(folder)
            Path(folder).write_text("in the way")
        if step == 9:
            folder.unlink()

    recorder = recorded.run(tmp_path / "run", before=before)
    assert_whole(recorded, tmp_path / "run", set(range(9)))
    assert recorder._dropped == 5
