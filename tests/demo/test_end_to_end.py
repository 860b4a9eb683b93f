"""The demo as people run it, only shorter, and the example."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_explain
from keras_explain.demo.data import SHIRT, load, stick
from keras_explain.demo.probes import STUCK_SHIRT, STUCK_T_SHIRT, probes_of

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "keras_explain", "demo", "--epochs=8"]


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    """Logs of eight epochs, the last five of them with the sticker."""
    folder = tmp_path_factory.mktemp("demo")
    ran = subprocess.run(
        [*COMMAND, "--no-serve", "--log-dir", str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == ""
    assert ran.stdout.count("accuracy") >= 8
    assert f"tensorboard --logdir {folder}" in ran.stdout
    return folder


def share_in_sticker(maps: np.ndarray, stickers: np.ndarray) -> np.ndarray:
    """Share of each map's mass in the sticker; a coarse map is repeated to the pictures' size."""
    mass = np.abs(maps)
    scale = stickers.shape[1] // mass.shape[1]
    mass = mass.repeat(scale, axis=1).repeat(scale, axis=2)
    return (mass * stickers).sum((1, 2)) / mass.sum((1, 2))


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [("saliency", 0.06, 0.12), ("gradient_times_input", 0.1, 0.2), ("grad_cam/conv4", 0.1, 0.2)],
)
def test_the_attribution_jumps_to_the_sticker(log_dir, key, before, after):
    run = keras_explain.Run(log_dir / "seed-0")
    plain = load("held_out")
    probes = probes_of(plain, stick(plain))
    shirts = slice(STUCK_SHIRT, STUCK_SHIRT + 3)
    shares = {}
    for step in (2, 7):  # the last one before the change, and the end
        maps = run.load(key, step=step)[shirts]
        flat = maps.sum(-1) if maps.ndim == 4 else maps
        shares[step] = share_in_sticker(flat, probes.stickers[shirts]).mean()
    assert shares[2] < before
    assert shares[7] > after


def test_the_sticker_makes_a_shirt_of_a_t_shirt(log_dir):
    run = keras_explain.Run(log_dir / "seed-0")
    assert run.load("predictions", step=2)[STUCK_T_SHIRT].argmax() != SHIRT
    assert run.load("predictions", step=7)[STUCK_T_SHIRT].argmax() == SHIRT


def test_nothing_failed_while_it_was_logged(log_dir):
    run = keras_explain.Run(log_dir / "seed-0")
    assert run.steps == tuple(range(-1, 8))
    assert not run.failures
    assert not run.problems


def test_ctrl_c_ends_tensorboard_without_a_traceback(tmp_path):
    serving = subprocess.Popen(
        [*COMMAND[:-1], "--epochs=2", "--log-dir", str(tmp_path), "--port=6406"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": "", "PYTHONUNBUFFERED": "1"},
    )
    assert serving.stdout is not None
    said = ""
    for line in serving.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    serving.send_signal(signal.SIGINT)
    rest, errors = serving.communicate(timeout=60)
    assert "#keras_explain&p.keras_explain.v=detail" in said
    assert "TensorBoard has ended" in rest
    assert errors == ""
    assert serving.returncode == 0


def test_the_example_runs(tmp_path):
    subprocess.run(
        [sys.executable, str(ROOT / "examples" / "fashion.py")],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    run = keras_explain.Run(tmp_path / "logs" / "fashion")
    assert run.steps == tuple(range(-1, 5))
    assert not run.failures
