"""The questions that the tab is for: each answered by clicks alone, and held against NumPy.

A click is whatever a person does with one movement of the hand: a press, or a choice from a list.
"""

import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import keras_explain
from keras_explain.demo.story import change_of
from keras_explain.store.similarity import diff
from tests.fixtures.demo import EPOCHS
from tests.fixtures.sick_run import ONSETS, make_sick_run
from tests.seeds import seed

from .conftest import served
from .test_compare import wait_for_runs
from .test_tab import CAM, pixels, rendered, shown

pytestmark = pytest.mark.browser

RULES_AND_STEPS = "rows => rows.map(({dataset: {rule, since}}) => [rule, since])"
LOOKS = [("light", 1400), ("dark", 700)]


@pytest.fixture(scope="module")
def trained(demo, address):
    return SimpleNamespace(run=keras_explain.Run(demo.log_dir), address=address)


@pytest.fixture(scope="module")
def second(demo, tmp_path_factory):
    """The demo's run beside a shorter one of another seed."""
    place = tmp_path_factory.mktemp("second")
    command = [sys.executable, "-m", "keras_explain", "demo", "--no-serve"]
    other = seed(1)
    subprocess.run(
        [*command, "--log-dir", str(place), "--seed", str(other), "--epochs", "2"],
        capture_output=True,
        check=True,
        cwd=place,
    )
    shutil.copytree(demo.log_dir / demo.run, place / demo.run)
    with served(place) as address:
        wait_for_runs(address, 2)
        names = [demo.run, f"seed-{other}"]
        runs = [keras_explain.Run(place / name) for name in names]
        yield SimpleNamespace(names=names, runs=runs, address=address)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A run with a sick layer and a map that jumps, which a training may not have, by NumPy."""
    place = tmp_path_factory.mktemp("sick")
    make_sick_run(place / "run")
    with served(place) as address:
        yield SimpleNamespace(run=keras_explain.Run(place), address=address)


class Person:
    """Someone who has just opened the tab, and whose clicks are counted."""

    def __init__(self, tab):
        self.tab, self.clicks = tab, 0

    def click(self, locator):
        locator.click()
        self.clicks += 1

    def choose(self, name, option):
        self.tab.frame.get_by_role("combobox", name=name, exact=True).select_option(label=option)
        self.clicks += 1

    def go(self, view):
        self.click(self.tab.frame.get_by_role("navigation", name="Views").get_by_text(view))


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def look(request):
    return request.param


@pytest.fixture
def person(tab, look):
    """Open the tab, as a link in TensorBoard's header does: `person(address)`."""

    def opened(address):
        theme, width = look
        tab.page.set_viewport_size({"width": width, "height": 900})
        tab.open(address)
        tab.page.evaluate(
            f"document.body.classList.toggle('dark-mode', {str(theme == 'dark').lower()})"
        )
        tab.frame.locator(f"html[data-theme={theme}]").wait_for()
        return Person(tab)

    return opened


def test_is_it_looking_at_the_right_thing_now(tab, person, trained):
    """No click: the latest map lies over each example, and its verdict stands below."""
    someone = person(trained.address)
    run, last = trained.run, trained.run.steps[-1]
    card = tab.by("card").first
    record = card.locator("canvas[data-testid=map]").get_attribute("data-key")
    assert tab.step == last
    answer = run.predictions(last)[0].argmax()
    text = card.inner_text()
    names = run.probes.class_names
    assert names[run.probes.labels[0]] in text
    assert ("✓" in text) == (answer == run.probes.labels[0])
    # On the map alone, its colours are its numbers.
    someone.click(tab.frame.get_by_role("radio", name="Map", exact=True))
    canvas = card.locator(f'canvas[data-mode=map][data-step="{last}"]')
    canvas.wait_for()
    np.testing.assert_array_equal(pixels(canvas), rendered(shown(run, record, last)[0], canvas))
    assert someone.clicks <= 1


def test_when_did_it_start_is_two_clicks_away(tab, person, written):
    someone = person(written.address)
    someone.go("Health")
    first = tab.frame.locator("[data-testid=alert][data-rule=explanation_jump]").last
    someone.click(first.get_by_test_id("go"))
    tab.by("filmstrip").first.wait_for()
    assert someone.clicks <= 2
    # From this step on its maps are upside down.
    at = written.run.steps.index(ONSETS["explanation_jump"][0])
    drift = written.run.stats("grad_cam/conv5")["drift"][: at + 1].min(axis=1)
    assert tab.step == written.run.steps[at]
    assert drift[at] > 3 * np.nanmax(drift[:at])


