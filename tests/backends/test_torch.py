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
LOOSER = {"integrated_gradients": 1e-3, "smooth_grad": 1e-3}
"""Rounding may take some of many points to the other side of a kink."""


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
            within = LOOSER.get(key.split("/")[1], 1e-4)
            far = within * np.nanmax(np.abs(expected))
            np.testing.assert_allclose(theirs[key], expected, rtol=0, atol=far, err_msg=key)


def test_training_is_bit_identical_with_and_without(folder):
    with np.load(folder / "bare.npz") as bare, np.load(folder / "watched.npz") as watched:
        for name in bare:
            np.testing.assert_array_equal(bare[name], watched[name])


def test_its_run_is_like_any_other(folder):
    run = keras_explain.Run(folder / "run")
    assert run.steps == (-1, 0, 1, 2)
    assert {"saliency", "grad_cam/last", "activations/first"} <= set(run.keys)
    assert not run.failures
    assert not np.array_equal(run.load("saliency", -1), run.load("saliency", 2))
    figures = run.load("weight_gradients/statistics", 2)
    assert np.isfinite(figures).all()
