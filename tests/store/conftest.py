"""A small run to write and read."""

from pathlib import Path

import hypothesis
import numpy as np
import pytest

from keras_explain.store import ProbeSet, RecordSpec, StepInfo

# The same cases every time, and no clock: machines are shared.
hypothesis.settings.register_profile("store", derandomize=True, deadline=None)
hypothesis.settings.load_profile("store")

MAPS = RecordSpec("maps", "saliency", ("height", "width", "channel"), True, "sum", input="x")
FIGURES = RecordSpec("figures", "weight_gradients", ("statistic",), True, rows=("kernel", "bias"))


def probe_set(seed=0, count=3):
    inputs = np.random.default_rng(seed).random((count, 4, 5, 2), np.float32)
    axes = {"x": ("height", "width", "channel")}
    return ProbeSet({"x": inputs}, axes, {"x": "image"}, labels=np.arange(count))


def step_info(step, count=3, **fields):
    return StepInfo(step=step, wall_time=float(step), targets=[0] * count, **fields)


def step_records(step, count=3):
    noise = np.random.default_rng(step + 1)
    maps = noise.normal(size=(count, 4, 5, 2)).astype(np.float32)
    figures = noise.normal(size=(2, 6)).astype(np.float32)
    return [(MAPS, maps), (FIGURES, figures)]


def visible_steps(folder: Path):
    """What the folder holds, as (name, content) of what a reader may see."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def probes():
    return probe_set()
