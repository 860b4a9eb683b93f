"""Which steps are shown after trainings were resumed, against the rule spelled out plainly."""

import tempfile
from pathlib import Path

import hypothesis
import pytest
from hypothesis import example, given
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


SINCE = st.dictionaries(st.integers(0, 3), st.integers(-1, 7))
"""By attempt, the first step after the one that its training started at, where it says so."""


def steps_shown(files, since):
    """The rule of the contract, step by step."""
    whole = {at: probes for at, (probes, damaged) in files.items() if not damaged}
    if not whole:
        return []
    newest = whole[max(whole)]
    shown = []
    for attempt, step in whole:
        newer = [other for other in whole if other[0] > attempt]
        firsts = [min(s for a, s in newer if a == of) for of in {a for a, _ in newer}]
        firsts += [since[of] for of, _ in newer if of in since]
        if all(step < first for first in firsts) and whole[attempt, step] == newest:
            shown.append((step, attempt))
    return sorted(shown)


@hypothesis.settings(max_examples=150)
@given(FILES, SINCE)
def test_the_newest_attempt_wins_from_its_first_step_on(files, since):
    first = {attempt: step for attempt, step in sorted(files, reverse=True)}
    since = {of: step for of, step in since.items() if step <= first.get(of, -1) + 1}
    with tempfile.TemporaryDirectory() as place:
        for (attempt, step), (probes, damaged) in files.items():
            info, digest = step_info(step), PROBES[probes].hash
            content = step_bytes(info, attempt, digest, [], since.get(attempt))
            name = f"step-{attempt:03d}-{step + 1:010d}.safetensors"
            Path(place, name).write_bytes(content[:-9] if damaged else content)
        index = Reader(place).index()
        lazy = Reader(place, first=1)
        while lazy.read_on(seconds=0).unread:
            pass
        assert lazy.index() == index
        assert Reader(place, first=1).index(range(-1, 7)) == index
    assert [(step.info.step, step.attempt) for step in index.steps] == steps_shown(files, since)
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


ANEW = st.tuples(st.integers(-1, 8), st.integers(1, 4), st.booleans())
"""A training: the step it starts with, how many it logs, whether it logs that one too."""


@hypothesis.settings(max_examples=60)
@given(st.lists(ANEW, min_size=1, max_size=4))
@example([(-1, 1, True), (-1, 1, False)])
def test_every_training_stays_readable(fits):
    """As it was when the next one started; one that only goes on is part of the one before."""
    seen, ended, last = {}, [], {}
    with tempfile.TemporaryDirectory() as place:
        for number, (start, count, writes_start) in enumerate(fits):
            goes_on = not last or start >= max(last)
            if not goes_on and max(last) >= 0:
                ended.append(dict(last))
            writer = Writer(place, PROBES[0], start)
            known = writer.resumed
            assert (known is not None) == (start >= 0 and start in last)
            assert known is None or known.info.logs["fit"] == last[start]
            last = {step: of for step, of in last.items() if 0 <= start >= step}
            first = start if writes_start else start + 1
            for step in range(first, first + count):
                writer.write(step_info(step, logs={"fit": number}), step_records(step))
                last[step] = number
            writer.close()
            seen = last
        run = Run(place)
        assert run.steps == tuple(sorted(seen))
        assert len(run.attempts) == len(ended) + 1
        for attempt, steps in zip(run.attempts, [*ended, seen], strict=True):
            shown = Run(place, attempt=attempt)
            assert shown.logs["fit"].tolist() == [steps[step] for step in shown.steps]
            assert set(shown.steps) == set(steps)


@pytest.mark.parametrize("since", [-2, 5, 2**70, "0", True, 1.5, [0]])
def test_a_start_that_cannot_be_is_refused(tmp_path, since):
    for step, said in ((2, -1), (3, since)):
        content = step_bytes(step_info(step), 0, PROBES[0].hash, [], said)
        (tmp_path / f"step-000-{step + 1:010d}.safetensors").write_bytes(content)
    index = Reader(tmp_path).index()
    assert [step.info.step for step in index.steps] == [2]
    (problem,) = index.problems
    assert "at which its training starts" in problem.error
