"""Kill writers with SIGKILL, and count what that cost: `python -m tests.faults.kill`.

One process imports the library, without TensorFlow, and forks a writer for each kill: at a random
moment, or (`--every-call`) before each of its calls to the disk. With `--keras` the writer is
`Explain` in a real training. Prints what was found as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

from keras_explain import Run
from keras_explain.store import RECORDS, EventFile, RecordsNotFound, Writer, announcement
from tests.store.conftest import probe_set, step_info, step_records

from .disk import Disk

PROBES = probe_set()
RECORDS_OF_A_STEP = [step_records(step) for step in range(4)]

TRAINING = """
import os, sys
import keras, numpy as np
from keras_explain.callbacks import Explain
from keras_explain.store import Writer

write = Writer.write
def told(self, info, records):
    path = write(self, info, records)
    os.write(1, f"{info.step}\\n".encode())
    return path
Writer.write = told
x, y = np.random.default_rng(0).random((64, 8, 8, 1), "float32"), np.arange(64) % 3
model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3),
                          keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit(x, y, epochs=100_000, verbose=0, callbacks=[Explain(sys.argv[1], (x[:4], y[:4]))])
"""


def write_on(place: Path, first: int, acknowledge: int) -> None:
    """Write steps until the end of the process; tell each one when the writer has returned."""
    writer = Writer(place / "explain" / RECORDS, PROBES, first)
    events = EventFile(place / "explain")
    for step in count(first):
        writer.write(step_info(step), RECORDS_OF_A_STEP[step % 4])
        os.write(acknowledge, f"{step}\n".encode())
        events.add(step, 0.0, [announcement(["maps"])])


def forked(place: Path, first: int, fatal: int | None = None) -> tuple[int, int]:
    """A writer of its own: its process, and where it tells of its steps.

    It kills itself before its `fatal`-th call to the disk.
    """
    read, write = os.pipe()
    process = os.fork()
    if process:
        os.close(write)
        return process, read
    try:

        def before(number: int, call: object) -> None:
            if number == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

        if fatal is None:
            write_on(place, first, write)
        else:
            with Disk(place, before):
                write_on(place, first, write)
    finally:
        os._exit(1)


def told_steps(read: int) -> list[int]:
    """The steps that the writer has told of, once it is dead."""
    content = b""
    while part := os.read(read, 65536):
        content += part
    os.close(read)
    return [int(line) for line in content.split()]


def after_the_kill(place: Path, told: set[int]) -> dict[str, int]:
    """What the reader makes of it, without any repair."""
    try:
        run = Run(place)
    except RecordsNotFound:
        return {"opened": not told, "lost": len(told), "unfinished": 0, "problems": 0}
    for step in run.steps:
        run.load(run.keys[-1], step)
    shown = set(run.steps)
    return {
        "opened": 1,
        "lost": len(told - shown),
        "unfinished": len(shown - told),
        "problems": len(run.problems),
    }


def at_random(kills: int, seed: int) -> list[dict[str, int]]:
    """Kill at random moments; every other writer goes on where one was killed."""
    chance, found = random.Random(seed), []
    with tempfile.TemporaryDirectory() as root:
        told: set[int] = set()
        for kill in range(kills):
            place = Path(root, str(kill // 2))
            told = told if kill % 2 else set()
            process, read = forked(place, max(told, default=-1) + 1)
            content, wanted = b"", chance.randrange(8)
            while content.count(b"\n") < wanted:
                content += os.read(read, 64)
            end = time.perf_counter() + chance.uniform(0, 0.004)
            while time.perf_counter() < end:
                pass
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            told |= {int(line) for line in content.split()} | set(told_steps(read))
            found.append(after_the_kill(place, told))
            if kill % 2 and found[-1]["unfinished"]:
                told |= set(Run(place).steps)
    return found


def at_every_call(steps: int = 3) -> list[dict[str, int]]:
    """Kill before each call to the disk that the first steps make."""
    found = []
    with tempfile.TemporaryDirectory() as root:
        for fatal in count(1):
            place = Path(root, str(fatal))
            process, read = forked(place, 0, fatal)
            os.waitpid(process, 0)
            told = set(told_steps(read))
            found.append(after_the_kill(place, told))
            if len(told) >= steps:
                return found
    return found


def in_a_training(kills: int, seed: int) -> list[dict[str, int]]:
    """Kill a real `fit` at random moments."""
    chance, found = random.Random(seed), []
    with tempfile.TemporaryDirectory() as root:
        for kill in range(kills):
            place = Path(root, str(kill))
            child = subprocess.Popen(
                [sys.executable, "-c", TRAINING, str(place)],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            assert child.stdout is not None
            told = {int(child.stdout.readline()) for _ in range(chance.randrange(1, 30))}
            time.sleep(chance.uniform(0, 0.05))
            child.kill()
            told |= {int(line) for line in child.stdout.read().split()}
            child.wait()
            found.append(after_the_kill(place, told))
            print(kill + 1, found[-1], file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every-call", action="store_true")
    parser.add_argument("--keras", action="store_true", help="10 s a kill")
    options = parser.parse_args()
    if options.keras:
        found = in_a_training(options.kills, options.seed)
    else:
        found = at_every_call() if options.every_call else at_random(options.kills, options.seed)
    whole = {name: sum(one[name] for one in found) for name in found[0]}
    heavy = sorted({"keras", "tensorflow"} & set(sys.modules))
    worst = max(one["unfinished"] for one in found)
    print(json.dumps({"kills": len(found), **whole, "most_unfinished": worst, "heavy": heavy}))


if __name__ == "__main__":
    main()
