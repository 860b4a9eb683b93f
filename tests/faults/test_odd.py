"""Odd names, odd numbers and odd clocks come back as they were given."""

import os
import time

import numpy as np
import pytest

from keras_explain import Run
from keras_explain.store import (
    EventFile,
    ProbeSet,
    Reader,
    RecordSpec,
    StepInfo,
    Writer,
    announcement,
    reader,
)
from tests.store.conftest import probe_set, step_info, step_records
from tests.store.test_event_file import events

NAMES = (
    "dense/kernel", "a/../../b", "..", "%2e%2e%2f", "100 %", "a\\b", "C:\\x", "a b", " ", "'\";--",
    "<img src=x onerror=alert(1)>", "שלום", "\u202eevil", "مرحبا", "日本語", "🐈", "e\u0301",
    "\u00e9", "\x00", "\x1b[31m", "\n", "a\tb", "x" * 1_000, "🐈" * 300, "__metadata", "#",
    "maps#stat", "NaN", "null", "0",
)  # fmt: skip


def test_any_name_comes_back(tmp_path):
    count = len(NAMES)
    probes = ProbeSet(
        {name: np.zeros((2, 1), np.float32) for name in NAMES},
        {name: ("feature",) for name in NAMES},
        dict.fromkeys(NAMES, "features"),
        labels=np.array([0, 1]),
        class_names=NAMES,
    )
    specs = [
        RecordSpec(
            name, name, (name,), True, layer=name, input=name, rows=(name, name + "2"[: len(name)])
            if len(name) < 1_000 else None, labels={name: (name,)}, options={name: name},
            title=name,
        )
        for name in NAMES
    ]  # fmt: skip
    info = StepInfo(
        step=0, wall_time=0.0, targets=[0, 0], logs=dict.fromkeys(NAMES, 0.5), target="🐈/%"
    )
    values = np.arange(2, dtype=np.float32).reshape(2, 1)
    writer = Writer(tmp_path / "🐈 % شكرا", probes, 0)
    writer.write(info, [(spec, values) for spec in specs])
    run = Run(tmp_path / "🐈 % شكرا")
    assert run.problems == ()
    assert run.keys == NAMES
    assert list(run.specs.values()) == specs
    assert run.probes.class_names == NAMES
    assert tuple(run.probes.inputs) == NAMES
    assert set(run.logs) == set(NAMES)
    for name in NAMES:
        np.testing.assert_array_equal(run.load(name, 0), values)
    file = EventFile(tmp_path)
    file.add(0, 0.0, [announcement(NAMES)])
    file.close()
    (value,) = events(file.path)[1].summary.value
    assert len(value.tensor.string_val) == count


def test_thousands_of_records_come_back_and_more_than_can_be_read_are_refused(tmp_path):
    probes = probe_set(count=1)

    def records(count):
        return [(RecordSpec(f"layer_{n}/é", "m", (), True), [float(n % 8)]) for n in range(count)]

    writer = Writer(tmp_path, probes, 0)
    writer.write(step_info(0, count=1), records(4_000))
    run = Run(tmp_path)
    assert len(run.keys) == 4_000
    assert run.load("layer_3999/é", 0).tolist() == [7.0]
    with pytest.raises(ValueError, match="about 4,000 records .* Received: 40000 arrays"):
        writer.write(step_info(1, count=1), records(10_000))
    assert Run(tmp_path).steps == (0,)
    assert Run(tmp_path).problems == ()


@pytest.mark.parametrize(
    "values",
    [
        np.full((3, 2, 2), np.nan), np.full((3, 2, 2), -np.inf), np.zeros((3, 2, 2)),
        np.full((3, 2, 2), 7.0), np.full((3, 2, 2), 1e300), np.full((3, 2, 2), 1e-45, "f4"),
        np.full((3, 2, 2), 255, np.uint8), np.full((3, 2, 2), True), np.full((3, 2, 2), 2**62),
    ],
    ids=str,
)  # fmt: skip
def test_any_number_comes_back_or_is_flagged(tmp_path, values):
    writer = Writer(tmp_path, probe_set(), 0)
    spec = RecordSpec("m", "saliency", ("height", "width"), True)
    for step in range(2):
        writer.write(step_info(step), [(spec, values)])
    run = Run(tmp_path)
    with np.errstate(over="ignore"):
        expected = values.astype(np.float32)
    np.testing.assert_allclose(run.load("m", 1), expected, rtol=1e-3)
    finite = run.stats("m")["finite"]
    assert (finite == np.isfinite(expected).mean()).all()
    assert (run.stats("m")["zero"] == (expected == 0).mean()).all()


@pytest.mark.parametrize("words", [[["a", "b"]] * 3, [[1], [1, 2], [1]], [None] * 3])
def test_what_is_no_array_of_numbers_is_refused_by_name(tmp_path, words):
    writer = Writer(tmp_path, probe_set(), 0)
    spec = RecordSpec("m", "saliency", ("width",), True)
    with pytest.raises(ValueError, match="'m' must"):
        writer.write(step_info(0), [(spec, words)])
    assert Run(tmp_path).steps == ()


class Clock:
    """Wall time that jumps, as when a laptop wakes or a server's clock is set."""

    def __init__(self, jumps):
        self.jumps, self.calls = jumps, 0

    def time(self):
        self.calls += 1
        return time.time() + self.jumps[self.calls % len(self.jumps)]


@pytest.mark.parametrize("jumps", [(-1e7, 0, 1e7), (1e7, -1e7), (-3600,), (0, 3, -3)])
def test_a_clock_that_jumps_hides_no_step_and_changes_no_order(tmp_path, monkeypatch, jumps):
    monkeypatch.setattr(reader, "time", Clock(jumps))
    writer, watching = Writer(tmp_path, probe_set(), 0), Reader(tmp_path)
    for step in range(12):
        info = StepInfo(step=step, wall_time=1e9 + 1e6 * (-1) ** step, targets=[0] * 3)
        writer.write(info, step_records(step))
        assert [one.info.step for one in watching.index().steps] == list(range(step + 1))


def test_a_step_written_again_within_one_tick_of_the_clock_is_seen(tmp_path):
    writer, watching = Writer(tmp_path, probe_set(), 0), Reader(tmp_path)
    for loss in (0.25, 0.75):
        path = writer.write(step_info(0, logs={"loss": loss}), step_records(0))
        os.utime(path, ns=(10**18, 10**18))
        (step,) = watching.index().steps
        assert step.info.logs == {"loss": loss}
