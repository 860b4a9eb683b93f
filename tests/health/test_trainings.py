"""Real trainings: the sick ones are found out in time and place, the healthy ones left alone."""

import re

import pytest

from . import table
from .trainings import TRAININGS

pytestmark = pytest.mark.timeout(900)
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]\d+)?")
SICK = [each for each in TRAININGS if each.sick]
HEALTHY = [each for each in TRAININGS if not each.sick]

FALSE_ALARMS = {"error": 0, "warn": 0, "info": 2}
"""Most alerts over all healthy trainings."""


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


@pytest.mark.parametrize(
    "training",
    [each for each in SICK if each.sick[0].rule == "explanation_jump"],
    ids=lambda training: training.name,
)
def test_a_jump_is_told_where_it_was_made(trained, training):
    # The training went on as before until then: not one jump earlier.
    jumps = [a for a in trained[training.name].alerts() if a.rule == "explanation_jump"]
    assert min(alert.since for alert in jumps) >= training.sick[0].by - 1


def test_healthy_trainings_are_left_alone(trained):
    alerts = [alert for each in HEALTHY for alert in trained[each.name].alerts()]
    for severity, most in FALSE_ALARMS.items():
        found = [alert for alert in alerts if alert.severity == severity]
        assert len(found) <= most, found


def test_healthy_trainings_do_learn(trained):
    for each in HEALTHY:
        logs = trained[each.name].logs
        assert logs["loss"][-1] < 0.5 * logs["loss"][1], each.name


def test_the_page_says_what_was_measured(trained, request):
    text = table.page(trained)
    if request.config.getoption("--health"):
        table.PAGE.write_text(text)
    written = table.PAGE.read_text()
    assert NUMBER.sub("0", written) == NUMBER.sub("0", text)
    # Another processor rounds otherwise: a step earlier or later, not another order.
    for one, other in zip(NUMBER.findall(written), NUMBER.findall(text), strict=True):
        assert float(one) == pytest.approx(float(other), rel=0.5, abs=2)
