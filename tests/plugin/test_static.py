"""The built front end, as it is served."""

import pytest
from werkzeug.test import Client

from keras_explain.tensorboard_plugin import plugin
from keras_explain.tensorboard_plugin.routes import apps
from keras_explain.tensorboard_plugin.runs import Runs
from keras_explain.tensorboard_plugin.summaries import Summaries

from .conftest import Provider


@pytest.fixture
def client(tmp_path):
    static = tmp_path / "static"
    static.mkdir()
    (static / "index.js").write_text("export function render() {}")
    (static / "style.css").write_text("b{}")
    (static / "notes.py").write_text("print()")
    (static / "deep.js").mkdir()
    (tmp_path / "secret.js").write_text("secret")
    runs, summaries = Runs(Provider(), str(tmp_path)), Summaries(Provider())
    return Client(apps(runs, summaries, 10, static)["/static/*"])


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("index.js", "text/javascript; charset=utf-8"), ("style.css", "text/css; charset=utf-8")],
)
def test_files_are_served_with_their_type_and_tag(client, name, content_type):
    reply = client.get(f"/data/plugin/keras_explain/static/{name}")
    assert reply.status_code == 200
    assert reply.content_type == content_type
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-cache" in reply.headers["Cache-Control"]
    again = client.get(f"/static/{name}", headers={"If-None-Match": reply.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
    assert again.headers["ETag"] == reply.headers["ETag"]


@pytest.mark.parametrize(
    "name",
    ["", "notes.py", "deep.js", "../secret.js", "%2e%2e/secret.js", "..%2fsecret.js", "index.js%00",
     "%252e%252e/secret.js", "..\\secret.js", "/etc/passwd",
     "static/../../secret.js", "x" * 20_000],
)  # fmt: skip
def test_nothing_else_is_served(client, name):
    reply = client.get(f"/data/plugin/keras_explain/static/{name}")
    assert reply.status_code == 404
    assert reply.content_type == "text/plain; charset=utf-8"
    assert b"secret" not in reply.data.replace(b"secret.js", b"")


def test_the_plugin_serves_the_folder_of_the_package():
    assert plugin.STATIC.name == "static"
    assert plugin.STATIC.parent.name in ("tensorboard_plugin",)
