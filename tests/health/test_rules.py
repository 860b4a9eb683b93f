"""The rules on figures that are known: by hand, and on the run that NumPy writes."""

import os

import numpy as np
import pytest
from scipy.stats import spearmanr

import keras_explain
from keras_explain.health import RULES, SEVERITIES, Thresholds
from keras_explain.health.gradients import _growth
from keras_explain.health.likeness import likeness
from keras_explain.health.maps import _usual
from keras_explain.health.rule import stretches
from keras_explain.store import RECORDS
from tests.fixtures.make_run import make_run
from tests.fixtures.sick_run import ONSETS, make_sick_run

PLACES = {
    "failing": "smooth_grad",
    "saturated": "gate",
    "dead_units": "conv3",
    "explanation_jump": "grad_cam/conv5",
    "vanishing": "conv1/kernel",
    "frozen": "conv1/kernel",
    "wrong_reason": "quality/gradient_times_input",
    "collapse": "grad_cam/conv5",
    "flat_maps": "gradient_times_input",
    "not_finite": "dense/kernel",
}


def flags(text):
    return np.array([mark == "x" for mark in text])


@pytest.mark.parametrize(
    ("held", "patience", "expected"),
    [
        ("", 1, []),
        ("....", 1, []),
        (".xx.", 1, [(1, 2)]),
        (".xx.", 3, []),
        ("xxx", 3, [(0, 2)]),
        ("x.x", 1, [(0, 0), (2, 2)]),
        ("xxx.xxx", 3, [(0, 6)]),  # a pause shorter than the patience
        ("xxx...xxx", 3, [(0, 2), (6, 8)]),
    ],
)
def test_stretches(held, patience, expected):
    assert stretches(flags(held), np.ones(len(held), bool), patience) == expected


def test_unknown_steps_are_passed_over():
    known = flags("xx.x.x")
    assert stretches(flags("xx.x.."), known, 3) == [(0, 3)]


def test_a_limit_says_what_it_allows():
    with pytest.raises(ValueError, match=r"`dead_share` must be from 0 to 1. Received: 2"):
        Thresholds(dead_share=2)
    with pytest.raises(ValueError, match=r"`patience` must be a whole number. Received: 2.5"):
        Thresholds(patience=2.5)
    with pytest.raises(ValueError, match=r"A limit must be one of patience, .* Received: 'death'"):
        Thresholds.of({"death": 1})
    with pytest.raises(ValueError, match="`jump` must be a number"):
        Thresholds(jump=True)


def test_likeness_is_the_rank_correlation_that_nearly_all_have():
    noise = np.random.default_rng(0)
    common = noise.normal(size=64)
    maps = np.stack([common + noise.normal(0, 0.2 + 0.05 * i, 64) for i in range(10)])
    maps = maps.astype("f4").reshape(10, 8, 8)
    full = spearmanr(maps.reshape(10, -1), axis=1).statistic
    expected = np.sort(full, axis=1)[:, 10 - 9].max()  # nine of ten, itself among them
    assert likeness(maps) == pytest.approx(expected)


def test_likeness_does_not_depend_on_size_or_sign_of_scale():
    one = np.random.default_rng(1).normal(size=(1, 6, 6)).astype("f4")
    maps = one * np.arange(1, 9, dtype="f4")[:, None, None]
    assert likeness(maps) == pytest.approx(1)
    maps[3] *= -1  # all but one is nearly all
    assert likeness(maps) == pytest.approx(1)
    maps[5] *= -1
    assert likeness(maps) < 0.99


@pytest.mark.parametrize("spoil", [0, np.nan])
def test_maps_without_an_order_are_no_evidence_of_collapse(spoil):
    maps = np.random.default_rng(2).normal(size=(8, 5, 5)).astype("f4")
    maps[2:] = spoil
    assert np.isnan(likeness(maps))


def test_growth_is_measured_against_what_was_usual_before():
    total = np.array([4.0, 1, 1, 1, 1, 30, 40, 1, 1, np.inf])
    times, holds, _ = _growth(total, limit=10)
    np.testing.assert_allclose(times[4:8], [1, 30, 40, 1])  # the explosion is not the usual
    assert holds.tolist() == [False] * 5 + [True, True] + [False] * 3


def test_growth_below_the_start_is_none():
    _, holds, _ = _growth(np.array([100.0, 1, 1, 1, 1, 30]), limit=10)
    assert not holds.any()


