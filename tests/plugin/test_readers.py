"""One training writes, eight people look: nobody sees half a step, an error, or old news.

`KERAS_EXPLAIN_POLLS=200 pytest tests/plugin/test_readers.py -s` does it for a minute or more.
"""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from tests.fixtures.unbundle import unbundle

from .test_tensorboard import TensorBoard
from .test_traversal import WITHOUT_TENSORFLOW

AGAIN = 4
"""Looks at a step that is written again just now: it may be refused once."""
READERS, POLLS = 8, int(os.environ.get("KERAS_EXPLAIN_POLLS", 12))
ROWS, SIDE = 64, 16
ROOT = Path(__file__).parents[2]

# Each step is written twice: every value is 1, and in the end 2; its logs are of another length.
CHILD = f"""
import sys
import numpy as np
from keras_explain.store import *

probes = ProbeSet(
    {{"image": np.zeros(({ROWS}, {SIDE}, {SIDE}), np.float32)}}, {{"image": ("height", "width")}},
    {{"image": "image"}},
)
spec = RecordSpec("maps", "saliency", ("height", "width"), False, input="image")
place = sys.argv[1]
writer = Writer(place + "/" + str(RECORDS), probes, 0)
events = EventFile(place)
for step, _ in enumerate(sys.stdin):
    for value in (1, 2):
        info = StepInfo(step, step, [0] * {ROWS}, logs={{"loss" * value * (1 + step % 3): value}})
        writer.write(info, [(spec, np.full(({ROWS}, {SIDE}, {SIDE}), value))])
    if step == 0:
        events.add(0, 0.0, [announcement(["maps"])])
    print(step, flush=True)
"""


class Training:
    """A writer of its own process that goes on by a step whenever it is told to."""

    def __init__(self, place):
        command = [sys.executable, "-c", CHILD, str(place)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
        )
        self.last = -1
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self):
        for line in self.process.stdout:
            self.last = int(line)

    def go_on(self):
        os.write(self.process.stdin.fileno(), b"\n")  # eight readers do so at once

    def close(self):
        self.process.stdin.close()
        self._listener.join()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def training(tmp_path):
    running = Training(tmp_path / "run" / "explain")
    running.go_on()
    yield running
    running.close()


@pytest.fixture
def board(tmp_path, training):
    with patch.dict(os.environ, PYTHONPATH=str(WITHOUT_TENSORFLOW)):
        started = TensorBoard("--logdir", tmp_path)
    started.wait_for_runs(1)
    yield started
    started.close()
    assert not [line for line in started.said if "Traceback" in line]


class Reader:
    """Looks as the tab does, and keeps count of what it saw."""

    def __init__(self, board, training):
        self.board, self.training = board, training
        self.failed = self.torn = self.refused = self.maps = 0
        self.lags = []

    def ask(self, route, **query):
        status, _, content = self.board.explain(route, run="run/explain", **query)
        self.failed += status >= 500
        return content if status == 200 else None

    def look(self):
        written = []  # what had been written before each poll
        for _ in range(POLLS):
            self.training.go_on()
            written.append(self.training.last)
            steps = json.loads(self.ask("manifest"))["steps"]
            self.lags.append(sum(last > steps[-1] for last in written))
            self.check(steps[-1])
            self.check(steps[len(steps) // 2])
        return self

    def check(self, step):
        for _ in range(AGAIN):
            content = self.ask("maps", key="maps", steps=step)
            arrays, _ = unbundle(content)
            shown = arrays["status"][0] == 0
            if shown.all():
                break
        values = arrays["maps"][0][shown] * arrays["scale"][0][shown][:, None, None]
        self.maps += 1
        self.refused += not shown.all()
        self.torn += len(np.unique(values)) > 1 or not set(np.unique(values)) <= {1.0, 2.0}


def test_eight_readers_of_a_running_training(board, training):
    readers = [Reader(board, training) for _ in range(READERS)]
    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(Reader.look, readers))
    counts = ("failed", "torn", "refused", "maps")
    total = {name: sum(getattr(reader, name) for reader in readers) for name in counts}
    lag = max(max(reader.lags) for reader in readers)
    print(f"{training.last + 1} steps, {total}, {lag} polls behind at most")
    assert total["maps"] == READERS * POLLS * 2
    assert total["failed"] == total["torn"] == 0
    assert total["refused"] == 0
    assert lag <= 2
