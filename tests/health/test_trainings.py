"""Real trainings: the sick ones are found out in time and place, the healthy ones left alone."""

import re

import pytest

from . import table
from .trainings import TRAININGS

SICK = [each for each in TRAININGS if each.sick]
HEALTHY = [each for each in TRAININGS if not each.sick]


@pytest.mark.parametrize("training", SICK, ids=[each.name for each in SICK])
def test_a_sick_training_is_found_out(trained, training):
    alerts = trained[training.name].alerts()
    for expected in training.sick:
        found = [
            alert
            for alert in alerts
            if alert.rule == expected.rule and alert.place.name.startswith(expected.place)
        ]
        assert found, (expected, alerts)
        assert min(alert.since for alert in found) <= expected.by


def test_an_explosion_is_told_before_nothing_is_finite(trained):
    alerts = trained["Exploding to NaN"].alerts()
    first = {rule: min(a.since for a in alerts if a.rule == rule)
             for rule in ("exploding", "not_finite")}  # fmt: skip
    assert first["exploding"] < first["not_finite"]


@pytest.mark.parametrize(
    "training",
    [each for each in SICK if each.sick[0].rule == "explanation_jump"],
    ids=lambda training: training.name,
)
def test_a_jump_is_told_where_it_was_made(trained, training):
    # The training went on as before until then: no jump is as large.
    jumps = [a for a in trained[training.name].alerts() if a.rule == "explanation_jump"]
    largest = max(jumps, key=lambda alert: alert.value)
    assert training.sick[0].by - 1 <= largest.since <= training.sick[0].by


def test_healthy_trainings_are_left_alone(trained):
    alerts = [alert for each in HEALTHY for alert in trained[each.name].alerts()]
    for severity, most in table.FALSE_ALARMS.items():
        found = [alert for alert in alerts if alert.severity == severity]
        assert len(found) <= most, found


def test_healthy_trainings_do_learn(trained):
    for each in HEALTHY:
        logs = trained[each.name].logs
        assert logs["loss"][-1] < 0.5 * logs["loss"][1], each.name


def test_the_page_says_what_is_measured_here_but_for_the_figures(trained, request):
    text = table.page(trained)
    if request.config.getoption("--health"):
        table.PAGE.write_text(text)
    written = table.PAGE.read_text()
    assert table.unmeasured(written) == table.unmeasured(text)


def test_the_page_was_measured_within_its_bounds():
    rows = table.rows_of(table.PAGE.read_text())
    found = [row for row in rows if "found at step" in row]
    assert len(found) == sum(len(each.sick) for each in SICK)
    for row in found:
        assert int(row["found at step"]) <= int(row["at the latest"])
    (false,) = re.findall(r"False alarms .*: (.*)\.", table.PAGE.read_text())
    for count, severity in re.findall(r"(\d+) (\w+)", false):
        assert int(count) <= table.FALSE_ALARMS[severity]
