"""Writing steps: what comes back, what is refused, and what a refusing disk leaves behind."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from keras_explain import Run
from keras_explain.store import Reader, RecordSpec, Writer

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


def test_readers_beside_a_writer_see_whole_steps_only(tmp_path, probes):
    reader, done, seen = Reader(tmp_path), threading.Event(), []

    def read():
        while not done.is_set():
            index = reader.index()
            assert index.problems == ()
            for step in index.steps[-2:]:
                wanted = step_records(step.info.step)[0][1]
                np.testing.assert_allclose(reader.load(step, "maps"), wanted, atol=1e-2)
                seen.append(step.info.step)

    with ThreadPoolExecutor(4) as threads:
        readers = [threads.submit(read) for _ in range(4)]
        writer = Writer(tmp_path, probes, 0)
        for step in range(60):
            writer.write(step_info(step), step_records(step))
        done.set()
        for future in readers:
            future.result()
    assert seen


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
