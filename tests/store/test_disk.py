"""A disk that refuses, without TensorFlow; every other way is in `tests/faults`."""

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from keras_explain import Run
from keras_explain.store import Writer, folder

from .conftest import step_info, step_records

ROOT = Path(__file__).parents[2]


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
