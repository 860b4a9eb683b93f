"""PyTorch: the same maps as TensorFlow's at the same weights, and a training that stays its own."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_explain

from . import one_backend

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed"),
]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("torch")
    script = Path(one_backend.__file__)
    subprocess.run(
        [sys.executable, "-m", f"tests.backends.{script.stem}", place],
        env={**os.environ, "KERAS_BACKEND": "torch"},
        cwd=ROOT,
        check=True,
    )
    return place


def test_every_map_is_tensorflow_s(folder):
    ours = one_backend.explained()
    with np.load(folder / "explained.npz") as theirs:
        assert set(theirs) == set(ours)
        for key, expected in ours.items():
            far = 1e-4 * np.nanmax(np.abs(expected))
            np.testing.assert_allclose(theirs[key], expected, rtol=0, atol=far, err_msg=key)


def test_training_is_bit_identical_with_and_without(folder):
    with np.load(folder / "bare.npz") as bare, np.load(folder / "watched.npz") as watched:
        for name in bare:
            np.testing.assert_array_equal(bare[name], watched[name])


def test_what_cannot_be_told_of_a_model_is_warned_of(folder):
    assert "what has no rule is taken as linear" in (folder / "told.txt").read_text()


def test_a_loop_of_one_s_own_may_log_its_loss(folder):
    run = keras_explain.Run(folder / "loop")
    assert run.steps == (0,)
    assert np.isfinite(run.logs["loss"]).all()


def test_its_run_is_like_any_other(folder):
    run = keras_explain.Run(folder / "run")
    assert run.steps == (-1, 0, 1, 2)
    assert {"saliency", "grad_cam/last", "activations/first"} <= set(run.keys)
    assert not run.failures
    assert not np.array_equal(run.load("saliency", -1), run.load("saliency", 2))
    figures = run.load("weight_gradients/statistics", 2)
    assert np.isfinite(figures).all()
