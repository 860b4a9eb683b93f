"""Run TensorBoard beside this process, and link to a view of its Explain tab."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

HOST = "localhost"
PATIENCE = 120.0  # seconds until TensorBoard must answer; importing TensorFlow takes most of it


def command(log_dir: Path, port: int) -> list[str]:
    """TensorBoard on `log_dir`, as this interpreter runs it."""
    where = ["--logdir", str(log_dir.resolve()), "--port", str(port), "--host", HOST]
    return [sys.executable, "-m", "tensorboard.main", *where]


def free_port(first: int) -> int:
    """The first port from `first` on that nobody listens to.

    Raises:
        OSError: If the hundred ports from `first` on are all taken.
    """
    for port in range(first, min(first + 100, 65536)):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise OSError(f"`port`: no free one among the 100 from {first} on")


def link(port: int, **view: str | int) -> str:
    """Address of the Explain tab at `view`, in the keys of the tab's own links."""
    terms = [f"&p.keras_explain.{key}={quote(str(value), safe='')}" for key, value in view.items()]
    return f"http://{HOST}:{port}/#keras_explain{''.join(terms)}"


@contextmanager
def tensorboard(log_dir: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """TensorBoard on `log_dir`, answering on `port` inside the `with`, ended behind it.

    Raises:
        RuntimeError: With the last words of TensorBoard, if it ends before it answers.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command(log_dir, port),
            cwd=log_dir,  # `-m` would import keras_explain's sources from a checkout we stand in
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for us; we end TensorBoard
        )
        try:
            if not _answers(process, port):
                errors.seek(0)
                words = errors.read().decode(errors="replace").strip().splitlines()
                raise RuntimeError("TensorBoard did not start: " + "\n".join(words[-5:]))
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server replies; False if it ends first or takes too long."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            connection.request("GET", "/data/environment")
            if connection.getresponse().status == http.client.OK:
                return True
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)
        finally:
            connection.close()
    return False


def open_browser(address: str) -> None:
    """Open `address` where there is a screen; a browser in this terminal would be in the way."""
    has_screen = os.name == "nt" or sys.platform == "darwin"
    if has_screen or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(address)
