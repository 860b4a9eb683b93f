"""A `read` that fails costs its own step, and is told of at that step alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.on_backend import on_backend

from . import failing

STEPS = [-1, *range(8)]


WITHOUT_TRACES = pytest.param("torch", False, marks=pytest.mark.live)


@pytest.mark.parametrize(("backend", "is_traced"), [WITHOUT_TRACES, ("tensorflow", True)])
def test_it_costs_its_own_step(tmp_path, backend, is_traced):
    pytest.importorskip(backend)
    done = subprocess.run(
        [sys.executable, "-m", failing.__name__, tmp_path],
        cwd=Path(__file__).parents[2],
        env=on_backend(backend),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    fails_at = [] if is_traced else list(failing.FAILS_AT)
    assert told["kept"]["flaky"] == [step for step in STEPS if step not in fails_at]
    assert told["kept"]["saliency"] == STEPS
    assert told["failed"] == [[step, "flaky", "RuntimeError: once only"] for step in fails_at]
    assert told["calls"] == 1 if is_traced else told["calls"] >= len(STEPS)
