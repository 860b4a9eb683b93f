"""Which steps of an earlier replay are kept: those of the very same checkpoints."""

import contextlib
import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from keras_explain.checkpoints.ledger import Ledger
from keras_explain.checkpoints.names import Checkpoint
from keras_explain.store.folder import step_file, step_files
from tests.faults.disk import Disk

ASKED = {"methods": ["saliency"], "probes": "f" * 64}
CHECKPOINTS = [Checkpoint(Path(f"w.0{step}.keras"), step, 7, (50, 1_000)) for step in range(4)]


class Killed(BaseException):
    """The process ends here."""


def ledger(folder, checkpoints=CHECKPOINTS, **asked):
    return Ledger.of(folder, {**ASKED, **asked}, checkpoints)


@pytest.fixture
def folder(tmp_path):
    """A replay of all checkpoints."""
    ledger(tmp_path).open()
    for checkpoint in CHECKPOINTS:
        (tmp_path / step_file(0, checkpoint.step)).touch()
    return tmp_path


def steps(folder):
    return sorted(found.step for found in step_files(folder))


def with_other(**change):
    return [*CHECKPOINTS[:2], replace(CHECKPOINTS[2], **change), CHECKPOINTS[3]]


def test_what_is_of_the_same_checkpoints_stays(folder):
    ledger(folder).open()
    assert steps(folder) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "change", [{"version": (50, 1_001)}, {"version": (51, 1_000)}, {"path": Path("best.keras")}]
)
def test_what_is_of_another_checkpoint_goes(folder, change):
    ledger(folder, with_other(**change)).open()
    assert steps(folder) == [0, 1, 3]
    (folder / step_file(0, 2)).touch()  # explained anew
    ledger(folder, with_other(**change)).open()
    assert steps(folder) == [0, 1, 2, 3]


def test_what_is_of_no_checkpoint_goes(folder):
    ledger(folder, CHECKPOINTS[1:]).open()
    assert steps(folder) == [1, 2, 3]


@pytest.mark.parametrize("written", [(0, 4), (1, 1)], ids=["goes on", "begins again"])
def test_what_a_training_has_written_since_is_never_removed(folder, written):
    (folder / step_file(*written)).touch()
    before = sorted(folder.iterdir())
    for checkpoints in (CHECKPOINTS, CHECKPOINTS[1:], with_other(version=(50, 1_001))):
        with pytest.raises(ValueError, match=f"a training has written steps {written[1]} to "):
            ledger(folder, checkpoints).open()
        assert sorted(folder.iterdir()) == before


def test_no_step_of_another_checkpoint_outlives_a_kill_at_any_call(folder):
    changed = with_other(version=(50, 1_001))
    for fatal in itertools.count(1):
        ledger(folder).open()
        (folder / step_file(0, 2)).touch()  # all is as it was

        def before(number, call, fatal=fatal):
            if number == fatal:
                raise Killed

        killed = True
        with Disk(folder, before), contextlib.suppress(Killed):
            ledger(folder, changed).open()
            killed = False
        ledger(folder, changed).open()
        assert steps(folder) == [0, 1, 3], fatal
        if not killed:
            break
    assert fatal > 3


def test_another_question_has_a_folder_of_its_own(folder):
    with pytest.raises(ValueError, match="asked something else.*Different: probes"):
        ledger(folder, probes="0" * 64).open()
    assert steps(folder) == [0, 1, 2, 3]
