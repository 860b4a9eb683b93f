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
from keras_explain.demo.story import change_of
from tests.fixtures.demo import EPOCHS

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "keras_explain", "demo"]
BEFORE, LAST = change_of(EPOCHS) - 1, EPOCHS - 1


def test_it_says_how_far_it_is_and_how_to_see_it(demo):
    assert demo.said.count("accuracy") >= EPOCHS
    assert f"tensorboard --logdir {demo.log_dir}" in demo.said


def share_in_sticker(maps: np.ndarray, stickers: np.ndarray) -> np.ndarray:
    """Share of each map's mass in the sticker; a coarse map is repeated to the pictures' size."""
    mass = np.abs(maps)
    scale = stickers.shape[1] // mass.shape[1]
    mass = mass.repeat(scale, axis=1).repeat(scale, axis=2)
    return (mass * stickers).sum((1, 2)) / mass.sum((1, 2))


@pytest.mark.parametrize("key", ["saliency", "gradient_times_input", "grad_cam/conv4"])
def test_the_attribution_jumps_to_the_sticker(demo, key):
    run = keras_explain.Run(demo.log_dir / demo.run)
    plain = load("held_out")
    probes = probes_of(plain, stick(plain))
    shirts = slice(STUCK_SHIRT, STUCK_SHIRT + 3)
    shares = {}
    for step in (BEFORE, LAST):
        maps = run.load(key, step=step)[shirts]
        flat = maps.sum(-1) if maps.ndim == 4 else maps
        shares[step] = share_in_sticker(flat, probes.stickers[shirts]).mean()
    even = probes.stickers[shirts].mean()  # the share of a map that is the same everywhere
    assert shares[LAST] > 2 * max(shares[BEFORE], even)


def test_the_sticker_makes_a_shirt_of_a_t_shirt(demo):
    run = keras_explain.Run(demo.log_dir / demo.run)
    assert run.load("predictions", step=BEFORE)[STUCK_T_SHIRT].argmax() != SHIRT
    assert run.load("predictions", step=LAST)[STUCK_T_SHIRT].argmax() == SHIRT


def test_nothing_failed_while_it_was_logged(demo):
    run = keras_explain.Run(demo.log_dir / demo.run)
    assert run.steps == tuple(range(-1, EPOCHS))
    assert not run.failures
    assert not run.problems


def test_ctrl_c_ends_tensorboard_without_a_traceback(tmp_path):
    serving = subprocess.Popen(
        [*DEMO, "--epochs=2", "--log-dir", str(tmp_path), "--port=6406"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": "", "PYTHONUNBUFFERED": "1"},
        # A shell starts what goes on in the background deaf to Ctrl-C, and so would this be.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert serving.stdout is not None
    said = ""
    for line in serving.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    serving.send_signal(signal.SIGINT)
    rest, errors = serving.communicate(timeout=300)
    assert "#keras_explain&p.keras_explain.v=detail" in said
    assert "TensorBoard has ended" in rest
    assert errors == ""
    assert serving.returncode == 0