def test_all_that_a_training_has_to_tell_is_listed_be_it_nothing(tab, person, trained):
    someone = person(trained.address)
    someone.go("Health")
    tab.frame.locator("[data-testid=alert], [data-testid=well]").first.wait_for()
    tab.expect(
        lambda: tab.by("alert").evaluate_all(RULES_AND_STEPS),
        [[alert.rule, str(alert.since)] for alert in trained.run.alerts()],
    )
    assert tab.by("well").count() == (0 if trained.run.alerts() else 1)


def test_what_changed_between_two_epochs(tab, person, trained):
    """Compare, choose A and B, click the example that changed most."""
    run = trained.run
    a, b = change_of(EPOCHS) - 1, run.steps[-1]
    someone = person(trained.address)
    someone.go("Compare")
    someone.choose("Step A", f"step {a}")
    tab.frame.locator(f"[data-testid=sides][data-a='{a}'][data-b='{b}']").wait_for()
    apart = run.diff(CAM, a, b).spearman
    worst = int(np.argmax(apart))
    first = tab.frame.locator(
        f"[data-testid=pair-card] >> nth=0 >> xpath=self::*[@data-probe='{worst}']"
    )
    first.wait_for()
    flipped = run.predictions(a).argmax(axis=1) != run.predictions(b).argmax(axis=1)
    assert int(tab.by("summary").get_attribute("data-flipped")) == flipped.sum()
    assert_inside(tab, first)
    someone.click(first.get_by_role("button").first)
    assert someone.clicks <= 3
    likeness = tab.by("likeness").locator("[data-name=Spearman]")
    likeness.wait_for()
    assert float(likeness.get_attribute("data-value")) == pytest.approx(1 - apart[worst], abs=1e-3)
    delta = tab.frame.locator("[data-testid=stage] canvas[data-map=delta]")
    maps = [shown(run, CAM, step)[worst] for step in (a, b)]
    np.testing.assert_array_equal(pixels(delta), rendered(maps[1] - maps[0], delta))


def assert_inside(tab, card):
    """The three pictures of a pair stand in its card."""
    frame = card.bounding_box()
    pictures = card.locator("canvas[data-map]")
    pictures.nth(2).wait_for()
    for picture in pictures.all():
        box = picture.bounding_box()
        assert frame["x"] <= box["x"]
        assert frame["y"] <= box["y"]
        assert box["x"] + box["width"] <= frame["x"] + frame["width"]
        assert box["y"] + box["height"] <= frame["y"] + frame["height"]


def test_what_differs_between_two_runs(tab, person, second):
    one, two = second.runs
    someone = person(second.address)
    someone.choose("vs", second.names[1])
    tab.frame.locator("[data-testid=pair-card][data-apart]").first.wait_for()
    steps = [int(tab.by("sides").get_attribute(f"data-{side}")) for side in "ab"]
    assert steps == [one.steps[-1], two.steps[-1]]
    apart = diff(one.load(CAM, steps[0]), two.load(CAM, steps[1])).spearman
    worst = tab.by("pair-card").first
    assert int(worst.get_attribute("data-probe")) == np.argmax(apart)
    assert float(worst.get_attribute("data-apart")) == pytest.approx(apart.max(), abs=1e-6)
    someone.click(worst.get_by_role("button").first)
    tab.by("stage").wait_for()
    assert someone.clicks <= 2


@pytest.mark.parametrize("sort", ["drift over all steps", "loss"])
def test_which_examples_to_look_at_is_one_choice(tab, person, trained, sort):
    run, last = trained.run, trained.run.steps[-1]
    someone = person(trained.address)
    tab.by("card").first.wait_for()
    key = tab.by("card").first.locator("canvas[data-testid=map]").get_attribute("data-key")
    someone.choose("Sort", sort)
    if sort == "loss":
        chance = run.predictions(last)[np.arange(len(run.probes.labels)), run.probes.labels]
        figures = -np.log(np.maximum(chance, 1e-12))
    else:
        figures = np.nansum(run.stats(key)["drift"], axis=0)
    worst = int(np.argmax(figures))
    tab.frame.locator(
        f"[data-testid=card] >> nth=0 >> xpath=self::*[@data-probe='{worst}']"
    ).wait_for()
    ranks = figures[[int(probe) for probe in tab.data("card", "data-probe")]]
    assert (np.diff(ranks) <= 1e-5 * np.abs(ranks[:-1])).all()
    value = float(tab.by("figure").first.get_attribute("data-value"))
    assert value == pytest.approx(figures[worst], rel=1e-3)
    assert someone.clicks <= 1


