"""Two sides over all examples: two runs, two steps, two methods, against NumPy."""

import json
import time
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest

import keras_explain
from keras_explain.store.similarity import diff
from tests.fixtures.make_run import make_run

from .conftest import PATIENCE, served
from .test_tab import pixels, rendered, shown

CAM = "grad_cam/conv5"
STEP = 3


def wait_for_runs(address, count):
    """TensorBoard finds its runs one after the other."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with urllib.request.urlopen(f"{address}data/plugin/keras_explain/runs") as reply:
            if len(json.load(reply)["runs"]) == count:
                return
        time.sleep(0.5)
    pytest.fail("TensorBoard does not list the runs")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs on the same examples, one on others, and their address."""
    place = tmp_path_factory.mktemp("compare")
    make_run(place / "one", steps=8)
    make_run(place / "two", steps=8, seed=3)
    make_run(place / "third", steps=3, scenes=5)
    one, two, third = (keras_explain.Run(place / name) for name in ("one", "two", "third"))
    with served(place) as address:
        wait_for_runs(address, 3)
        yield SimpleNamespace(one=one, two=two, third=third, address=address)


@pytest.fixture
def opened(runs, tab):
    """Open the comparison: `opened(**state)` gives the tab once its list is there."""

    def open_on(**state):
        state = {"v": "compare", "run": "one", "runb": "two", "e": STEP, "o": "map", **state}
        tab.open(runs.address, **{key: str(value) for key, value in state.items()})
        tab.by("pair-card").first.wait_for()
        tab.frame.locator("[data-testid=pair-card][data-apart]").first.wait_for()
        return tab

    return open_on


def cards(tab):
    return tab.by("pair-card").evaluate_all(
        "cards => cards.map(({dataset: {probe, apart, flipped}}) => [probe, apart, flipped])"
    )


def order(apart):
    known = np.nan_to_num(apart, nan=-1)
    return sorted(range(len(apart)), key=lambda probe: (-known[probe], probe))


def assert_listed(tab, apart, chosen=None):
    """The cards in sight are the first ones of the ranking, with its numbers."""
    ranking = [probe for probe in order(apart) if chosen is None or probe in chosen]
    tab.frame.locator(
        f"[data-testid=pair-card] >> nth=0 >> xpath=self::*[@data-probe='{ranking[0]}']"
    ).wait_for()
    found = cards(tab)
    assert len(found) == (len(ranking) if chosen else len(found))
    assert [int(probe) for probe, *_ in found] == ranking[: len(found)]
    np.testing.assert_allclose(
        [float(value) for _, value, _ in found], apart[ranking[: len(found)]], atol=1e-6
    )
    return found


def flips(a, b, step):
    return a.predictions(step).argmax(axis=1) != b.predictions(step).argmax(axis=1)


@pytest.mark.browser
def test_runs_are_ranked_as_numpy_ranks_them(opened, runs):
    tab = opened()
    expected = diff(runs.one.load(CAM, STEP), runs.two.load(CAM, STEP))
    flipped = flips(runs.one, runs.two, STEP)
    assert flipped.any()
    assert not flipped.all()
    found = assert_listed(tab, expected.spearman)
    assert len(found) >= 6
    assert all(flip == str(flipped[int(probe)]).lower() for probe, _, flip in found)
    summary = tab.by("summary")
    median = float(np.median(expected.spearman))
    assert float(summary.get_attribute("data-median")) == pytest.approx(median, abs=1e-6)
    assert int(summary.get_attribute("data-flipped")) == flipped.sum()
    tab.frame.get_by_label("Rank by").select_option("top10")
    assert_listed(tab, 1 - expected.top10)
    tab.frame.get_by_label("flipped only").check()
    assert_listed(tab, 1 - expected.top10, set(np.flatnonzero(flipped)))


@pytest.mark.browser
@pytest.mark.parametrize("key", [CAM, "gradient_times_input"])
def test_thumbnails_are_numpy_s_pictures(opened, runs, key):
    tab = opened(m=key)
    a, b = (shown(run, key, STEP) for run in (runs.one, runs.two))
    tab.frame.locator("[data-testid=pair-card] canvas[data-map=delta]").nth(3).wait_for()
    for at in range(4):
        card = tab.by("pair-card").nth(at)
        probe = int(card.get_attribute("data-probe"))
        of_a, of_b, of_delta = (
            card.locator(f"canvas[data-map={kind}]") for kind in ("A", "B", "delta")
        )
        ends = [
            [float(canvas.get_attribute(f"data-{end}")) for end in ("lo", "hi")]
            for canvas in (of_a, of_b, of_delta)
        ]
        assert ends[0] == ends[1]
        assert ends[2] == [-ends[0][1], ends[0][1]]
        assert of_delta.get_attribute("data-colours") == "PuOr"
        np.testing.assert_array_equal(pixels(of_a), rendered(a[probe], of_a))
        np.testing.assert_array_equal(pixels(of_b), rendered(b[probe], of_b))
        np.testing.assert_array_equal(pixels(of_delta), rendered(b[probe] - a[probe], of_delta))


