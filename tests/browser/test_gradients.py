"""Gradients: the overview of all weights and the distribution of one, against NumPy."""

import numpy as np
import pytest

import keras_explain
from tests.fixtures.deep import make_deep_run
from tests.fixtures.make_run import make_run

from .conftest import served
from .test_tab import pixels, rendered

STEP, STEPS, DEEP = 9, 12, 1000
SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
WEIGHT = "conv2/kernel"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of a few weights, one of a thousand, and their address."""
    place = tmp_path_factory.mktemp("gradients")
    make_run(place / "run", steps=STEPS)
    make_run(place / "second", steps=STEPS, seed=1)
    make_deep_run(place / "deep", DEEP, steps=2)
    with served(place) as address:
        yield {of: keras_explain.Run(place / of) for of in ("run", "second", "deep")}, address


@pytest.fixture
def opened(runs, tab):
    def open_on(of="run", **state):
        tab.open(runs[1], run=f"{of}/explain", v="gradients", **state)
        tab.by("weight").first.wait_for()
        tab.page.wait_for_load_state("networkidle")
        return tab, runs[0][of]

    return open_on


def painted(canvas, table):
    """The colours of a table; what has no figure is left out."""
    expected = rendered(np.nan_to_num(table), canvas)
    expected[np.isnan(table)] = 0
    return expected


def table_of(run, statistic):
    """`(weights, steps)`, as it is coloured."""
    names = run.specs["weight_gradients/statistics"].labels["statistic"]
    rows = np.stack([run.load("weight_gradients/statistics", step) for step in run.steps], axis=1)
    of = {each: rows[..., at].astype(np.float64) for at, each in enumerate(names)}
    if statistic == "zero_share":
        return of["zero_share"]
    above = of["update_norm"] if statistic == "update_ratio" else of["norm"]
    with np.errstate(invalid="ignore"):
        return np.log10(above if statistic == "norm" else above / of["weight_norm"])


@pytest.mark.browser
@pytest.mark.parametrize("statistic", ["norm", "ratio", "update_ratio", "zero_share"])
def test_the_overview_is_numpy_s_pixel_by_pixel(opened, statistic):
    tab, run = opened(gs=statistic)
    canvas = tab.frame.locator("canvas[data-map=weights]")
    table = table_of(run, statistic).astype(np.float32)
    recent = table[:, STEPS - -(-STEPS * 4 // 5) :]
    lo, hi = (0, 1) if statistic == "zero_share" else (np.nanmin(recent), np.nanmax(recent))
    assert float(canvas.get_attribute("data-lo")) == pytest.approx(lo, rel=1e-6)
    assert float(canvas.get_attribute("data-hi")) == pytest.approx(hi, rel=1e-6)
    np.testing.assert_array_equal(pixels(canvas), painted(canvas, table))


@pytest.mark.browser
def test_each_weight_s_name_stands_beside_its_row(opened):
    tab, run = opened()
    canvas = tab.frame.locator("canvas[data-map=weights]").bounding_box()
    rows = run.specs["weight_gradients/statistics"].rows
    for at in range(len(rows)):
        name = tab.by("weight").nth(at).bounding_box()
        middle = canvas["y"] + canvas["height"] * (at + 0.5) / len(rows)
        assert name["y"] < middle < name["y"] + name["height"]


@pytest.mark.browser
def test_all_steps_take_the_colours_by_one_click(opened):
    tab, run = opened()
    tab.frame.get_by_role("radio", name="All steps").check()
    canvas = tab.frame.locator("canvas[data-map=weights]")
    table = table_of(run, "norm")
    assert float(canvas.get_attribute("data-hi")) == pytest.approx(table.max(), rel=1e-6)
    tab.page.wait_for_function("() => location.hash.includes('keras_explain.gw=all')")


@pytest.mark.browser
def test_weights_are_sorted_by_what_is_shown(opened):
    tab, run = opened(e=STEP, gso="smallest")
    rows = run.specs["weight_gradients/statistics"].rows
    order = np.argsort(table_of(run, "norm")[:, run.steps.index(STEP)], kind="stable")
    tab.expect(lambda: tab.data("weight", "title"), [rows[at] for at in order])


def quantile_bins(counts):
    return [int(np.searchsorted(counts.cumsum(), share * counts.sum())) for share in SHARES]


@pytest.mark.browser
def test_quantiles_are_those_of_the_bins(opened):
    tab, run = opened(g=WEIGHT, gd="table", e=STEP)
    row = run.specs["weight_gradients/histogram"].rows.index(WEIGHT)
    lines = tab.by("quantile-row")
    lines.first.wait_for()
    assert lines.count() == STEPS
    for at, step in enumerate(run.steps):
        counts = run.load("weight_gradients/histogram", step)[row]
        cells = lines.nth(at).locator("td")
        found = [int(cells.nth(q).get_attribute("data-bin")) for q in range(len(SHARES))]
        assert found == quantile_bins(counts.astype(np.float64))


@pytest.mark.browser
def test_bands_cover_the_bins_of_their_quantiles(opened):
    tab, run = opened(g=WEIGHT, gd="bands", e=STEP, gw="all")
    row = run.specs["weight_gradients/histogram"].rows.index(WEIGHT)
    counts = np.stack([run.load("weight_gradients/histogram", step)[row] for step in run.steps])
    bands = tab.by("band")
    bands.last.wait_for(state="attached")
    used = np.flatnonzero(counts.any(axis=0))
    height = int(tab.by("bands").locator("svg").get_attribute("viewBox").split()[3])
    # An axis without gaps is as long as the used bins are apart.
    gaps = np.diff(used)
    assert height == len(used) + sum(2 if gap > 3 else gap - 1 for gap in gaps if gap > 1) - sum(
        1 for gap in gaps if gap > 3
    )
    median = bands.nth(3).get_attribute("d")
    assert median.count("M") == STEPS
    assert bands.nth(0).get_attribute("d").count("M") == STEPS


@pytest.mark.browser
def test_ridges_show_every_step_of_a_short_run_and_lead_there(opened):
    tab, _ = opened(g=WEIGHT, gd="ridges", e=STEP)
    ridges = tab.by("ridges")
    ridges.wait_for()
    assert ridges.get_attribute("data-count") == str(STEPS)
    assert tab.frame.locator(".ridge.now").count() == 1
    box = ridges.get_by_role("button").bounding_box()
    tab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2)
    tab.page.wait_for_function("() => location.hash.includes('keras_explain.e=10')")


@pytest.mark.browser
def test_a_second_run_is_laid_over_the_first(runs, opened):
    tab, _ = opened(g=WEIGHT, gd="bands", e=STEP, runb="second/explain")
    tab.frame.locator(".band-b").first.wait_for(state="attached")
    labels = runs[0]["second"].specs["weight_gradients/statistics"].labels["statistic"]
    rows = runs[0]["second"].specs["weight_gradients/statistics"].rows
    norm = runs[0]["second"].load("weight_gradients/statistics", STEP)[rows.index(WEIGHT)][
        labels.index("norm")
    ]
    cell = (
        tab.frame.locator(".weight-detail > .halves > .figures tbody tr").first.locator("td").last
    )
    assert float(cell.inner_text().replace("\N{MINUS SIGN}", "-")) == pytest.approx(norm, rel=1e-3)


@pytest.mark.browser
def test_one_pair_of_channels_can_be_picked(opened):
    tab, run = opened(g="conv1/kernel", e=STEP)
    kernel = run.load("weight_gradients/conv1/kernel", STEP)[0]
    tab.frame.locator(".kernel-choice select").first.select_option("2")
    tab.frame.locator(".kernel-choice select").last.select_option("5")
    canvas = tab.frame.locator("canvas[data-map=kernel]")
    canvas.wait_for()
    assert canvas.count() == 1
    np.testing.assert_array_equal(pixels(canvas), painted(canvas, kernel[:, :, 2, 5]))


@pytest.mark.browser
def test_a_thousand_weights_are_searched_and_stepped_through(opened):
    tab, run = opened("deep", e=0)
    rows = run.specs["weight_gradients/statistics"].rows
    inside = next(frame for frame in tab.page.frames if frame.parent_frame)
    assert inside.evaluate("document.querySelectorAll('*').length") < 1_000
    canvas = tab.frame.locator("canvas[data-map=weights]")
    np.testing.assert_array_equal(
        pixels(canvas), painted(canvas, table_of(run, "norm").astype(np.float32))
    )
    tab.page.keyboard.press("/")
    tab.page.keyboard.type("stage20 block3")
    tab.page.keyboard.press("Enter")
    found = [path for path in rows if "stage20/" in path and "block3/" in path]
    tab.frame.get_by_role("heading", name=found[0]).wait_for()
    tab.expect(lambda: tab.data("weight", "title"), found)
    tab.page.keyboard.press("ArrowDown")
    tab.frame.get_by_role("heading", name=found[1]).wait_for()
    assert tab.step == 0
