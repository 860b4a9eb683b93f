"""JAX and PyTorch: a training that stays its own, whatever the callback does."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_explain

pytestmark = pytest.mark.live
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["jax", "torch"])
def folder(request, tmp_path_factory):
    if not importlib.util.find_spec(request.param):
        pytest.skip(f"{request.param} is not installed")
    place = tmp_path_factory.mktemp(request.param)
    subprocess.run(
        [sys.executable, "-m", "tests.backends.training", place],
        env={**os.environ, "KERAS_BACKEND": request.param},
        cwd=ROOT,
        check=True,
    )
    return place


@pytest.mark.parametrize("watched", ["watched", "between batches", "failing"])
def test_training_is_bit_identical_with_and_without(folder, watched):
    with np.load(folder / "bare.npz") as bare, np.load(folder / f"{watched}.npz") as other:
        assert len(bare.files) == 12
        for name in bare:
            np.testing.assert_array_equal(bare[name], other[name])


def test_a_method_that_fails_takes_nothing_with_it(folder):
    run = keras_explain.Run(folder / "failing")
    assert {failure.source for failure in run.failures} == {"broken"}
    assert run.steps == (-1, 0, 1, 2)
    assert np.isfinite(run.load("saliency", 2)).all()


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
    assert np.isfinite(figures[..., :6]).all()
    assert len(keras_explain.Run(folder / "batches").steps) == 7
