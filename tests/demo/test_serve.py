"""TensorBoard beside the process: found a port, answered, ended."""

import http.client
import socket
import subprocess
import sys

import pytest

from keras_explain.demo import serve


def test_a_taken_port_is_passed_over():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert serve.free_port(port) > port


def test_a_free_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert serve.free_port(port) == port


def test_no_port_beyond_the_last():
    with pytest.raises(OSError, match="no free one among the 100 from 65536 on"):
        serve.free_port(65536)


def test_links_encode_their_values():
    assert serve.link(6007, v="detail", m="grad_cam/conv4", x=3) == (
        "http://localhost:6007/#keras_explain&p.keras_explain.v=detail"
        "&p.keras_explain.m=grad_cam%2Fconv4&p.keras_explain.x=3"
    )


def test_tensorboard_answers_inside_and_has_ended_behind(tmp_path):
    port = serve.free_port(6106)
    with serve.tensorboard(tmp_path, port) as process:
        connection = http.client.HTTPConnection("localhost", port, timeout=30)
        connection.request("GET", "/data/plugins_listing")
        listing = connection.getresponse().read()
        connection.close()
        assert process.poll() is None
        assert b'"keras_explain"' in listing
    assert process.returncode is not None


def test_tensorboard_ends_when_the_block_is_interrupted(tmp_path):
    with pytest.raises(KeyboardInterrupt), serve.tensorboard(tmp_path, serve.free_port(6206)) as p:
        raise KeyboardInterrupt
    assert p.returncode is not None


def test_a_tensorboard_that_fails_is_quoted(tmp_path, monkeypatch):
    broken = [sys.executable, "-c", "import sys; sys.exit('no such plugin')"]
    monkeypatch.setattr(serve, "command", lambda log_dir, port: broken)
    with (
        pytest.raises(RuntimeError, match="TensorBoard did not start: no such plugin"),
        serve.tensorboard(tmp_path, 6306),
    ):
        pass


def test_the_command_is_one_that_a_shell_takes(tmp_path):
    shown = subprocess.list2cmdline(serve.command(tmp_path, 6007))
    assert "-m tensorboard.main --logdir" in shown
    assert "--port 6007 --host localhost" in shown


def test_no_browser_is_opened_where_there_is_no_screen(monkeypatch):
    opened = []
    monkeypatch.setattr(serve.webbrowser, "open", opened.append)
    monkeypatch.setattr(serve.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    serve.open_browser("http://localhost:6006/")
    assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    serve.open_browser("http://localhost:6006/")
    assert opened == ["http://localhost:6006/"]


def test_tensorboard_starts_from_a_checkout_too(tmp_path, monkeypatch):
    # A folder called keras_explain in the working directory hides the installed package.
    shadow = tmp_path / "here" / "keras_explain"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("raise ImportError('the wrong one')")
    logs = tmp_path / "logs"
    logs.mkdir()
    monkeypatch.chdir(shadow.parent)
    port = serve.free_port(6300)
    with serve.tensorboard(logs, port) as process:
        assert process.poll() is None
