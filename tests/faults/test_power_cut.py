"""A power cut, after any call to the disk: with `fsync`, no step that was written is lost.

The calls are played again on a disk that keeps what it was told to keep, and of all else nothing,
everything, or anything.
"""

import random
from pathlib import Path

import pytest

from keras_explain import Run
from keras_explain.store import RECORDS, EventFile, RecordsNotFound, Writer, announcement
from tests.store.conftest import probe_set, step_info, step_records

from .disk import Call, Disk

STEPS = 5


def calls_of_a_run(root, fsync):
    with Disk(root) as disk:
        writer = Writer(root / "run" / "explain" / RECORDS, probe_set(), 0, fsync=fsync)
        events = EventFile(root / "run" / "explain", fsync)
        for step in range(STEPS):
            writer.write(step_info(step), step_records(step))
            events.add(step, 0.0, [announcement(["maps"])])
            disk.calls.append(Call("tell", "", size=step))
        writer.close()
        events.close()
    return disk.calls


class Replay:
    """Which bytes and names the disk has for sure, and which it may have."""

    def __init__(self, root, calls):
        self.root = str(root)
        self.now = {}  # path -> number of the file, or None for a folder
        self.names = {self.root: {}}  # folder -> what it holds for sure
        self.pending = []  # changes of names since, in order
        self.bytes = {}  # file -> its bytes now
        self.kept = {}  # file -> its bytes for sure
        self.told = set()
        for call in calls:
            getattr(self, call.name)(call)

    def tell(self, call):
        self.told.add(call.size)

    def named(self, path, what):
        folder = str(Path(path).parent)
        self.pending.append((folder, path, what))
        if what == "gone":
            self.now.pop(path, None)
        else:
            self.now[path] = what

    def open(self, call):
        if call.to == "new" and call.path not in self.now:
            self.named(call.path, call.file)
        self.bytes.setdefault(call.file, b"")
        self.now.setdefault(call.path, None)

    def write(self, call):
        self.bytes[call.file] = self.bytes.get(call.file, b"") + call.content

    def truncate(self, call):
        self.bytes[call.file] = self.bytes.get(call.file, b"")[: call.size]

    def replace(self, call):
        file = self.now[call.path]
        self.named(call.path, "gone")
        self.named(call.to, file)

    def mkdir(self, call):
        self.named(call.path, None)

    def unlink(self, call):
        self.named(call.path, "gone")

    def fsync(self, call):
        if call.file in self.bytes and self.now.get(call.path) == call.file:
            self.kept[call.file] = self.bytes[call.file]
            return
        self.kept.setdefault(call.file, self.bytes.get(call.file, b""))
        for change in [change for change in self.pending if change[0] == call.path]:
            self.pending.remove(change)
            self.apply(change, self.names)

    def apply(self, change, names):
        folder, path, what = change
        of_folder = names.setdefault(folder, {})
        if what == "gone":
            of_folder.pop(path, None)
        else:
            of_folder[path] = what

    def after_the_cut(self, place, names_too, bytes_too):
        """Write what is left to `place`; the arguments say of each change whether it was kept."""
        names = {folder: dict(held) for folder, held in self.names.items()}
        for change in self.pending:
            if names_too():
                self.apply(change, names)
        self.build(place, self.root, names, bytes_too)

    def build(self, place, folder, names, bytes_too):
        place.mkdir(parents=True, exist_ok=True)
        for path, what in names.get(folder, {}).items():
            here = place / Path(path).name
            if what is None:
                self.build(here, path, names, bytes_too)
            else:
                content = self.bytes.get(what, b"")
                here.write_bytes(content if bytes_too() else self.kept.get(what, b""))


def chance(seed):
    draw = random.Random(seed)
    return lambda: draw.random() < 0.5


CUTS = {
    "nothing more": (lambda: False, lambda: False),
    "names alone": (lambda: True, lambda: False),
    "bytes alone": (lambda: False, lambda: True),
    "all": (lambda: True, lambda: True),
    "anything": (chance(0), chance(1)),
    "anything else": (chance(2), chance(3)),
}


def lost_steps(root, place, calls, cut):
    """How many of the steps that were told of are lost at the worst moment."""
    worst = 0
    for count in range(len(calls) + 1):
        replay = Replay(root, calls[:count])
        here = place / str(count)
        replay.after_the_cut(here, *CUTS[cut])
        told = {call.size for call in calls[:count] if call.name == "tell"}
        try:
            run = Run(here / "run")
        except RecordsNotFound:
            worst = max(worst, len(told))
            continue
        for step in run.steps:
            run.load("maps", step)
        if told and told <= set(run.steps):
            assert run.probes.count == 3
        worst = max(worst, len(told - set(run.steps)))
    return worst


@pytest.mark.parametrize("cut", CUTS)
def test_with_fsync_a_power_cut_takes_back_no_step_that_was_written(tmp_path, cut):
    calls = calls_of_a_run(tmp_path / "disk", fsync=True)
    assert lost_steps(tmp_path / "disk", tmp_path / "cut", calls, cut) == 0


def test_without_fsync_it_may_take_them_all(tmp_path):
    calls = calls_of_a_run(tmp_path / "disk", fsync=False)
    assert lost_steps(tmp_path / "disk", tmp_path / "cut", calls, "names alone") == STEPS
