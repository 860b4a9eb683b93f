"""One example over time: frames of a long run, curves below them, figures of trust beside it."""

import numpy as np
import pytest

import keras_explain
from tests.fixtures import shapes
from tests.fixtures.make_run import make_run

from .conftest import served
from .test_tab import pixels, rendered, shown

STEPS, A, B, PROBE = 60, 4, 40, 5
CAM = "grad_cam/conv5"


@pytest.fixture(scope="module")
def long_run(tmp_path_factory):
    """A long run, and its address."""
    place = tmp_path_factory.mktemp("film")
    make_run(place / "run", steps=STEPS)
    with served(place) as address:
        yield keras_explain.Run(place / "run"), address


@pytest.fixture
def opened(long_run, tab):
    def open_on(key=CAM, **state):
        state = {"v": "detail", "x": PROBE, "a": A, "b": B, "e": B, "o": "map", **state}
        tab.open(long_run[1], m=key, **state)
        row(tab, key).locator("[data-testid=frame]").first.wait_for()
        return tab

    return open_on


def row(tab, key=CAM):
    return tab.frame.locator(f"[data-testid=filmstrip][data-key='{key}']")


def frames(tab, key=CAM):
    return row(tab, key).get_by_test_id("frame")


def steps_of(tab):
    return [int(frame.get_attribute("data-step")) for frame in frames(tab).all()]


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2


@pytest.mark.browser
def test_frames_hold_the_ends_a_b_and_the_largest_changes_and_count_what_they_hide(
    opened, long_run
):
    tab = opened()
    found = steps_of(tab)
    steps = long_run[0].steps
    assert {steps[0], steps[-1], A, B} <= set(found)
    drift = long_run[0].stats(CAM)["drift"][:, PROBE]
    assert steps[int(np.nanargmax(drift))] in found
    hidden = [int(gap.get_attribute("data-hidden")) for gap in row(tab).get_by_test_id("gap").all()]
    assert sum(hidden) + len(found) == STEPS
    texts = [gap.inner_text() for gap in row(tab).get_by_test_id("gap").all()]
    assert texts == [f"+{count}" for count in hidden]


@pytest.mark.browser
def test_frames_are_numpy_s_pictures(opened, long_run):
    tab = opened()
    for step in (A, B):
        canvas = row(tab).locator(f"[data-step='{step}'] canvas[data-map=frame]")
        canvas.wait_for()
        values = shown(long_run[0], CAM, step)[PROBE]
        assert (pixels(canvas) == rendered(values, canvas)).all()


@pytest.mark.browser
def test_the_curves_lie_below_the_frames(opened):
    tab = opened()
    for name, step in (("A", A), ("B", B)):
        line = tab.frame.locator(f".film .chart .flag-line.{name}").first
        frame = row(tab).locator(f"[data-testid=frame][data-step='{step}']")
        assert abs(middle(line) - middle(frame)) < 1.5
    chart = tab.frame.locator(".film .chart .plot").first
    box = chart.bounding_box()
    other = next(step for step in steps_of(tab) if step not in (A, B) and step > 0)
    at = middle(row(tab).locator(f"[data-testid=frame][data-step='{other}']"))
    tab.page.mouse.click(at, box["y"] + box["height"] / 2)
    assert tab.step == other


@pytest.mark.browser
def test_a_curve_is_a_table_too_from_which_one_seeks(opened, long_run):
    tab = opened()
    tab.frame.locator(".chart").nth(1).get_by_test_id("tabular").click()
    rows = tab.by("chart-row")
    assert rows.count() < STEPS
    drift = long_run[0].stats(CAM)["drift"][:, PROBE]
    steps = [int(step) for step in tab.data("chart-row", "data-step")]
    found = rows.locator("td").evaluate_all("cells => cells.map(cell => cell.dataset.value)")
    expected = drift[[long_run[0].steps.index(step) for step in steps]]
    np.testing.assert_allclose(np.float32(found), expected, rtol=1e-5)
    tab.frame.locator(f"[data-testid=chart-row].now[data-step='{B}']").wait_for()
    assert tab.frame.locator(".chart-table").evaluate("table => table.scrollTop") > 200
    rows.nth(10).get_by_role("button").click()
    tab.frame.locator(f"[data-testid=chart-row].now[data-step='{steps[10]}']").wait_for()
    assert tab.step == steps[10]


@pytest.mark.browser
def test_a_gap_opens_and_the_link_keeps_the_part(opened):
    tab = opened()
    gap = row(tab).get_by_test_id("gap").first
    before, hidden = steps_of(tab), int(gap.get_attribute("data-hidden"))
    start = int(np.argmax(np.diff(before) > 1))
    gap.focus()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_function("() => location.hash.includes('keras_explain.fz=')")
    found = steps_of(tab)
    assert found == list(range(before[start], before[start + 1] + 1))
    assert len(found) == hidden + 2
    tab.page.reload()
    frames(tab).first.wait_for()
    assert steps_of(tab) == found
    tab.frame.get_by_role("button", name="All steps", exact=True).click()
    tab.frame.get_by_role("button", name="Only A – B").click()
    assert [steps_of(tab)[0], steps_of(tab)[-1]] == [A, B]


@pytest.mark.browser
def test_what_was_measured_of_the_map_stands_beside_it(opened, long_run):
    tab = opened()
    lines = tab.by("trust-figure")
    tab.frame.locator("[data-testid=trust-figure][data-value-b]:not([data-value-b=NaN])").nth(
        len(shapes.METRICS)
    ).wait_for()
    run = long_run[0]
    names = [line.get_attribute("data-name") for line in lines.all()]
    assert names == [*shapes.METRICS, "like Saliency"]
    for side, step in (("a", A), ("b", B)):
        expected = [*run.load(f"quality/{CAM}", step)[PROBE], run.load("agreement", step)[PROBE, 0]]
        found = [float(line.get_attribute(f"data-value-{side}")) for line in lines.all()]
        assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.browser
@pytest.mark.parametrize("width", [700, 860, 900, 1000, 1100, 1280, 1440])
def test_nothing_of_the_time_bar_lies_over_anything_else(opened, width):
    tab = opened()
    tab.page.set_viewport_size({"width": width, "height": 900})
    inside = tab.frame.locator(".legend .drift, .legend .metric, .transport .flags")
    parts = [tab.by("where"), *inside.all()]
    boxes = [part.bounding_box() for part in parts]
    for at, one in enumerate(boxes):
        assert one["x"] + one["width"] <= width
        for other in boxes[at + 1 :]:
            beside = min(one["x"] + one["width"], other["x"] + other["width"]) <= max(
                one["x"], other["x"]
            )
            apart = min(one["y"] + one["height"], other["y"] + other["height"]) <= max(
                one["y"], other["y"]
            )
            assert beside or apart
