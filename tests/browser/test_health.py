"""Health: what is wrong is found, led to, muted, and judged by the user's own thresholds."""

import contextlib
import json
import re
import shutil
import time
import urllib.request
from urllib.error import HTTPError

import pytest

import keras_explain
from tests.fixtures.sick_run import STEPS, make_sick_run

from .conftest import PATIENCE, served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("sick")
    make_sick_run(place / "run")
    return place


def wait_until_measured(route):
    """TensorBoard lists the run some time after it answers; and a run is measured bit by bit."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(HTTPError), urllib.request.urlopen(route, timeout=60) as reply:
            if json.load(reply)["pending"] == 0:
                return
        time.sleep(0.5)
    raise TimeoutError(route)


@pytest.fixture(scope="module")
def sick(place):
    with served(place) as address:
        wait_until_measured(f"{address}data/plugin/keras_explain/alerts?run=run%2Fexplain")
        yield address


@pytest.fixture(scope="module")
def alerts(place):
    return keras_explain.Run(place / "run").alerts()


def row(tab, rule):
    return tab.frame.locator(f'[data-testid=alert][data-rule="{rule}"]').first


def address_has(tab, term):
    tab.page.wait_for_function("term => location.hash.includes(term)", arg=term)


def test_from_the_open_tab_an_alert_is_one_click_away(tab, sick, alerts):
    tab.open(sick)
    troubles = [alert for alert in alerts if alert.severity != "info"]
    badge = tab.by("badge")
    badge.wait_for()
    assert re.match(r"\d+", badge.inner_text())[0] == str(len(troubles))
    assert not any("points=" in request.url for request in tab.requests)
    badge.click()
    tab.by("alert").first.wait_for()
    listed = [
        (each.get_attribute("data-rule"), int(each.get_attribute("data-since")))
        for each in tab.by("alert").all()
    ]
    assert listed == [(alert.rule, alert.since) for alert in alerts]
    for alert in alerts:
        assert tab.frame.get_by_text(alert.sentence).count() >= 1
    assert tab.by("alert-line").count() == len(alerts)


@pytest.mark.parametrize(
    ("rule", "term", "seen"),
    [
        ("not_finite", "g=dense%2Fkernel", "gradients"),
        ("dead_units", "l=activations%2Fconv3", "layers"),
        ("explanation_jump", "m=grad_cam%2Fconv5", "detail"),
        ("flat_maps", "m=gradient_times_input", "detail"),
    ],
)
def test_go_leads_to_the_place_and_the_step(tab, sick, alerts, rule, term, seen):
    alert = next(each for each in alerts if each.rule == rule)
    tab.open(sick, v="health")
    row(tab, rule).get_by_test_id("go").click()
    assert tab.step == alert.since
    address_has(tab, f"keras_explain.v={seen}")
    address_has(tab, f"keras_explain.e={alert.since}")
    address_has(tab, term)
    if alert.place.probe:
        address_has(tab, f"keras_explain.x={alert.place.probe}")


def test_marks_stand_at_the_steps_and_lead_there(tab, sick, alerts):
    tab.open(sick)
    tab.by("alert-tick").first.wait_for()
    worst = {}
    for alert in alerts:  # the worst come first
        worst.setdefault(alert.since, alert.severity)
    ticks = tab.by("alert-tick").all()
    found = [(int(t.get_attribute("data-step")), t.get_attribute("data-severity")) for t in ticks]
    assert found == sorted(worst.items())
    bar = tab.by("track").bounding_box()
    for tick, (step, _) in zip(ticks, found, strict=True):
        box = tick.bounding_box()
        share = (box["x"] + box["width"] / 2 - bar["x"]) / bar["width"]
        assert share == pytest.approx((step + 1) / (STEPS - 1), abs=0.003)
    ticks[2].click()
    assert tab.step == found[2][0]
    says = ticks[0].get_attribute("title")
    assert says.startswith("warning at step 3: ")


def test_what_is_muted_stays_so_and_comes_back(tab, sick, alerts):
    tab.open(sick, v="health")
    count = int(re.match(r"\d+", tab.by("badge").inner_text())[0])
    row(tab, "dead_units").get_by_test_id("mute").click()
    tab.by("show-muted").wait_for()
    assert tab.by("alert").count() == len(alerts) - 1
    tab.page.reload()
    tab.by("show-muted").wait_for()
    assert row(tab, "dead_units").count() == 0
    assert tab.by("badge").inner_text().startswith(str(count - 1))
    steps = [int(tick.get_attribute("data-step")) for tick in tab.by("alert-tick").all()]
    assert 6 not in steps
    tab.by("show-muted").click()
    row(tab, "dead_units").get_by_test_id("mute").click()
    tab.by("show-muted").wait_for(state="hidden")
    assert tab.by("alert").count() == len(alerts)


def test_a_threshold_of_ones_own_changes_the_list_and_the_link(tab, sick, place):
    tab.open(sick, v="health")
    tab.by("alert").first.wait_for()
    before = tab.by("alert").count()
    row(tab, "dead_units").get_by_role("button", name="Change the threshold").click()
    field = tab.frame.locator("#limit-dead_share")
    assert field.evaluate("field => field === document.activeElement")
    field.fill("0.9")
    field.press("Enter")
    row(tab, "dead_units").wait_for(state="hidden")
    assert tab.by("alert").count() == before - 1
    assert len(keras_explain.Run(place / "run").alerts(dead_share=0.9)) == before - 1
    address_has(tab, "keras_explain.h=dead_share%3A0.9")
    tab.page.reload()
    tab.by("alert").first.wait_for()
    assert row(tab, "dead_units").count() == 0
    tab.by("edit-limits").click()
    tab.frame.get_by_role("button", name="All as by default").click()
    row(tab, "dead_units").wait_for()


def test_a_threshold_out_of_bounds_is_told_in_words(tab, sick):
    tab.open(sick, v="health", h="dead_share:7")
    tab.frame.get_by_text("`dead_share` must be from 0 to 1. Received: 7").wait_for()
    tab.violations.clear()  # the browser tells the refusal too
    tab.frame.get_by_role("button", name="Thresholds as by default").click()
    row(tab, "dead_units").wait_for()


def test_a_screen_reader_is_told_once(tab, sick):
    tab.open(sick)
    tab.by("badge").wait_for()
    news = tab.by("health-news")
    assert news.inner_text() == "Health: 1 error, 8 warnings"
    tab.by("badge").click()
    tab.by("alert").first.wait_for()
    assert news.inner_text() == "Health: 1 error, 8 warnings"


def test_where_nothing_is_wrong_it_says_what_was_checked(made, tab, place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    folder = next((tmp_path / "run").rglob("step-*")).parent
    for path in sorted(folder.glob("step-*"))[4:]:
        path.unlink()
    tab.open(made(steps=0), v="health")
    tab.by("well").wait_for()
    assert tab.by("badge").count() == 0
    rules = tab.by("rules")
    assert rules.locator("li").count() == 11
    dead = rules.locator("li").filter(has_text="Dead units")
    assert "checked at 4 places" in dead.inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 700])
def test_everything_has_a_name_and_room(tab, sick, theme, width):
    tab.page.set_viewport_size({"width": width, "height": 900})
    tab.open(sick, v="health")
    if theme == "dark":
        tab.page.evaluate("() => document.body.classList.add('dark-mode')")
        tab.frame.locator('html[data-theme="dark"]').wait_for()
    tab.by("alert").first.wait_for()
    tab.by("edit-limits").click()
    nameless = tab.frame.locator("section.health").evaluate(
        """section => [...section.querySelectorAll("button, input, [role=img]")]
            .filter(of => !(of.getAttribute("aria-label") || of.innerText || of.labels?.length))
            .map(of => of.outerHTML)"""
    )
    assert nameless == []
    small = tab.frame.locator("section.health").evaluate(
        """section => [...section.querySelectorAll("button")]
            .filter(each => each.getBoundingClientRect().height < 24).map(each => each.outerHTML)"""
    )
    assert small == []
    wide = tab.frame.locator("section.health").evaluate("of => of.scrollWidth - of.clientWidth")
    assert wide <= 0
