"""What all tests share."""

import os

# TensorFlow 2.21's oneDNN kernels corrupt memory in some gradients.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tests import agreement


def pytest_addoption(parser):
    parser.addoption("--agreement", action="store_true", help="write docs/agreement.json")
    parser.addoption("--health", action="store_true", help="write docs/health.md")


def pytest_sessionfinish(session):
    if session.config.getoption("--agreement"):
        agreement.write()
