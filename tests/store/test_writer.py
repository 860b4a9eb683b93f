"""Writing steps: what comes back, what is refused, and what a refusing disk leaves behind."""

import builtins
import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from keras_explain.store import Reader, RecordSpec, Run, Writer, folder

from .conftest import FIGURES, MAPS, probe_set, step_info, step_records, visible_steps


def test_what_is_written_is_read(tmp_path, probes):
    writer = Writer(tmp_path, probes, start=-1)
    for step in (-1, 0, 5):
        path = writer.write(step_info(step, epoch=step, logs={"loss": step}), step_records(step))
        assert path.name == f"step-000-{step + 1:010d}.safetensors"
    run = Run(tmp_path)
    assert run.steps == (-1, 0, 5)
    assert run.keys == ("maps", "figures")
    assert run.specs["maps"] == MAPS
    assert run.logs["loss"].tolist() == [-1, 0, 5]
    for key, (_, values) in zip(run.keys, step_records(5), strict=True):
        np.testing.assert_allclose(run.load(key, 5), values, rtol=2**-11, atol=1e-3)
        np.testing.assert_array_equal(run.load(key, 5, [1]), run.load(key, 5)[[1]])


def test_any_safetensors_reader_opens_a_step(tmp_path, probes):
    from safetensors import safe_open

    path = Writer(tmp_path, probes, 0).write(step_info(0), step_records(0))
    with safe_open(path, "np") as file:
        values = file.get_tensor("maps").astype(np.float32)
        scale = file.get_tensor("maps#scale").reshape(-1, 1, 1, 1)
    np.testing.assert_array_equal(values * scale, Run(tmp_path).load("maps", 0))


def test_a_step_without_records_is_a_step(tmp_path, probes):
    writer = Writer(tmp_path, probes, 0)
    writer.write(step_info(0), step_records(0))
    writer.write(step_info(1), [])
    assert Run(tmp_path).steps == (0, 1)
    assert Run(tmp_path).keys == ("maps", "figures")


def test_drift_is_the_distance_that_diff_finds(tmp_path, probes):
    writer = Writer(tmp_path, probes, 0)
    for step in (0, 3, 4):
        writer.write(step_info(step), step_records(step))
    run = Run(tmp_path)
    drift = run.stats("maps")["drift"]
    assert np.isnan(drift[0]).all()
    np.testing.assert_allclose(drift[1], run.diff("maps", 0, 3).cosine, rtol=1e-6)
    np.testing.assert_allclose(drift[2], run.diff("maps", 3, 4).cosine, rtol=1e-6)


def test_a_step_written_again_replaces_its_file_and_drifts_from_the_step_before(tmp_path, probes):
    writer = Writer(tmp_path, probes, 0)
    writer.write(step_info(0), step_records(0))
    writer.write(step_info(1), step_records(7))
    writer.write(step_info(1), step_records(1))
    run = Run(tmp_path)
    assert run.steps == (0, 1)
    np.testing.assert_allclose(run.load("maps", 1), step_records(1)[0][1], atol=1e-3)
    drift = run.stats("maps")["drift"][1]
    np.testing.assert_allclose(drift, run.diff("maps", 0, 1).cosine, rtol=1e-6)


def test_a_training_that_goes_on_continues_its_attempt_and_its_drift(tmp_path, probes):
    Writer(tmp_path, probes, 0).write(step_info(0), step_records(0))
    writer = Writer(tmp_path, probes, 1)
    writer.write(step_info(1), step_records(1))
    run = Run(tmp_path)
    assert writer.attempt == 0
    drift = run.stats("maps")["drift"][1]
    np.testing.assert_allclose(drift, run.diff("maps", 0, 1).cosine, rtol=1e-6)


def test_other_probes_open_a_new_attempt(tmp_path, probes):
    Writer(tmp_path, probes, 0).write(step_info(0), step_records(0))
    writer = Writer(tmp_path, probe_set(seed=1), 1)
    assert writer.attempt == 1
    writer.write(step_info(1), step_records(1))
    assert Run(tmp_path).steps == (1,)