def test_which_layer_is_sick_is_two_clicks_away(tab, person, written):
    run = written.run
    sick = next(alert for alert in run.alerts() if alert.rule == "dead_units")
    someone = person(written.address)
    someone.go("Health")
    line = tab.frame.locator("[data-testid=alert][data-rule=dead_units]")
    someone.click(line.first.get_by_test_id("go"))
    tab.by("channel").first.wait_for()
    assert someone.clicks <= 2
    assert tab.step == sick.since
    tab.frame.get_by_role("heading", name=sick.place.layer, exact=True).wait_for()
    dead = (run.load(sick.place.record, sick.since) == 0).all(axis=(0, 1, 2)).sum()
    assert dead >= 10
    tab.frame.get_by_text(f"{dead} dead").wait_for()


def test_which_weight_learns_least_is_two_clicks_away(tab, person, trained):
    """Gradients shows all weights; sorted by the latest norm, the smallest is the first."""
    run, last = trained.run, trained.run.steps[-1]
    someone = person(trained.address)
    someone.go("Gradients")
    someone.choose("Sort", "smallest now")
    spec = run.specs["weight_gradients/statistics"]
    norms = run.load(spec.key, last)[:, spec.labels["statistic"].index("norm")]
    order = [spec.rows[at] for at in np.argsort(norms, kind="stable")]
    tab.frame.locator(
        f"[data-testid=weight] >> nth=0 >> xpath=self::*[@title='{order[0]}']"
    ).wait_for()
    assert [each.get_attribute("title") for each in tab.by("weight").all()] == order
    assert someone.clicks <= 2


def test_what_a_layer_responds_to_is_three_clicks_away(tab, person, trained):
    """Layers, a layer, a channel: the examples that fire it most."""
    run, last = trained.run, trained.run.steps[-1]
    someone = person(trained.address)
    someone.go("Layers")
    someone.click(tab.by("layer-row").filter(has_text="conv4"))
    tab.frame.get_by_role("heading", name="conv4").wait_for()
    someone.click(tab.by("channel").first)
    tops = tab.by("top-example")
    tops.first.locator("canvas[data-map=top]").wait_for()
    channel = int(tab.frame.locator("[data-channel-shown]").get_attribute("data-channel-shown"))
    peaks = run.load("activations/conv4", last)[..., channel].max(axis=(1, 2))
    rows = [int(each.get_attribute("data-row")) for each in tops.all()]
    assert rows == np.argsort(-peaks, kind="stable")[: len(rows)].tolist()
    found = [float(each.get_attribute("data-peak")) for each in tops.all()]
    np.testing.assert_array_equal(np.float32(found), peaks[rows])
    assert someone.clicks <= 3


def test_whether_a_map_can_be_trusted_is_one_click_away(tab, person, made_once):
    """What was measured of an example's map stands beside it."""
    run, address = made_once
    someone = person(address)
    someone.click(tab.by("card").first.get_by_role("button").first)
    figures = tab.by("trust-figure")
    tab.frame.locator("[data-testid=trust-figure]:not([data-value-b=NaN])").first.wait_for()
    key = figures.first.get_attribute("data-key")
    values = run.load(key, run.steps[-1])[0]
    of_key = [each for each in figures.all() if each.get_attribute("data-key") == key]
    assert [each.get_attribute("data-name") for each in of_key] == list(
        run.specs[key].labels["metric"]
    )
    found = [float(each.get_attribute("data-value-b")) for each in of_key]
    np.testing.assert_allclose(found, values, rtol=2**-10)
    assert someone.clicks <= 1


def test_where_nothing_was_measured_the_tab_says_how_to(tab, person, trained):
    someone = person(trained.address)
    someone.click(tab.by("card").first.get_by_role("button").first)
    assert "Quality(" in tab.by("trust").inner_text()
    assert someone.clicks <= 1
