"""Which steps are shown after trainings were resumed, against the rule spelled out plainly."""

import tempfile
from pathlib import Path

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from keras_explain import Run
from keras_explain.store import Reader, Writer
from keras_explain.store.layout import step_bytes

from .conftest import probe_set, step_info, step_records

PROBES = [probe_set(seed=seed) for seed in range(2)]
FILES = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(-1, 6)),  # attempt, step
    st.tuples(st.integers(0, 1), st.booleans()),  # which probes, whether damaged
    max_size=12,
)


def steps_shown(files):
    """The rule of the contract, step by step."""
    whole = {at: probes for at, (probes, damaged) in files.items() if not damaged}
    if not whole:
        return []
    newest = whole[max(whole)]
    shown = []
    for attempt, step in whole:
        newer = [other for other in whole if other[0] > attempt]
        firsts = [min(s for a, s in newer if a == of) for of in {a for a, _ in newer}]
        if all(step < first for first in firsts) and whole[attempt, step] == newest:
            shown.append((step, attempt))
    return sorted(shown)


@hypothesis.settings(max_examples=150)
@given(FILES)
def test_the_newest_attempt_wins_from_its_first_step_on(files):
    with tempfile.TemporaryDirectory() as place:
        for (attempt, step), (probes, damaged) in files.items():
            content = step_bytes(step_info(step), attempt, PROBES[probes].hash, [])
            name = f"step-{attempt:03d}-{step + 1:010d}.safetensors"
            Path(place, name).write_bytes(content[:-9] if damaged else content)
        index = Reader(place).index()
        lazy = Reader(place, first=1)
        while lazy.read_on(seconds=0).unread:
            pass
        assert lazy.index() == index
        assert Reader(place, first=1).index(range(-1, 7)) == index
    assert [(step.info.step, step.attempt) for step in index.steps] == steps_shown(files)
    assert len(index.problems) == sum(damaged for _, damaged in files.values())


@hypothesis.settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(-1, 8), st.integers(1, 4)), min_size=1, max_size=4))
def test_a_resumed_run_holds_each_step_once_the_newest(fits):
    newest = {}
    with tempfile.TemporaryDirectory() as place:
        for number, (start, count) in enumerate(fits):
            writer = Writer(place, PROBES[0], start)
            newest = {step: of for step, of in newest.items() if step < start}
            for step in range(start, start + count):
                writer.write(step_info(step, logs={"fit": number}), step_records(step))
                newest[step] = number
        run = Run(place)
    assert run.steps == tuple(sorted(newest))
    assert run.logs["fit"].tolist() == [newest[step] for step in run.steps]
