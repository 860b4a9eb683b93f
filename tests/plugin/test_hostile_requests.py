"""Requests and log folders from a stranger: 4xx in words, never 5xx, never another run's loss."""

import errno
import itertools
import os
import shutil

import pytest

from keras_explain.store import RECORDS

from .conftest import RUNS, Provider, ask, client_of

ROUTES = (
    "runs", "manifest", "columns", "targets", "maps", "channels", "layers", "inputs", "values",
    "pair", "export", "alerts", "static/index.js",
)  # fmt: skip
READING = ROUTES[1:-1]
NUMBERS = (
    "x", "1.5", "1e3", "", ",", "1,,2", " 1", "+1", "0x1", "٣", "--1", "99999999999", "-1,", "NaN",
    "1;2", "\x00", "1" * 20_000, ",".join(["0"] * 20_001),
)  # fmt: skip
NAMES = (
    "", ".", "..", "../a/explain", "a/explain/", "a/explain/..", "/etc", "a\x00", "a/explain\n",
    "%2e%2e", "..%2fa", "..\\a", "C:\\", "\\\\host\\share",
    "<script>", "' or 1", "\ud7ff", "é" * 50,
    "x" * 20_000, "a/explain/plugins", "file:///etc/passwd", "~", "$HOME", "__class__",
)  # fmt: skip


def assert_refused(reply):
    assert reply.status_code in (400, 404), (reply.status_code, reply.text[:200])
    assert reply.content_type == "text/plain; charset=utf-8"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert 0 < len(reply.data) < 2_000


@pytest.mark.parametrize(
    ("route", "method"),
    list(itertools.product(ROUTES, ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])),
)
def test_only_reading_is_answered(client, route, method):
    reply = ask(client, route, method=method, run=RUNS[0])
    assert reply.status_code == 405
    assert reply.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_not_listed_opens_nothing(client, name, monkeypatch):
    valid = {
        "run": RUNS[0],
        "key": "saliency",
        "input": "image",
        "steps": "0",
        "of": "activations",
        "step": "0",
    }
    opened = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *args: (opened.append(path), real(path, *args))[1])
    for argument, routes in {
        "run": READING,
        "runb": ("pair",),
        "key": ("columns", "maps", "channels", "pair", "export"),
        "keyb": ("pair",),
        "of": ("layers",),
        "input": ("inputs", "values"),
    }.items():
        for route in routes:
            assert_refused(ask(client, route, **{**valid, argument: name}))
    assert not [path for path in opened if name and name in str(path) and len(name) > 2]


@pytest.mark.parametrize("argument", ["steps", "rows", "channels", "size", "stepsb"])
@pytest.mark.parametrize("value", NUMBERS)
def test_a_wrong_number_is_refused(client, argument, value):
    valid = {"run": RUNS[0], "key": "activations/conv1", "input": "image", "steps": "0"}
    route = {"size": "inputs", "stepsb": "pair"}.get(argument, "maps")
    reply = ask(client, route, **{**valid, argument: value})
    if value == "" and route == "maps":
        assert reply.status_code == 200  # nothing chosen is a choice
    else:
        assert_refused(reply)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("rows", "16"),
        ("rows", "-1"),
        ("channels", "16"),
        ("size", "0"),
        ("size", "99999"),
        ("size", "1,2"),
    ],
)
def test_a_number_out_of_range_is_told_the_range(client, argument, value):
    route = "inputs" if argument == "size" else "maps"
    reply = ask(client, route, run=RUNS[0], key="activations/conv1", input="image", steps="0",
                **{argument: value})  # fmt: skip
    assert_refused(reply)
    assert "must be" in reply.text


@pytest.mark.parametrize(
    "query",
    [
        {"steps": "0,1", "stepsb": "0"},
        {"steps": "0", "rows": "16"},
        {"steps": "0", "rows": "-1"},
        {"steps": "0", "figures": "cosine,rho"},
        {"steps": "0", "figures": ""},
        {"steps": "0", "keyb": ""},
        {"steps": "0", "runb": ""},
        {"steps": ",".join(["0"] * 20_000)},
        {"steps": "0", "rows": ",".join(["0"] * 20_000)},
    ],
)
def test_a_comparison_that_is_not_bounded_or_not_meant_is_refused(client, query):
    assert_refused(ask(client, "pair", run=RUNS[0], key="saliency", **query))