@pytest.mark.browser
def test_what_changed_between_two_runs_takes_two_choices(tab, runs):
    tab.open(runs.address, run="one")
    tab.by("card").first.wait_for()
    clicks = 0
    tab.frame.get_by_role("combobox", name="vs").select_option(label="two")
    clicks += 1
    last = runs.one.steps[-1]
    apart = diff(runs.one.load(CAM, last), runs.two.load(CAM, last)).spearman
    tab.frame.locator("[data-testid=pair-card][data-apart]").first.wait_for()
    assert_listed(tab, apart)
    tab.by("pair-card").first.get_by_role("button").click()
    clicks += 1
    tab.by("stage").wait_for()
    assert clicks <= 3
    worst = order(apart)[0]
    tab.frame.get_by_role("heading", name=f"Example {worst}").wait_for()
    likeness = tab.by("likeness").locator("[data-name=Spearman]")
    likeness.wait_for()
    assert float(likeness.get_attribute("data-value")) == pytest.approx(1 - apart[worst], abs=1e-3)


@pytest.mark.browser
def test_other_examples_are_refused_with_the_reason(tab, runs):
    tab.open(runs.address, v="compare", run="one", runb="third")
    text = tab.by("refusal").inner_text()
    assert "one and third watch different examples" in text
    assert all(run.probes.hash[:8] in text for run in (runs.one, runs.third))
    assert tab.by("pair-card").count() == 0
    assert not [request for request in tab.requests if "/pair" in request.url]
    options = tab.frame.get_by_role("combobox", name="vs").locator("option").all_inner_texts()
    assert options == ["—", "third (other examples)", "two"]


@pytest.mark.browser
def test_a_brush_over_the_scatter_filters_the_list(opened, runs):
    tab = opened()
    apart = diff(runs.one.load(CAM, STEP), runs.two.load(CAM, STEP)).spearman
    labels = runs.one.probes.labels
    chances = [run.predictions(STEP)[np.arange(16), labels] for run in (runs.one, runs.two)]
    change = chances[1] - chances[0]
    marks = tab.by("mark")
    marks.nth(15).wait_for()
    at = {int(mark.get_attribute("data-probe")): mark for mark in marks.all()}
    for probe, mark in at.items():
        x, y = (float(mark.get_attribute(f"data-{axis}")) for axis in ("x", "y"))
        assert (x, y) == pytest.approx((change[probe], apart[probe]), abs=1e-6)
    middle = {}
    for probe, mark in at.items():
        box = mark.bounding_box()
        middle[probe] = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    box = tab.by("brush-scatter").bounding_box()
    heights = np.sort([y for _, y in middle.values()])
    wide = 3 + int(np.argmax(np.diff(heights)[3:12]))  # marks may touch: cut where there is room
    cut = heights[wide : wide + 2].mean()
    tab.page.mouse.move(box["x"] + 41, box["y"] + 2)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + box["width"] - 5, cut, steps=5)
    tab.page.mouse.up()
    chosen = {probe for probe, (_, y) in middle.items() if y < cut}
    assert len(chosen) == wide + 1
    tab.by("brushed").wait_for()
    assert_listed(tab, apart, chosen)
    tab.by("clear-brush").click()
    tab.frame.get_by_role("button", name="choose by numbers").click()
    tab.frame.get_by_label("1 − ρ at most").fill(str(float(np.sort(apart)[2]) + 1e-6))
    tab.frame.get_by_label("1 − ρ at most").press("Enter")
    assert_listed(tab, apart, set(np.argsort(apart)[:3]))


