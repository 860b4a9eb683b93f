"""Who is answered: a person's own browser, near or through a proxy, and no page of another site."""

import pytest

from .conftest import RUNS, ask
from .test_hostile_requests import ROUTES

OWN = ("localhost", "localhost:6006", "127.0.0.1:6006", "[::1]:6006", "192.168.1.7", "gpu-box:8888",
       "app.localhost")  # fmt: skip
FOREIGN = ("evil.example", "evil.example:6006", "127.0.0.1.evil.example", "localhost.evil.example",
           "evil.example.", "EVIL.example", "", "a" * 10_000 + ".example", "[evil.example]",
           "127.0.0.1@evil.example", "evil.example\\.localhost")  # fmt: skip


@pytest.mark.parametrize("host", OWN)
def test_this_machine_is_known_by_its_names(client, host):
    assert ask(client, "runs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_a_name_that_leads_here_is_refused(client, host):
    for route in ROUTES:
        reply = ask(client, route, headers={"Host": host}, run=RUNS[0])
        assert reply.status_code == 403
        assert "KERAS_EXPLAIN_HOSTS" in reply.text
        assert "evil" not in reply.text


def test_a_name_is_known_once_it_is_given(client, monkeypatch):
    monkeypatch.setenv("KERAS_EXPLAIN_HOSTS", "lab.example,jupyter.example")
    asked = {"Host": "jupyter.example:8888"}
    assert ask(client, "runs", headers=asked).status_code == 200
    assert ask(client, "runs", headers={"Host": "evil.example"}).status_code == 403


def test_a_proxy_with_a_certificate_is_known_by_what_only_a_browser_says(client):
    """JupyterHub, Colab: the name is the proxy's, and `https:` makes the browser say so."""
    asked = {"Host": "hub.example", "Sec-Fetch-Site": "same-origin"}
    assert ask(client, "runs", headers=asked).status_code == 200


@pytest.mark.parametrize("bound", ["0.0.0.0", "::", "10.0.0.5", "gpu.example"])
def test_who_listens_to_the_network_has_any_name(client, bound):
    """`--bind_all` and `--host`."""
    reply = client.get(
        "/data/plugin/keras_explain/runs",
        headers={"Host": "gpu.example:6006"},
        environ_overrides={"SERVER_NAME": bound},
    )
    assert reply.status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_a_page_of_another_site_is_refused(client, site):
    for route in ROUTES:
        reply = ask(client, route, headers={"Sec-Fetch-Site": site}, run=RUNS[0])
        assert reply.status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", ""])
def test_an_older_browser_says_the_other_site_by_its_origin(client, origin):
    assert ask(client, "runs", headers={"Origin": origin}).status_code == 403


def test_the_own_page_is_answered_whatever_the_browser_says_of_it(client):
    for said in ({"Origin": "http://localhost"}, {"Sec-Fetch-Site": "none"}):
        assert ask(client, "runs", headers=said).status_code == 200


@pytest.mark.parametrize("route", ROUTES)
def test_every_reply_can_do_nothing_on_its_own(client, route):
    query = {"run": RUNS[0], "key": "saliency", "input": "image", "steps": "0", "step": "0",
             "of": "activations"}  # fmt: skip
    if route == "channels":
        query["key"] = "activations/conv1"
    whole = ask(client, route, **query)
    assert whole.status_code == 200
    tagged = {"If-None-Match": whole.headers.get("ETag", "x")}
    replies = [
        whole,
        ask(client, route, method="HEAD", **query),
        ask(client, route, method="POST", **query),
        ask(client, route, headers=tagged, **query),
        ask(client, route, headers={"Host": "evil.example"}, **query),
        ask(client, route, run="nobody"),
    ]
    for reply in replies:
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in reply.headers
        assert not reply.content_type or "html" not in reply.content_type


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", 'it\'s "<b>"', "\n\rX: y\n"])
def test_text_is_not_said_back(client, text):
    valid = {"run": RUNS[0], "key": "saliency", "input": "image", "steps": "0", "of": "activations",
             "step": "0", "format": "npz"}  # fmt: skip
    for route in ROUTES:
        for argument in (
            *valid,
            "rows",
            "stats",
            "figures",
            "dead_share",
            "size",
            "since",
            "points",
        ):
            reply = ask(client, route, **{**valid, argument: text})
            if reply.status_code != 200:
                assert text.strip()[:6] not in reply.text
                assert "script" not in reply.text
