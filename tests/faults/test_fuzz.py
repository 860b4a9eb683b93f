"""Files of a stranger, very many: none ends the reader, holds it up, or takes its memory."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_file_does_any_harm(request):
    cases = 1_000_000 if request.config.getoption("--faults") else 100_000
    command = [sys.executable, "-m", "tests.faults.fuzz", "--cases", str(cases)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    *complaints, last = done.stdout.splitlines()
    found = json.loads(last)
    assert complaints == []
    assert found["failed"] == 0
    assert found["neighbour"]
    assert found["cases"] == cases
    assert min(found["read"], found["bomb"], found["sparse"], found["deep"]) > 10
