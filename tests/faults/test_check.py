"""`keras-explain check`: what is wrong with a log directory, and what that costs."""

import os
import struct

import google_crc32c
import pytest

import keras_explain
from keras_explain import cli
from keras_explain.store import EventFile, Writer, announcement
from keras_explain.store.event_file import masked
from keras_explain.store.folder import RECORDS
from keras_explain.store.place import place_of
from tests.store.conftest import probe_set, step_info, step_records


@pytest.fixture
def logdir(tmp_path):
    for name in ("a", "b/deep"):
        folder = tmp_path / name / "explain"
        writer = Writer(folder / RECORDS, probe_set(), 0)
        events = EventFile(folder)
        for step in range(3):
            writer.write(step_info(step, totals={"dropped": 1}), step_records(step))
            events.add(step, 0.0, [announcement(["maps"])])
        writer.close()
        events.close()
    return tmp_path


def records(logdir, name="a"):
    return logdir / name / "explain" / RECORDS


def checked(logdir, capsys):
    code = cli.main(["check", str(logdir)])
    return code, capsys.readouterr()


def change(path, at, value=None):
    content = bytearray(path.read_bytes())
    content[at] = content[at] ^ 255 if value is None else value
    path.write_bytes(content)


def test_what_is_whole_is_well(logdir, capsys):
    before = {path: path.read_bytes() for path in logdir.rglob("*") if path.is_file()}
    code, said = checked(logdir, capsys)
    assert code == 0
    lines = said.out.splitlines()
    assert lines[:2] == [
        "a: 3 steps; 1 more could not be written while training",
        "b/deep: 3 steps; 1 more could not be written while training",
    ]
    assert lines[2].startswith("2 runs, 10 files, ")
    assert lines[2].endswith(" MB: all is well.")
    assert said.err == ""
    assert {path: path.read_bytes() for path in logdir.rglob("*") if path.is_file()} == before


def place_in(path, part):
    """Where the values or the statistics of the step's first map begin."""
    (step,) = [step for step in keras_explain.Run(path.parent)._index.steps if step.path == path]
    return step.start + getattr(step.layout["maps"], part).begin


def damage_rows(folder):
    change(folder[1], place_in(folder[1], "values"))
    return "does not match its checksum", "example 0 of 'maps' at step 1"


def damage_figures(folder):
    change(folder[1], place_in(folder[1], "stats"))
    return "Its statistics of 'maps' do not match", "the figures of 'maps' at step 1, not its maps"


def damage_metadata(folder):
    change(folder[1], folder[1].read_bytes().index(b"attempt"), ord("b"))
    return "Its metadata does not match its checksum", "step 1"


def damage_length(folder):
    folder[1].write_bytes(folder[1].read_bytes()[:100])
    return "Its header must fit", "step 1"


def damage_nothing(folder):
    folder[1].write_bytes(b"")
    return "It ends early: 8 bytes are missing.", "step 1"


def damage_name(folder):
    os.rename(folder[1], folder[1].with_name("step-000-0000000009.safetensors"))
    return "It holds another step than its name says", "step 8"


def damage_probes(folder):
    (path,) = folder[0].parent.glob("probes-*")
    change(path, -30)
    return "are damaged", "the inputs under the maps"


def lose_probes(folder):
    (path,) = folder[0].parent.glob("probes-*")
    path.unlink()
    return "It cannot be read: No such file", "the inputs under the maps"


def damage_events(folder):
    (path,) = folder[0].parents[2].glob("events*")
    change(path, -5)
    return "Its event at byte", "all that TensorBoard's own tabs show behind event 3"


@pytest.mark.parametrize(
    "damage",
    [
        damage_rows, damage_figures, damage_metadata, damage_length, damage_nothing, damage_name,
        damage_probes, lose_probes, damage_events,
    ],
)  # fmt: skip
def test_what_is_damaged_is_told_with_its_cost(logdir, capsys, damage):
    cause, lost = damage(sorted(records(logdir).glob("step-*")))
    code, said = checked(logdir, capsys)
    assert code == 1
    a, b, *_ = said.out.split("\nb/deep")
    assert cause in a
    assert f"lost: {lost}" in a
    assert b.startswith(": 3 steps")
    assert said.out.splitlines()[-1].endswith("1 file is damaged.")


def test_what_a_killed_writer_leaves_is_no_damage(logdir, capsys):
    (records(logdir) / ".tmp-step-000-0000000009.safetensors").write_bytes(b"half")
    (events,) = records(logdir).parents[1].glob("events*")
    events.write_bytes(events.read_bytes()[:-3])
    code, said = checked(logdir, capsys)
    assert code == 0
    assert "lost: nothing: that step was not written" in said.out
    assert "It ends within the event at byte" in said.out


def test_an_event_that_claims_more_than_any_memory_is_one_cut_short(logdir, capsys):
    (events,) = records(logdir).parents[1].glob("events*")
    length = struct.pack("<Q", 2**62)
    mark = struct.pack("<I", masked(google_crc32c.value(length)))
    events.write_bytes(events.read_bytes() + length + mark + b"a few")
    code, said = checked(logdir, capsys)
    assert code == 0
    assert "It ends within the event at byte" in said.out


def test_a_run_and_a_folder_of_records_can_be_checked_too(logdir, capsys):
    for place in (logdir / "a", logdir / "a" / "explain", records(logdir)):
        code, said = checked(place, capsys)
        assert code == 0
        assert said.out.splitlines()[-1].startswith("1 run, 5 files")


def test_an_object_store_is_checked_too(capsys):
    place = place_of("memory://checked/b")
    writer = Writer(place / "explain" / RECORDS, probe_set(), 0)
    paths = [writer.write(step_info(step), step_records(step)) for step in range(3)]
    paths[1].write_bytes(paths[1].read_bytes()[:-40])
    code, said = checked("memory://checked", capsys)
    assert code == 1
    assert said.out.startswith("b: 2 steps\n  step-000-0000000002.safetensors: ")


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_a_folder_without_records_is_a_misuse(tmp_path, capsys, name):
    (tmp_path / "empty").mkdir()
    code, said = checked(tmp_path / name, capsys)
    assert code == 2
    assert "`log_dir` must be a folder with records of keras_explain. Received:" in said.err


def test_names_of_a_stranger_do_not_move_the_cursor(tmp_path, capsys):
    folder = tmp_path / "\x1b[2Jrun" / "explain" / RECORDS
    Writer(folder, probe_set(), 0).write(step_info(0), step_records(0))
    (folder / ".tmp-\x1b[31m").write_bytes(b"")
    _, said = checked(tmp_path, capsys)
    assert "\x1b" not in said.out
    assert "\ufffd[2Jrun: 1 step" in said.out


def test_from_python(logdir):
    damage_rows(sorted(records(logdir).glob("step-*")))
    seen = []
    a, b = keras_explain.check(logdir, seen.append)
    assert (a.steps, a.files, a.dropped, a.is_damaged, b.is_damaged) == (3, 5, 1, True, False)
    assert a.flaws[0].file == "step-000-0000000002.safetensors"
    assert len(seen) == 10
    assert b.flaws == ()
