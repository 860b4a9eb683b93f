"""The route of the alerts: what it answers, what it costs, what it refuses."""

import shutil

import numpy as np
import pytest

import keras_explain
from keras_explain.health import RULES, Health, Thresholds
from keras_explain.store import RECORDS, Reader
from keras_explain.store.schema import STATS
from keras_explain.tensorboard_plugin import alerts as alerts_module
from tests.fixtures.sick_run import make_sick_run

from .conftest import Provider, ask, client_of
from .test_hostile_requests import NUMBERS, assert_refused

RUN = "sick/explain"
STEPS = 20


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("sick")
    make_sick_run(place / "sick", steps=STEPS)
    return place


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    monkeypatch.setattr(alerts_module, "SECONDS", None)


@pytest.fixture
def client(place):
    return client_of(Provider(RUN), place)


def reply_of(client, **query):
    reply = ask(client, "alerts", run=RUN, **query)
    assert reply.status_code == 200, reply.text
    return reply.get_json()


def test_it_answers_what_a_run_says_at_a_prompt(client, place):
    found = reply_of(client)
    run = keras_explain.Run(place / "sick")
    assert (found["checked"], found["pending"], found["left_out"]) == (STEPS, 0, 0)
    assert set(found) == {"checked", "pending", "left_out", "alerts"}
    for alert, expected in zip(found["alerts"], run.alerts(), strict=True):
        assert alert["name"] == expected.name
        assert alert["place"] == vars(expected.place)
        same = ("rule", "severity", "count", "since", "until", "worst", "threshold", "sentence")
        for field in same:
            assert alert[field] == getattr(expected, field)
        assert alert["value"] == pytest.approx(expected.value)


def test_a_line_is_the_figure_at_the_steps(client, place):
    found = reply_of(client, points=200)
    run = keras_explain.Run(place / "sick")
    flat = next(a for a in found["alerts"] if a["rule"] == "flat_maps")
    stats = run.stats(flat["place"]["record"])
    share = (stats["max"] - stats["min"] <= 1e-6 * np.maximum(stats["max"], 0)).mean(axis=1)
    assert flat["line"]["steps"] == list(run.steps)
    np.testing.assert_allclose(flat["line"]["values"], share)
    dead = next(a for a in found["alerts"] if a["rule"] == "dead_units")
    zero = [(run.load(dead["place"]["record"], s) == 0).all(axis=(0, 1, 2)) for s in run.steps]
    windows = [zero[i] & zero[i + 1] & zero[i + 2] for i in range(STEPS - 2)]
    lasting = [np.any(windows[max(0, i - 2) : i + 1], axis=0).mean() for i in range(STEPS)]
    np.testing.assert_allclose(dead["line"]["values"], lasting)


def test_few_points_keep_the_worst_step(client):
    for alert in reply_of(client, points=3)["alerts"]:
        assert len(alert["line"]["steps"]) == 3
        at = alert["line"]["steps"].index(alert["worst"])
        if alert["value"] is not None:
            assert alert["line"]["values"][at] == pytest.approx(alert["value"])


def test_rules_and_limits_are_told_with_the_lines(client):
    found = reply_of(client, points=1, dead_share="0.25")
    assert [rule["name"] for rule in found["rules"]] == list(RULES)
    assert all(rule["looked_at"] > 0 for rule in found["rules"] if rule["name"] != "wrong_reason")
    limits = {limit["name"]: limit for limit in found["limits"]}
    assert limits["dead_share"]["value"] == 0.25
    assert limits["dead_share"]["default"] == Thresholds().dead_share
    known = set(limits)
    assert all(set(rule["limits"]) <= known for rule in found["rules"])


def test_a_limit_changes_what_is_found(client):
    by_default = {alert["rule"] for alert in reply_of(client)["alerts"]}
    assert "dead_units" in by_default
    strict = {alert["rule"] for alert in reply_of(client, dead_share="1")["alerts"]}
    assert strict == by_default - {"dead_units"}


def test_each_step_is_read_once(place, tmp_path, monkeypatch):
    shutil.copytree(place / "sick", tmp_path / "sick")
    folder = tmp_path / RUN / RECORDS
    (last,) = folder.glob(f"step-*-{STEPS - 1:010d}.safetensors")
    kept = last.read_bytes()
    last.unlink()
    loaded = []
    real = Reader.load
    monkeypatch.setattr(
        Reader, "load", lambda *a, **k: (loaded.append(a[1].info.step), real(*a, **k))[1]
    )
    client = client_of(Provider(RUN), tmp_path)
    assert reply_of(client)["checked"] == STEPS - 1
    assert len(set(loaded)) == STEPS - 1
    loaded.clear()
    for limits in ({}, {"flat_share": "0.1"}, {"jump": "3"}):
        reply_of(client, **limits)
    assert loaded == []
    last.write_bytes(kept)
    assert reply_of(client)["checked"] == STEPS
    assert set(loaded) == {STEPS - 2}


def test_a_long_run_is_measured_bit_by_bit(client, place, monkeypatch):
    monkeypatch.setattr(alerts_module, "SECONDS", 0)
    fresh = client_of(Provider(RUN), place)
    for checked in range(1, STEPS + 1):
        part = reply_of(fresh)
        assert (part["checked"], part["pending"]) == (checked, STEPS - checked)
    assert part["alerts"] == reply_of(fresh)["alerts"] != []


@pytest.mark.parametrize(
    "value", [*NUMBERS, "nan", "inf", "-inf", "1e999", "1_0", "1.", ".5", "0x"]
)
@pytest.mark.parametrize("name", ["dead_share", "patience", "points"])
def test_a_limit_that_is_none_is_refused(client, name, value):
    reply = ask(client, "alerts", run=RUN, **{name: value})
    if (name, value) in ALLOWED:
        assert reply.status_code == 200
    else:
        assert_refused(reply)


ALLOWED = {("patience", "1e3")}


@pytest.mark.parametrize(
    ("name", "value"),
    [("dead_share", "1.01"), ("dead_share", "-0.1"), ("patience", "0"), ("patience", "2.5"),
     ("exploding", "0.5"), ("jump_least", "3"), ("points", "201"), ("points", "-1")],
)  # fmt: skip
def test_a_limit_out_of_bounds_is_told_them(client, name, value):
    reply = ask(client, "alerts", run=RUN, **{name: value})
    assert_refused(reply)
    assert "must be" in reply.text


def test_many_alerts_are_cut_and_counted(client, monkeypatch):
    whole = reply_of(client)["alerts"]
    monkeypatch.setattr(alerts_module, "MAX_ALERTS", 2)
    cut = reply_of(client)
    assert cut["alerts"] == whole[:2]
    assert cut["left_out"] == len(whole) - 2


def test_a_run_that_is_well_has_no_alerts(tmp_path):
    from tests.fixtures.make_run import make_run

    make_run(tmp_path / "a", steps=5)
    client = client_of(Provider("a/explain"), tmp_path)
    reply = ask(client, "alerts", run="a/explain").get_json()
    # The fixture's own defect: one map of one step.
    assert [(a["rule"], a["place"]["record"], a["since"]) for a in reply["alerts"]] == [
        ("not_finite", "saliency", 2)
    ]


def test_figures_are_kept_as_few_numbers(place):
    health = Health(Reader(place / RUN / RECORDS))
    health.report(Reader(place / RUN / RECORDS).index(), Thresholds())
    rows = [table.rows for table in health._history._tables.values()]
    a_step = sum(table.itemsize * table.shape[1] for table in rows)
    record = sum(len(STATS) * 4 * 16 for _ in range(10))
    assert a_step < record