@pytest.mark.parametrize(
    ("info", "records", "message"),
    [
        ({"step": -1}, [], "`step` must be at least 3, the last one. Received: -1"),
        ({"count": 2}, [], "`targets` must be 3, one a probe"),
        ({}, [(MAPS, np.ones((2, 4, 5, 2)))], "must have 3 rows of axes .* Received: .2, 4, 5, 2"),
        ({}, [(MAPS, np.ones((3, 4, 5)))], "must have 3 rows of axes"),
        ({}, [(FIGURES, np.ones((3, 6)))], "must have 2 rows"),
        ({}, [(MAPS, np.ones((3, 0, 5, 2)))], "must have 3 rows"),
        ({}, [(MAPS, np.full((3, 4, 5, 2), "a"))], "values of 'maps' must be numbers"),
        ({}, step_records(0) * 2, "keys of a step's records must differ"),
        (
            {},
            [(RecordSpec("c", "m", ("bin",), True, labels={"bin": (1,)}), np.ones((3, 5)))],
            "must have 5 entries .or edges, one more.*Received: 1",
        ),
    ],
)
def test_a_wrong_step_is_told_and_not_written(tmp_path, probes, info, records, message):
    writer = Writer(tmp_path, probes, 0)
    writer.write(step_info(3), [])
    before = visible_steps(tmp_path)
    with pytest.raises(ValueError, match=message):
        writer.write(step_info(**{"step": 4, **info}), records)
    assert visible_steps(tmp_path) == before


ROOT = Path(__file__).parents[2]


class FailingDisk:
    """Counts what is asked of the disk, and refuses the k-th request."""

    def __init__(self, monkeypatch, fail_at):
        self.calls, self.fail_at = 0, fail_at
        monkeypatch.setattr(folder, "open", self.open, raising=False)
        for name in ("replace", "fsync"):
            call = getattr(os, name)
            monkeypatch.setattr(
                folder.os, name, lambda *args, call=call: (self.ask(), call(*args))[1]
            )

    def ask(self):
        self.calls += 1
        if self.calls == self.fail_at:
            raise OSError(errno.ENOSPC, "No space left on device")

    def open(self, *args, **options):
        self.ask()
        file = builtins.open(*args, **options)  # noqa: SIM115 - `Torn` closes it
        disk = self

        class Torn:
            """Takes a part of the bytes at a time, as a disk that is filling up may."""

            def write(self, content):
                disk.ask()
                return file.write(content[: len(content) // 2 + 1])

            def fileno(self):
                return file.fileno()

            def __enter__(self):
                return self

            def __exit__(self, *error):
                file.close()

        return Torn()


def test_whichever_request_the_disk_refuses_only_that_step_is_lost(tmp_path, monkeypatch, probes):
    lost_in_all = 0
    for k in range(1, 10_000):
        place = tmp_path / str(k)
        Writer(place, probes, 0)  # the probes' file is not what is tested
        with monkeypatch.context() as patch:
            writer = Writer(place, probes, 0, fsync=True)
            disk = FailingDisk(patch, k)
            lost = []
            for step in range(4):
                before = visible_steps(place)
                try:
                    writer.write(step_info(step), step_records(step))
                except OSError:
                    lost.append(step)
                    left = visible_steps(place)
                    left.pop(folder.step_file(0, step), None)  # only its last fsync was refused
                    assert left == before
        run = Run(place)
        assert run.problems == ()
        assert set(range(4)) - set(lost) <= set(run.steps)
        for step in run.steps:
            np.testing.assert_allclose(run.load("maps", step), step_records(step)[0][1], atol=1e-2)
        assert len(lost) == (k <= disk.calls)
        lost_in_all += len(lost)
        if k > disk.calls:
            break
    assert lost_in_all == k - 1 > 20


def test_a_full_disk_costs_the_step_and_nothing_else(tmp_path):
    code = """
        import resource, signal, sys
        from pathlib import Path
        from keras_explain.store import Run, Writer
        from tests.store.conftest import probe_set, step_info, step_records

        place = Path(sys.argv[1])
        writer = Writer(place, probe_set(), 0)
        size = writer.write(step_info(0), step_records(0)).stat().st_size
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, resource.RLIM_INFINITY))
        try:
            writer.write(step_info(1), step_records(1))
        except OSError as error:
            print(error.strerror)
        assert not list(place.glob(".tmp-*"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        writer.write(step_info(2), step_records(2))
        print(Run(place).steps, Run(place).problems)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout == "File too large\n(0, 2) ()\n"


def test_what_a_killed_writer_left_is_swept(tmp_path, probes):
    (tmp_path / ".tmp-step-000-0000000001.safetensors").write_bytes(b"half")
    Writer(tmp_path, probes, 0)
    assert [path.name for path in tmp_path.iterdir()] == [folder.probes_file(probes.hash)]


def test_a_reader_sees_new_steps_and_keeps_what_it_knows(tmp_path, probes):
    writer = Writer(tmp_path, probes, 0)
    reader = Reader(tmp_path)
    assert reader.index().steps == ()
    writer.write(step_info(0), step_records(0))
    first = reader.index()
    assert reader.index() is first
    writer.write(step_info(1), step_records(1))
    second = reader.index()
    assert [step.info.step for step in second.steps] == [0, 1]
    assert second.steps[0] is first.steps[0]
