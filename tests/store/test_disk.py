"""A disk that refuses: the step is lost, the error is the caller's, and nothing else is touched."""

import builtins
import errno
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from keras_explain import Run
from keras_explain.store import Writer, folder

from .conftest import step_info, step_records, visible_steps

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
        from keras_explain import Run
        from keras_explain.store import Writer
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


def test_a_folder_that_was_removed_comes_back(tmp_path, probes):
    place = tmp_path / "records"
    writer = Writer(place, probes, 0)
    writer.write(step_info(0), step_records(0))
    shutil.rmtree(place)
    writer.write(step_info(1), step_records(1))
    run = Run(place)
    assert run.steps == (1,)
    assert run.probes.hash == probes.hash


def test_a_folder_that_is_no_folder_is_the_callers_to_count(tmp_path, probes):
    writer = Writer(tmp_path / "records", probes, 0)
    shutil.rmtree(tmp_path / "records")
    (tmp_path / "records").write_text("in the way")
    with pytest.raises(OSError, match="records"):
        writer.write(step_info(0), [])


def test_what_a_killed_writer_left_is_swept(tmp_path, probes):
    (tmp_path / ".tmp-step-000-0000000001.safetensors").write_bytes(b"half")
    Writer(tmp_path, probes, 0)
    assert [path.name for path in tmp_path.iterdir()] == [folder.probes_file(probes.hash)]