@pytest.mark.browser
def test_the_history_says_when_they_part_and_leads_there(opened, runs):
    tab = opened()
    history = tab.by("history")
    tab.frame.locator("[data-testid=history][data-medians$=NaN]").wait_for(state="detached")
    medians = [
        np.median(diff(runs.one.load(CAM, step), runs.two.load(CAM, step)).spearman)
        if CAM in runs.one.keys and step != 1 else np.nan
        for step in runs.one.steps
    ]  # fmt: skip
    assert history.get_attribute("data-steps") == ",".join(map(str, runs.one.steps))
    found = [float(text) for text in history.get_attribute("data-medians").split(",")]
    np.testing.assert_allclose(found, medians, atol=1e-6)
    chart = history.get_by_role("button", name="Click to go to a step").first
    box = chart.bounding_box()
    tab.page.mouse.click(box["x"] + box["width"] * 5 / 7, box["y"] + 10)
    step = runs.one.steps[5]
    tab.frame.locator(f"[data-testid=sides][data-a='{step}'][data-b='{step}']").wait_for()
    assert tab.step == step


@pytest.mark.browser
def test_two_methods_are_compared_on_the_coarser_grid(opened, runs):
    tab = opened(runb="one", mb="saliency")
    fine = shown(runs.one, "saliency", STEP).reshape(16, 12, 4, 12, 4)
    coarse = fine.mean(axis=(2, 4), dtype=np.float64).astype(np.float32)
    cam = shown(runs.one, CAM, STEP)
    exact = runs.one.load("saliency", STEP).max(axis=3).reshape(16, 12, 4, 12, 4)
    exact = exact.mean(axis=(2, 4), dtype=np.float64).astype(np.float32)
    apart = diff(runs.one.load(CAM, STEP), exact).spearman
    assert_listed(tab, apart)
    assert "coarser grid: B averaged" in tab.by("summary").inner_text()
    card = tab.by("pair-card").first
    probe = int(card.get_attribute("data-probe"))
    canvas = card.locator("canvas[data-map=delta]")
    canvas.wait_for()

    def normalised(values):
        level = np.quantile(np.abs(values.astype(np.float64)), 0.99)
        return (values.astype(np.float64) / level).astype(np.float32)

    expected = normalised(coarse[probe]) - normalised(cam[probe])
    np.testing.assert_array_equal(pixels(canvas), rendered(expected, canvas))


@pytest.mark.browser
def test_methods_without_a_common_grid_are_refused(tab, runs):
    tab.open(runs.address, v="compare", run="one", mb="integrated_gradients/table")
    assert 'lies on the input "image", B on "table"' in tab.by("refusal").inner_text()


@pytest.mark.browser
def test_two_steps_of_one_run_are_two_sides(opened, runs):
    tab = opened(runb="one", a=0, b=5)
    assert_listed(tab, runs.one.diff(CAM, 0, 5).spearman)
    tab.page.keyboard.press("x")
    tab.frame.locator("[data-testid=sides][data-a='5'][data-b='0']").wait_for()


@pytest.mark.browser
def test_keys_alone_open_an_example_and_a_link_restores_both_sides(opened, runs):
    tab = opened()
    first = tab.by("pair-card").first
    worst = first.get_attribute("data-probe")
    first.get_by_role("button").focus()
    tab.page.keyboard.press("Enter")
    tab.by("stage").wait_for()
    tab.frame.get_by_role("heading", name=f"Example {worst}").wait_for()
    tab.page.keyboard.press("j")
    apart = diff(runs.one.load(CAM, STEP), runs.two.load(CAM, STEP)).spearman
    second = order(apart)[1]
    tab.frame.get_by_role("heading", name=f"Example {second}").wait_for()
    tab.page.keyboard.press("x")
    tab.frame.locator("[data-testid=side][data-side=A]", has_text="two").wait_for()
    tab.frame.get_by_label("same step").uncheck()
    tab.frame.get_by_label("Step A").select_option("0")
    tab.frame.get_by_label("Step B").select_option("6")
    tab.page.wait_for_function("() => /keras_explain.b=6/.test(location.hash)")
    tab.page.reload()
    tab.by("stage").wait_for()
    tab.frame.locator("[data-testid=sides][data-a='0'][data-b='6']").wait_for()
    tab.frame.locator("[data-testid=side][data-side=A]", has_text="two").wait_for()
    tab.frame.locator("[data-testid=side][data-side=B]", has_text="one").wait_for()
    tab.frame.get_by_role("heading", name=f"Example {second}").wait_for()
    tab.page.keyboard.press("Escape")
    tab.by("pair-card").first.wait_for()
    tab.page.keyboard.press("1")
    tab.by("card").first.wait_for()
    tab.page.keyboard.press("2")
    tab.by("pair-card").first.wait_for()