@pytest.mark.parametrize("length", [0, 1, 4, 5, 6, 10, 11, 25])
def test_what_drift_is_usual_is_median_and_spread_of_the_steps_before(length):
    drift = np.random.default_rng(length).exponential(0.3, length)
    found = _usual(drift, Thresholds())
    for at in range(length):
        before = drift[max(0, at - 10) : at]
        if len(before) < 5:
            assert found[at] == np.inf
        else:
            centre = np.median(before)
            limit = max(0.1, centre + 5 * np.median(np.abs(before - centre)))
            assert found[at] == pytest.approx(limit)


@pytest.mark.parametrize("rule", PLACES)
def test_every_sickness_is_found_at_its_step_and_place(sick, rule):
    alerts = [a for a in keras_explain.Run(sick).alerts() if a.rule == rule]
    first = min(alerts, key=lambda alert: alert.since)
    assert first.place.name == PLACES[rule]
    assert (first.since, first.until) == ONSETS[rule]
    assert first.severity == RULES[rule].severity
    assert first.place.name in first.sentence or first.place.record in first.sentence


def test_nothing_else_is_found(sick):
    alerts = keras_explain.Run(sick).alerts()
    assert {alert.rule for alert in alerts} == set(RULES) == set(ONSETS)
    # A map that collapses jumps there, and again when it is over.
    jumps = sorted(a.since for a in alerts if a.rule == "explanation_jump")
    assert jumps == [8, 10, 14]
    assert len(alerts) == len(RULES) + 2


def test_the_worst_come_first(sick):
    alerts = keras_explain.Run(sick).alerts()
    order = [SEVERITIES.index(alert.severity) for alert in alerts]
    assert order == sorted(order)
    assert len({alert.name for alert in alerts}) == len(alerts)


def test_values_are_those_of_numpy(sick):
    run = keras_explain.Run(sick)
    by_rule = {alert.rule: alert for alert in run.alerts()}
    gate = run.load("activations/gate", by_rule["saturated"].worst)
    assert by_rule["saturated"].value == pytest.approx((np.abs(gate) >= 0.99).mean())
    table = run.load("weight_gradients/statistics", by_rule["vanishing"].worst)
    each = table[:, 0] / np.sqrt(table[:, 7])
    assert by_rule["vanishing"].value == pytest.approx(each[0] / each.max())
    assert by_rule["frozen"].value == pytest.approx(table[0, 8] / table[0, 6])
    exploding = by_rule["exploding"]
    totals = [
        np.sqrt((run.load("weight_gradients/statistics", step)[:, 0] ** 2).sum())
        for step in range(exploding.worst - 10, exploding.worst + 1)
    ]
    assert exploding.value == pytest.approx(totals[-1] / np.median(totals[:-1]), rel=1e-5)
    jump = next(a for a in run.alerts() if a.rule == "explanation_jump" and a.since == 8)
    drift = run.stats("grad_cam/conv5")["drift"][run.steps.index(8)]
    assert jump.value == pytest.approx(np.quantile(drift, 0.9))
    assert jump.place.probe == np.argmax(drift)


def test_a_run_that_grows_has_the_alerts_of_the_grown_run(tmp_path, sick):
    source = sorted((sick / "explain" / RECORDS).iterdir())
    place = tmp_path / "explain" / RECORDS
    place.mkdir(parents=True)
    run = None
    for path in source:
        os.link(path, place / path.name)
        if path.name.startswith("step"):
            run = (run or keras_explain.Run(tmp_path)).refresh()
            assert run.alerts() == keras_explain.Run(tmp_path).alerts()
    assert run.alerts() == keras_explain.Run(sick).alerts()


def test_a_step_that_is_logged_again_is_measured_again(tmp_path):
    make_sick_run(tmp_path, steps=10)
    run = keras_explain.Run(tmp_path)
    assert {alert.rule for alert in run.alerts()} >= {"saturated"}
    make_run(tmp_path, steps=10)  # a new attempt that is well, without the layer
    found = {alert.rule for alert in run.refresh().alerts()}
    assert found == {"not_finite"}  # the fixture's own defect


def test_a_damaged_step_is_passed_over(tmp_path):
    folder = make_sick_run(tmp_path, steps=16)
    (victim,) = folder.glob("step-*-0000000011.safetensors")
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))
    alerts = {alert.rule: alert for alert in keras_explain.Run(tmp_path).alerts()}
    assert (alerts["vanishing"].since, alerts["vanishing"].until) == (9, None)
    assert alerts["dead_units"].since == 6
