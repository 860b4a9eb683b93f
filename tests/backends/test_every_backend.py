"""What must hold on every backend holds on JAX and PyTorch too.

Tests say so by `@pytest.mark.every_backend`. By hand, on one backend:

    KERAS_BACKEND=jax pytest -n 0 -m every_backend
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.on_backend import on_backend
from tests.seeds import seed

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.live, pytest.mark.timeout(2400)]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_what_must_hold_on_every_backend_does(backend):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    marked = ["-m", "every_backend", "--seed-shift", str(seed(0)), "tests"]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", *marked]
    done = subprocess.run(
        command, cwd=ROOT, env=on_backend(backend), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
