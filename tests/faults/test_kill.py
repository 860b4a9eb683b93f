"""kill -9: what was acknowledged is there, nothing is half there, and nobody repairs anything."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def killed(*arguments):
    command = [sys.executable, "-m", "tests.faults.kill", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def assert_nothing_lost(found):
    assert found["lost"] == 0
    assert found["opened"] == found["kills"]
    assert found["problems"] == 0
    assert found["most_unfinished"] <= 1  # written, but killed before it could say so
    assert found["heavy"] == []


def test_no_acknowledged_step_is_lost_at_any_moment():
    found = killed("--kills", "200")
    assert found["kills"] == 200
    assert_nothing_lost(found)


def test_nor_before_any_call_to_the_disk():
    found = killed("--every-call")
    assert found["kills"] > 20
    assert_nothing_lost(found)
