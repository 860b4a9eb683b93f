"""No address opens a file: the real TensorBoard, in this process and behind a socket."""

import os
import socket
from pathlib import Path
from unittest.mock import patch
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from werkzeug.test import Client, create_environ, run_wsgi_app

from keras_explain.store import RECORDS
from keras_explain.tensorboard_plugin.loader import KerasExplainLoader
from tests.fixtures.make_run import make_run

from .conftest import ROUTE, Provider
from .test_tensorboard import TensorBoard
from .traversals import traversals

WITHOUT_TENSORFLOW = Path(__file__).parents[1] / "fixtures" / "without_tensorflow"
VARIANTS = tuple(traversals())
ARGUMENTS = {"manifest": "run", "maps": "key", "inputs": "input", "picture": "tag"}
"""By route, an argument that is a name."""

SECRET = b"keras_explain_secret"


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    place = tmp_path_factory.mktemp("place")
    make_run(place / "logs" / "good", steps=2)
    make_run(place / "secret", steps=2)
    for name in ("secret.js", "logs/secret.js", "secret/explain/secret.js"):
        (place / name).write_bytes(SECRET)
    # TensorBoard itself follows links, and lists what lies behind them.
    (place / "logs" / "linked").symlink_to(place / "secret")
    records = place / "logs" / "steps" / "explain" / RECORDS
    make_run(place / "logs" / "steps", steps=2)
    for file in records.glob("step-*"):
        elsewhere = place / file.name
        file.rename(elsewhere)
        file.symlink_to(elsewhere)
    return place / "logs"


@pytest.fixture(scope="module")
def wsgi(logdir):
    """TensorBoard's own application, with this plugin."""
    from tensorboard import program
    from tensorboard.backend import application
    from tensorboard.plugins.core.core_plugin import CorePluginLoader

    board = program.TensorBoard(plugins=[CorePluginLoader(), KerasExplainLoader()])
    board.configure(logdir=str(logdir))
    provider = Provider("good/explain", "linked/explain", "steps/explain")
    return Client(
        application.TensorBoardWSGIApp(
            board.flags, board.plugin_loaders, provider, board.assets_zip_provider
        )
    )


@pytest.fixture(scope="module")
def live(logdir):
    with patch.dict(os.environ, PYTHONPATH=str(WITHOUT_TENSORFLOW)):
        board = TensorBoard("--logdir", logdir)
    board.wait_for_runs(2)
    yield board
    board.close()


def assert_refused(code, content, variant):
    assert 400 <= code < 500, (code, variant[:80])
    assert SECRET not in content
    assert b"root:" not in content


def test_there_are_more_than_two_hundred():
    assert len(set(VARIANTS)) > 200


def test_the_application_serves_no_other_file(wsgi):
    for variant in VARIANTS:
        # Once as a server hands it on, decoded once, and once as it stands.
        for path in (unquote_to_bytes(variant).decode("latin-1"), variant):
            environ = create_environ()
            environ["PATH_INFO"] = f"{ROUTE}/static/{path}"
            content, status, _ = run_wsgi_app(wsgi.application, environ)
            assert_refused(int(status.split()[0]), b"".join(content), variant)
    assert wsgi.get(f"{ROUTE}/static/index.js").status_code == 200


@pytest.mark.parametrize(("route", "argument"), ARGUMENTS.items())
def test_the_application_opens_nothing_by_an_argument(wsgi, route, argument):
    valid = {"run": "good/explain", "key": "saliency", "input": "image", "steps": "0"}
    for variant in VARIANTS:
        query = {**valid, argument: variant}
        reply = wsgi.get(f"{ROUTE}/{route}", query_string=query)
        assert_refused(reply.status_code, reply.data, variant)
        # Encoded no further, as somebody types it.
        rest = "&".join(f"{name}={value}" for name, value in valid.items() if name != argument)
        typed = variant.replace("#", "%23").replace("&", "%26")
        reply = wsgi.get(f"{ROUTE}/{route}?{rest}&{argument}={typed}")
        assert_refused(reply.status_code, reply.data, variant)


def test_a_link_out_of_the_log_directory_is_not_followed(wsgi):
    listed = wsgi.get(f"{ROUTE}/runs").get_json()["runs"]
    assert {run["run"]: run["steps"] for run in listed} == {"good/explain": 2, "steps/explain": 0}
    query = {"run": "linked/explain", "key": "saliency", "steps": "-1"}
    assert wsgi.get(f"{ROUTE}/maps", query_string=query).status_code == 404


def asked(board, path):
    """Status and rest of the reply to an address that no client has tidied up."""
    where = urlsplit(board.url)
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        line = f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n"
        connection.sendall(line.encode("latin-1"))
        content = b"".join(iter(lambda: connection.recv(65_536), b""))
    return int(content.split()[1]), content


def test_the_server_serves_no_other_file(live):
    for variant in VARIANTS:
        path = variant.replace(" ", "%20").replace("\r", "").replace("\n", "")
        code, content = asked(live, f"{ROUTE}/static/{path}")
        if code in (301, 302, 308):  # Werkzeug merges slashes
            assert SECRET not in content
            continue
        assert_refused(code, content, variant)
    assert asked(live, f"{ROUTE}/static/index.js")[0] == 200
