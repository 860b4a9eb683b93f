"""The real TensorBoard, on both of its ways to read event files, with a bad neighbour."""

import json
import subprocess
import sys
import threading
import time
import urllib.request
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode

import numpy as np
import pytest

import keras_explain
from keras_explain.store import RECORDS, EventFile, announcement
from tests.fixtures.make_run import make_run
from tests.fixtures.unbundle import unbundle

PATIENCE = 120
"""Seconds until TensorBoard, which may import TensorFlow first, has to answer."""


class TensorBoard:
    """A TensorBoard of its own process."""

    def __init__(self, *options):
        command = [sys.executable, "-m", "tensorboard.main", "--port", "0", "--host", "127.0.0.1"]
        self.process = subprocess.Popen(
            [*command, "--reload_interval", "1", *map(str, options)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.said = []
        for line in self.process.stderr:
            self.said.append(line)
            if " at http://" in line:
                self.url = line.split(" at ")[1].split("/ ")[0]
                break
        else:
            raise RuntimeError("".join(self.said))
        # A pipe that nobody empties would stop TensorBoard one day.
        self._listener = threading.Thread(target=self.said.extend, args=[self.process.stderr])
        self._listener.start()

    def get(self, path, method="GET", headers=None, **query):
        url = f"{self.url}/{path}?{urlencode(query)}"
        asked = urllib.request.Request(url, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(asked, timeout=30) as reply:
                return reply.status, reply.headers, reply.read()
        except HTTPError as error:
            return error.code, error.headers, error.read()

    def explain(self, route, **query):
        return self.get(f"data/plugin/keras_explain/{route}", **query)

    def wait_for_runs(self, count):
        """The runs, as soon as there are `count`."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                runs = json.loads(self.explain("runs")[2])["runs"]
            except (URLError, ConnectionError):
                continue
            if len(runs) >= count:
                return {run["run"]: run for run in runs}
        raise TimeoutError(f"{count} runs did not appear. Received: {runs}")

    def close(self):
        self.process.kill()
        self.process.wait()
        self._listener.join()
        self.process.stderr.close()


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    place = tmp_path_factory.mktemp("logs")
    make_run(place / "good", steps=12)
    bad = place / "bad" / "explain"
    events = EventFile(bad)
    events.add(0, 1.0, [announcement(["saliency"])])
    events.close()
    (bad / RECORDS).mkdir(parents=True)
    for number, content in enumerate([b"", b"\xff" * 8, b"\x00" * 9, b"x" * 1_000]):
        (bad / RECORDS / f"step-{number:03d}-0000000001.safetensors").write_bytes(content)
    return place


@pytest.fixture(scope="module", params=["default", "python", "spec"])
def board(request, logdir):
    options = {
        "default": ["--logdir", logdir],
        "python": ["--logdir", logdir, "--load_fast=false"],
        "spec": ["--logdir_spec", f"logs:{logdir}"],
    }[request.param]
    started = TensorBoard(*options)
    started.group = "logs/" if request.param == "spec" else ""
    started.wait_for_runs(2)
    yield started
    started.close()
    # Its security validator only warns today.
    assert not [line for line in started.said if "will become an error" in line]
    assert not [line for line in started.said if "Traceback" in line]


def test_the_tab_is_listed(board):
    listing = json.loads(board.get("data/plugins_listing")[2])["keras_explain"]
    assert listing["enabled"]
    assert listing["tab_name"] == "Explain"
    assert listing["loading_mechanism"]["module_path"].endswith("keras_explain/static/index.js")
    assert board.get("data/plugin_entry.html", name="keras_explain")[0] == 200


def test_every_route_is_answered(board, logdir):
    name = f"{board.group}good/explain"
    run = keras_explain.Run(logdir / "good")
    assert board.wait_for_runs(2)[name]["steps"] == 12
    manifest = json.loads(board.explain("manifest", run=name)[2])
    assert manifest["steps"] == list(run.steps)
    query = {"run": name, "key": "saliency", "input": "image", "steps": "-1,10"}
    bundles = {}
    for route in ("columns", "targets", "maps", "inputs", "values"):
        status, headers, content = board.explain(route, **query)
        assert status == 200
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["X-Content-Type-Options"] == "nosniff"
        bundles[route], _ = unbundle(content)
    values = bundles["maps"]["maps"].astype(np.float32) * bundles["maps"]["scale"][..., None, None]
    truth = run.load("saliency", 10).max(axis=-1)
    np.testing.assert_allclose(values[1], truth, atol=np.nanmax(truth) * 2**-11)
    np.testing.assert_array_equal(bundles["values"]["values"], run.probes.inputs["image"])


def test_the_bad_neighbour_is_told_apart(board):
    manifest = json.loads(board.explain("manifest", run=f"{board.group}bad/explain")[2])
    assert manifest["steps"] == []
    assert len(manifest["problems"]) == 4


def test_what_may_not_be_asked_is_refused(board):
    assert board.explain("runs", method="POST")[0] == 405
    for run in ("../good/explain", "x" * 20_000, ""):
        status, headers, _ = board.explain("manifest", run=run)
        assert status in (400, 404)
        assert headers["X-Content-Type-Options"] == "nosniff"
    for path in ("..%2floader.py", "%2e%2e/loader.py", "nothing.js"):
        assert board.explain(f"static/{path}")[0] == 404


def test_a_step_that_is_logged_while_it_runs_appears(board, logdir):
    name = f"{board.group}good/explain"
    folder = logdir / "good" / "explain" / RECORDS
    last = sorted(folder.glob("step-*"))[-1]
    content = last.read_bytes()
    last.unlink()
    assert json.loads(board.explain("manifest", run=name)[2])["steps"][-1] == 9
    last.write_bytes(content)
    assert json.loads(board.explain("manifest", run=name)[2])["steps"][-1] == 10
