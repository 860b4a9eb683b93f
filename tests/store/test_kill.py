"""kill -9 at any moment: what was acknowledged is there, and nothing is half there."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from keras_explain import Run

CHILD = """
import sys
from keras_explain.store import Writer
from tests.store.conftest import probe_set, step_info, step_records

writer = Writer(sys.argv[1], probe_set(), 0)
for step in range(100_000):
    writer.write(step_info(step), step_records(step))
    sys.stdout.write(f"{step}\\n")
    sys.stdout.flush()
"""
KILLS = 8
ROOT = Path(__file__).parents[2]


def test_no_acknowledged_step_is_lost(tmp_path):
    chance = random.Random(0)
    for kill in range(KILLS):
        place = tmp_path / str(kill)
        command = [sys.executable, "-c", CHILD, str(place)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
        last = chance.randrange(1, 60)
        for line in child.stdout:
            if int(line) >= last:
                break
        # Anywhere in the next few writes, as they take about a millisecond.
        for _ in range(chance.randrange(20_000)):
            pass
        os.kill(child.pid, signal.SIGKILL)
        rest = child.stdout.read().split()
        child.wait()
        acknowledged = int(rest[-1]) if rest else last
        run = Run(place)
        assert run.problems == ()
        assert run.steps[: acknowledged + 1] == tuple(range(acknowledged + 1))
        assert len(run.steps) <= acknowledged + 2
        for step in run.steps:
            run.load("maps", step)
