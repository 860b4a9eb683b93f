"""What all tests share."""

import os
import sys

# TensorFlow 2.21's oneDNN kernels corrupt memory in some gradients.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest

from tests import agreement
from tests.fixtures.demo import run_demo
from tests.seeds import SHIFT, seed


def pytest_addoption(parser):
    parser.addoption("--agreement", action="store_true", help="write docs/agreement.json")
    parser.addoption("--models", action="store_true", help="write docs/models.md")
    parser.addoption("--training", action="store_true", help="write docs/training.md")
    parser.addoption("--faults", action="store_true", help="every fault, not a choice: an hour")
    parser.addoption("--health", action="store_true", help="write docs/health.md")
    parser.addoption(
        "--seed-shift", type=int, default=0, metavar="N", help="add N to the seed of each training"
    )


def pytest_configure(config):
    if config.getoption("--agreement") and config.getoption("numprocesses", None):
        raise pytest.UsageError("--agreement gathers in one process: add -n 0")
    os.environ[SHIFT] = str(config.getoption("--seed-shift"))  # trainings in other processes too


def pytest_sessionfinish(session):
    if session.config.getoption("--agreement"):
        agreement.write()


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """What the README's first command leaves, without serving: `(log_dir, said)`."""
    return run_demo(tmp_path_factory)


def _seed():
    if keras := sys.modules.get("keras"):
        keras.utils.set_random_seed(seed(0))


@pytest.fixture(scope="module", autouse=True)
def seeded_module():
    """The weights and draws of a module's own fixtures are the same in each session."""
    _seed()


@pytest.fixture(autouse=True)
def seeded():
    """A test's weights and draws are the same whichever tests ran before."""
    _seed()
