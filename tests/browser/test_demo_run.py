"""What the demo leaves behind, as numbers."""

import subprocess
import sys

import numpy as np
import pytest

import keras_explain
from tests.fixtures.demo import EPOCHS

METHODS = {"saliency", "gradient_times_input", "grad_cam", "activations", "weight_gradients"}


def test_the_run_has_every_step_and_every_method(demo):
    run = keras_explain.Run(demo.log_dir)
    assert run.steps == tuple(range(-1, EPOCHS))
    assert {run.specs[key].method for key in run.keys} >= METHODS
    assert run.failures == ()
    for key in run.keys:
        for step in run.steps:
            array = run.load(key, step)
            assert array.dtype == np.float32
            if key == "weight_gradients/statistics" and step == run.steps[0]:
                updates = run.specs[key].labels["statistic"].index("update_norm")
                assert np.isnan(array[:, updates]).all()  # there is no step before
                array = np.delete(array, updates, axis=1)
            assert np.isfinite(array).all()


def test_maps_have_their_native_size(demo):
    run = keras_explain.Run(demo.log_dir)
    assert run.load("saliency", 0).shape == (16, 48, 48, 3)
    assert run.load("gradient_times_input", 0).shape == (16, 48, 48, 3)
    assert run.load("grad_cam/conv4", 0).shape == (16, 12, 12)


@pytest.mark.parametrize("key", ["saliency", "grad_cam/conv4", "activations/conv2"])
def test_diff_agrees_with_numpy(demo, key):
    run = keras_explain.Run(demo.log_dir)
    a, b = run.load(key, 2), run.load(key, EPOCHS - 1)
    found = run.diff(key, 2, EPOCHS - 1)
    np.testing.assert_array_equal(found.values, b - a)
    x, y = (array.reshape(16, -1).astype("float64") for array in (a, b))
    cosine = 1 - (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
    np.testing.assert_allclose(found.cosine, cosine, atol=1e-9)


def test_safetensors_alone_opens_a_step(demo):
    file = max(demo.log_dir.rglob("step-*.safetensors"))
    code = (
        "import sys\n"
        "from safetensors.numpy import load_file\n"
        "file = load_file(sys.argv[1])\n"
        "maps = file['saliency'].astype('float32') * file['saliency#scale'][:, None, None, None]\n"
        "assert not {'keras', 'keras_explain', 'tensorflow'} & set(sys.modules)\n"
        "print(maps.shape, float(maps.max()))\n"
    )
    printed = subprocess.check_output([sys.executable, "-c", code, file], text=True)
    expected = keras_explain.Run(demo.log_dir).load("saliency", EPOCHS - 1)
    assert printed.split(") ")[0] + ")" == str(expected.shape)
    assert float(printed.split(") ")[1]) == expected.max()