FIRST = {"layers": "of", "inputs": "input", "values": "input"} | dict.fromkeys(
    ("columns", "maps", "channels", "pair", "export"), "key"
)
"""By route, the argument that is asked for first, where that is not the run."""


@pytest.mark.parametrize("route", READING)
def test_a_missing_argument_is_named(client, route):
    reply = ask(client, route)
    assert reply.status_code == 400
    assert reply.text == f"`{FIRST.get(route, 'run')}` must be given."


def test_text_that_is_not_utf8_is_refused(client):
    for query in ("run=%ff%fe", "run=%ed%a0%80", "run=a%2Fexplain&key=%ff"):
        reply = client.get(f"/data/plugin/keras_explain/columns?{query}&key=x")
        assert_refused(reply)


def test_a_link_out_of_the_log_directory_is_not_followed(logdir, tmp_path):
    inside = tmp_path / "logs"
    (inside / "evil" / "explain").mkdir(parents=True)
    records = inside / "evil" / "explain" / RECORDS
    records.parent.mkdir()
    records.symlink_to(logdir / "a" / "explain" / RECORDS)
    (inside / "far").symlink_to(logdir / "a")
    client = client_of(Provider("evil/explain", "far/explain", "../a/explain"), inside)
    assert ask(client, "runs").get_json()["runs"] == []
    assert_refused(ask(client, "manifest", run="evil/explain"))


def damages(content):
    yield b""
    yield content[: len(content) // 2]
    yield content[:-1]
    yield (2**40).to_bytes(8, "little")
    yield (2**64 - 2).to_bytes(8, "little") + b"{}"
    yield (70_000).to_bytes(8, "little") + b"[" * 70_000
    yield os.urandom(5_000)
    for at in range(0, len(content), len(content) // 40):
        flipped = bytearray(content)
        flipped[at] ^= 0x10
        yield bytes(flipped)


def test_damaged_files_never_hide_a_step_or_a_run(logdir, tmp_path):
    shutil.copytree(logdir / "a", tmp_path / "a")
    shutil.copytree(logdir / "group", tmp_path / "group")
    client = client_of(Provider(*RUNS), tmp_path)
    folder = tmp_path / "a" / "explain" / RECORDS
    victims = [*sorted(folder.glob("step-*"))[1:2], *folder.glob("probes-*")]
    assert len(victims) == 2
    for victim in victims:
        whole = victim.read_bytes()
        for content in damages(whole):
            victim.write_bytes(content)
            listed = {run["run"]: run for run in ask(client, "runs").get_json()["runs"]}
            assert listed["group/b/explain"]["steps"] == 2
            assert listed["a/explain"]["last"] == 3
            assert listed["a/explain"]["steps"] >= 4
            query = {"run": "a/explain", "key": "saliency", "input": "image", "steps": "-1,0,2"}
            of = {"of": "activations", "step": "0"}
            for route in READING:
                named = {"key": "activations/conv1"} if route == "channels" else of
                assert ask(client, route, **{**query, **named}).status_code in (200, 404)
            assert ask(client, "maps", **query).status_code == 200
            if len(content) < len(whole):
                assert ask(client, "manifest", **query).get_json()["problems"]
        victim.write_bytes(whole)
    assert ask(client, "manifest", run="a/explain").get_json()["problems"] == []


def test_a_folder_that_cannot_be_listed_hides_no_other_run(logdir, monkeypatch):
    client = client_of(Provider(*RUNS), logdir)
    scan = os.scandir

    def refuse(path):
        if "group" in str(path):
            raise OSError(errno.EIO, "Input/output error")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    listed = {run["run"]: run["steps"] for run in ask(client, "runs").get_json()["runs"]}
    assert listed == {"a/explain": 5, "group/b/explain": 0}
    (problem,) = ask(client, "manifest", run="group/b/explain").get_json()["problems"]
    assert problem["error"] == "It cannot be listed: Input/output error"


def test_a_file_where_the_folder_should_be_is_no_run(tmp_path):
    records = tmp_path / "a" / "explain" / RECORDS
    records.parent.mkdir(parents=True)
    records.write_text("not a folder")
    client = client_of(Provider("a/explain"), tmp_path)
    assert ask(client, "runs").get_json()["runs"] == []
