"""Two processes train one model: one of them writes, and no hook waits for the other process."""

import contextlib
import importlib.util
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from keras_explain.callbacks import chief
from tests.fixtures.on_backend import on_backend

ROOT = Path(__file__).parents[2]
AT_MOST = 900
"""Seconds; a hook that only one process runs must not wait for the other."""


def free_ports(count):
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [str(one.getsockname()[1]) for one in taken]


@pytest.mark.timeout(AT_MOST + 60)
@pytest.mark.parametrize(
    "backend", ["tensorflow", *(pytest.param(b, marks=pytest.mark.live) for b in ("jax", "torch"))]
)
def test_only_the_chief_writes_and_training_is_its_own(tmp_path, backend):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    ports = free_ports(2)
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.training.workers", tmp_path, str(rank), *ports],
            env=on_backend(backend),
            cwd=ROOT,
        )
        for rank in range(2)
    ]
    try:
        assert [one.wait(AT_MOST) for one in running] == [0, 0]
    finally:
        for one in running:
            one.kill()
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert first["differs"] == second["differs"] == []
    assert first["weights"] == second["weights"]  # they did train together
    assert first["traces"] == second["traces"] == [1]
    assert first["files"] > 0
    assert second["files"] == 0


CLUSTER = {"worker": ["one:1", "two:1"]}


@pytest.mark.parametrize(
    ("cluster", "kind", "index", "chief_is"),
    [
        (CLUSTER, "worker", 0, True),
        (CLUSTER, "worker", 1, False),
        ({"chief": ["zero:1"], **CLUSTER}, "worker", 0, False),
        ({"chief": ["zero:1"], **CLUSTER}, "chief", 0, True),
        ({**CLUSTER, "evaluator": ["last:1"]}, "evaluator", 0, False),
    ],
)
def test_the_chief_of_a_cluster_that_no_strategy_knows(cluster, kind, index, chief_is):
    config = {"cluster": cluster, "task": {"type": kind, "index": index}}
    assert chief.is_first_task(json.dumps(config)) is chief_is


@pytest.mark.parametrize("config", ["", "{}", "no JSON", "[]", '{"task": null}', '{"cluster": 3}'])
def test_who_trains_alone_writes(config):
    assert chief.is_first_task(config)
