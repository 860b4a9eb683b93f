"""JAX and PyTorch alone: training, records and the tab, where nothing imports TensorFlow."""

import importlib.util
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from unittest.mock import patch

import pytest

import keras_explain
from keras_explain.demo.serve import free_port, tensorboard

pytestmark = pytest.mark.live
ROOT = Path(__file__).parents[2]
WITHOUT_TENSORFLOW = {"PYTHONPATH": str(ROOT / "tests" / "fixtures" / "without_tensorflow")}
MOST_MEMORY = 120e6
FIT = """
import importlib.util, sys
import keras, numpy as np
from keras import layers
from keras_explain.callbacks import Explain

random = np.random.default_rng(0)
x, y = random.random((32, 16, 16, 3)).astype("float32"), np.arange(32) % 3
model = keras.Sequential([
    keras.Input((16, 16, 3)), layers.Conv2D(4, 3, activation="relu", name="conv"),
    layers.Flatten(), layers.Dense(3, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy")
watch = Explain(sys.argv[1], probes=(x[:4], y[:4]), strict=True)
model.fit(x, y, epochs=2, verbose=0, callbacks=[watch])
assert "tensorflow" not in sys.modules
"""


@pytest.fixture(scope="module", params=["jax", "torch"])
def log_dir(request, tmp_path_factory):
    if not importlib.util.find_spec(request.param):
        pytest.skip(f"{request.param} is not installed")
    place = tmp_path_factory.mktemp(request.param)
    subprocess.run(
        [sys.executable, "-c", FIT, place / "run"],
        env={**os.environ, **WITHOUT_TENSORFLOW, "KERAS_BACKEND": request.param},
        cwd=ROOT,
        check=True,
    )
    return place


def test_the_run_is_whole(log_dir):
    run = keras_explain.Run(log_dir / "run")
    assert run.steps == (-1, 0, 1)
    assert {"saliency", "grad_cam/conv", "weight_gradients/statistics"} <= set(run.keys)
    assert list((log_dir / "run" / "explain").glob("events.out.tfevents.*"))


def test_the_tab_opens_and_is_small(log_dir):
    port = free_port(6200)
    with patch.dict(os.environ, WITHOUT_TENSORFLOW), tensorboard(log_dir, port) as board:
        url = f"http://localhost:{port}/data/plugin/keras_explain/runs"
        with urllib.request.urlopen(url, timeout=60) as reply:
            runs = json.load(reply)["runs"]
        assert [run["name"] for run in runs] == ["run"]
        status = Path(f"/proc/{board.pid}/status").read_text()
        assert int(status.partition("VmRSS:")[2].split()[0]) * 1024 < MOST_MEMORY
