"""However Keras trains: the training stays its own to the last bit, and what is shown is right.

`pytest -n 0 tests/training --training` writes `docs/training.md`.
"""

import importlib.util
import json
import math
import subprocess
import sys
from functools import cache, partial
from pathlib import Path

import keras
import pytest

from tests.fixtures.on_backend import on_backend

from .run import WAYS
from .watching import Watch, X, differing, left_by
from .ways import ALL, fitted

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
HALF = 2**-10
"""Records are float16: half of its last place."""
CASES = [
    pytest.param(
        backend,
        name,
        marks=[] if backend == "tensorflow" else pytest.mark.live,
        id=f"{backend} {name}",
    )
    for backend in ALL
    for name, way in WAYS.items()
    if backend in way.backends
]

pytestmark = pytest.mark.timeout(2400)


@pytest.fixture(scope="module")
def cells_of(tmp_path_factory):
    """By backend, what each way has found, all from one process."""

    @cache
    def run(backend):
        if not importlib.util.find_spec(backend):
            pytest.skip(f"{backend} is not installed")
        folder = tmp_path_factory.mktemp(backend)
        subprocess.run(
            [sys.executable, "-m", "tests.training.run", folder],
            env=on_backend(backend),
            cwd=ROOT,
            check=True,
        )
        return json.loads((folder / "cells.json").read_text())

    return run


@pytest.mark.parametrize(("backend", "name"), CASES)
def test_training_is_its_own_and_what_is_shown_is_right(cells_of, backend, name):
    cell = cells_of(backend).get(name)
    if cell is None:
        pytest.skip(f"{' or '.join(WAYS[name].needs)} is not installed")
    assert min(cell["compared"].values()) > 0
    assert cell["differs"] == []
    assert cell["steps"] == WAYS[name].steps
    assert cell["failed"] == ["broken"]  # every step has a failure of its own, and goes on
    assert set(cell["traces"]) == {1}
    assert math.isfinite(cell["loss"])
    assert cell["apart"] < HALF


def test_a_difference_would_be_seen():
    class Disturbs(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model(X[:8], training=True)

    bare, disturbed = (
        left_by(partial(fitted, before=before), Watch(None))[0] for before in ([], [Disturbs()])
    )
    assert differing(bare, disturbed) == ["weights", "optimizer", "metrics", "history"]


def test_the_docs_show_every_way(request):
    sys.path.insert(0, str(DOCS))
    from make_training import page

    text = page({name: way.backends for name, way in WAYS.items()}, ALL)
    if request.config.getoption("--training"):
        (DOCS / "training.md").write_text(text)
    assert (DOCS / "training.md").read_text() == text
