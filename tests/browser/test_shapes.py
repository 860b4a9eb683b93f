"""Every shape of record has its view, and each shows NumPy's numbers."""

import numpy as np
import pytest

from tests.fixtures import shapes
from tests.fixtures.make_run import CLASS_NAMES

from .test_tab import pixels

STEP, FIRST = 5, -1


@pytest.fixture
def opened(made_once, tab):
    """Open the tab on a record: `opened(key, **state)` gives the tab and the record's rows."""

    def open_on(key, **state):
        state = {"e": STEP, "m": key, **state}
        run, address = made_once
        return tab.open(address, **state), run.load(key, STEP)

    return open_on


def number(locator, name="data-value"):
    return float(locator.get_attribute(name))


@pytest.mark.browser
def test_features_are_bars_by_magnitude(opened):
    tab, rows = opened("integrated_gradients/table", v="detail", x=2)
    lines = tab.by("bar-row")
    lines.first.wait_for()
    order = np.argsort(-np.abs(rows[2]), kind="stable")
    expected = [shapes.FEATURES[at] for at in order]
    tab.expect(lambda: tab.data("bar-row", "data-name"), expected)
    found = [lines.nth(at) for at in range(len(order))]
    np.testing.assert_allclose([number(line) for line in found], rows[2][order], rtol=1e-6)
    tab.frame.get_by_role("radio", name="As given").check()
    tab.expect(lambda: tab.data("bar-row", "data-name"), list(shapes.FEATURES))


@pytest.mark.browser
def test_layers_keep_their_order_on_a_logarithmic_scale(opened):
    tab, rows = opened("gradient_flow", v="detail", x=1)
    lines = tab.by("bar-row")
    lines.first.wait_for()
    tab.expect(lambda: tab.data("bar-row", "data-name"), list(shapes.LAYERS))
    assert tab.frame.get_by_role("radio", name="Log").is_checked()
    widths = [
        lines.nth(at).locator(".fill").evaluate("bar => parseFloat(bar.style.width)")
        for at in (0, 1, 3)
    ]
    logs = np.log10(rows[1][[0, 1, 3]])
    ratio = (widths[2] - widths[0]) / (widths[1] - widths[0])
    assert ratio == pytest.approx((logs[2] - logs[0]) / (logs[1] - logs[0]), rel=1e-3)
    assert rows[1][2] == 0
    assert lines.nth(2).locator(".fill").evaluate("bar => parseFloat(bar.style.width)") == 0


@pytest.mark.browser
def test_a_feature_s_value_has_its_unit(made_once, opened):
    tab, _ = opened("integrated_gradients/table", v="detail", x=2)
    named = tab.frame.locator(f"[data-testid=bar-row][data-name='{shapes.FEATURES[0]}']")
    value, unit = named.locator("td.dim").inner_text().split()
    expected = made_once[0].probes.inputs["table"][2][0]
    assert float(value.replace("−", "-")) == pytest.approx(expected, rel=5e-3)
    assert unit == "years"


def name_of(token):
    """Its word where the run knows it, else its id."""
    return f"word-{token}" if token % 2 else f"#{token}"


@pytest.mark.browser
def test_tokens_are_named_by_their_words_or_ids(made_once, opened):
    tab, _ = opened("integrated_gradients/embedding", v="detail", x=3)
    tab.by("tokens").first.wait_for()
    ids = made_once[0].probes.inputs["words"][3]
    shown = tab.by("tokens").last.inner_text().split()
    assert shown == [name_of(one) for one in ids]
    assert {name[0] for name in shown} == {"#", "w"}


@pytest.mark.browser
@pytest.mark.parametrize(
    ("key", "names"),
    [("quality/saliency", shapes.METRICS), ("integrated_gradients/gap", ("completeness gap",))],
)
def test_figures_are_a_table_that_can_be_sorted(opened, key, names):
    tab, rows = opened(key)
    rows = rows.reshape(len(rows), -1)
    tab.by("figure-row").nth(len(rows) - 1).wait_for()
    cells = tab.by("figure-row").nth(4).locator("[data-testid=figure][data-value]")
    cells.nth(len(names) - 1).wait_for()
    assert [cells.nth(at).get_attribute("data-name") for at in range(len(names))] == list(names)
    found = [number(cells.nth(at)) for at in range(len(names))]
    np.testing.assert_allclose(found, rows[4], rtol=1e-6)
    tab.frame.get_by_role("button", name=names[0], exact=True).click()
    tab.frame.locator("th[aria-sort=descending]").wait_for()
    tab.expect(lambda: tab.data("figure-row", "data-probe")[0], str(rows[:, 0].argmax()))


@pytest.mark.browser
def test_points_lie_where_the_record_says(opened):
    tab, rows = opened("projection/dense1", x=6)
    points = tab.frame.locator("[data-testid=point][data-x]")
    points.nth(len(rows) - 1).wait_for()
    for at in range(len(rows)):
        point = points.nth(at)
        probe = int(point.get_attribute("data-probe"))
        found = [number(point, "data-x"), number(point, "data-y")]
        np.testing.assert_allclose(found, rows[probe], rtol=1e-6)
    assert tab.by("place").get_attribute("data-probe") == "6"
    tab.page.keyboard.press("j")
    tab.frame.locator("[data-testid=place][data-probe='7']").wait_for()


@pytest.mark.browser
def test_the_plane_shows_the_class_at_each_place_below_the_points(made_once, opened):
    tab, rows = opened("decision_boundary/classes")
    plane = tab.by("plane")
    plane.wait_for()
    tab.frame.locator("[data-testid=point][data-x]").first.wait_for()
    classes = rows[0].astype(int)
    drawn = pixels(plane)
    assert drawn.shape[:2] == classes.shape
    # The surest place of each class has a colour of its own.
    sure = made_once[0].load("decision_boundary/probability", STEP)[0]
    kinds = np.unique(classes)
    best = [np.argmax(np.where(classes == kind, sure, -1)) for kind in kinds]
    assert len(np.unique(drawn.reshape(-1, 4)[best], axis=0)) == len(kinds)
    box = plane.bounding_box()
    y, x = 41, 7
    tab.page.mouse.move(
        box["x"] + box["width"] * (x + 0.5) / classes.shape[1],
        box["y"] + box["height"] * (y + 0.5) / classes.shape[0],
    )
    tab.frame.get_by_text(f"here: {CLASS_NAMES[classes[y, x]]}").wait_for()


@pytest.mark.browser
def test_concepts_stand_beside_their_p_values(made_once, opened):
    tab, rows = opened("tcav/score")
    tab.frame.locator("[data-testid=concept][data-p]").first.wait_for()
    chances = made_once[0].load("tcav/p_value", STEP)
    for row, at in ((0, 0), (2, 4), (3, 5)):
        cell = tab.frame.locator(f"[data-testid=concept][data-row='{row}'][data-at='{at}']")
        assert number(cell) == pytest.approx(rows[row].reshape(-1)[at], rel=1e-6)
        p = chances[row].reshape(-1)[at]
        assert number(cell, "data-p") == pytest.approx(p, rel=1e-6)
        assert ("n.s." in cell.inner_text()) == (p >= 0.05)


@pytest.mark.browser
def test_units_are_pictures_in_their_own_range(opened):
    tab, rows = opened("activation_maximization")
    tab.by("row-card").nth(len(rows) - 1).wait_for()
    for row in (0, 4):
        shown = tab.frame.locator(f"[data-testid=own-picture][data-row='{row}']").first
        low, high = number(shown, "data-lo"), number(shown, "data-hi")
        assert [low, high] == pytest.approx([rows[row].min(), rows[row].max()], rel=1e-6)
        grey = (rows[row].astype(np.float64) - low) / (high - low) * 255
        found = pixels(shown.locator("canvas"))[..., :3]
        np.testing.assert_array_equal(found, np.floor(grey + 0.5))


@pytest.mark.browser
def test_importance_of_all_probes_has_a_table_of_its_own(opened):
    tab, rows = opened("permutation_importance")
    tab.by("bar-row").first.wait_for()
    first = tab.by("bar-row").first
    assert first.get_attribute("data-name") == shapes.FEATURES[rows[0].argmax()]
    assert number(first) == pytest.approx(rows[0].max(), rel=1e-6)


@pytest.mark.browser
def test_each_head_is_a_picture_that_names_query_and_key(made_once, tab):
    run, address = made_once
    tab.open(address, v="layers", l="attention_maps/encoder1", e=STEP, x=1)
    tab.by("channel").nth(shapes.HEADS - 1).wait_for()
    assert tab.by("channel").count() == shapes.HEADS
    box = tab.by("channel").nth(2).locator(".stage").bounding_box()
    query, key = 7, 4
    tab.page.mouse.move(
        box["x"] + box["width"] * (key + 0.5) / shapes.WORDS,
        box["y"] + box["height"] * (query + 0.5) / shapes.WORDS,
    )
    ids = run.probes.inputs["words"][1]
    place = f"head 2: query 7 ({name_of(ids[7])}) → key 4 ({name_of(ids[4])}): "
    tab.by("hover").filter(has_text=place).wait_for()
    said = tab.by("hover").inner_text()
    weight = run.load("attention_maps/encoder1", STEP)[1, 2, query, key]
    text = said.rpartition(": ")[2].replace("\N{MINUS SIGN}", "-")
    assert float(text) == pytest.approx(weight, rel=2e-3)


@pytest.mark.browser
def test_a_method_is_found_by_typing(made_once, tab):
    tab.open(made_once[1], e=STEP)
    tab.by("card").first.wait_for()
    tab.page.keyboard.press("/")
    field = tab.frame.get_by_role("combobox", name="Search")
    field.wait_for()
    assert tab.by("option").count() > 20
    tab.page.keyboard.type("zeros flow")
    assert tab.by("option").count() == 1
    tab.page.keyboard.press("Enter")
    tab.frame.locator("[data-testid=bars][data-key='gradient_flow/zeros']").first.wait_for()
    assert tab.by("picker").count() == 0
    tab.page.keyboard.press("/")
    tab.page.keyboard.type("attention maps")
    tab.page.keyboard.press("Enter")
    tab.by("channel").first.wait_for()
    tab.page.keyboard.press("1")
    tab.by("card").first.wait_for()
    tab.page.keyboard.press("/")
    tab.page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("Escape")
    assert tab.by("method").evaluate("button => button === document.activeElement")


@pytest.mark.browser
def test_a_large_completeness_gap_is_told(made_once, opened):
    tab, _ = opened("integrated_gradients/table", e=FIRST)
    gaps = np.abs(made_once[0].load("integrated_gradients/gap", FIRST))
    tab.by("gap").wait_for()
    assert f"{round(100 * float(np.median(gaps)))} %" in tab.by("gap").inner_text()
    tab.by("gap").click()
    tab.by("figure-row").first.wait_for()


@pytest.mark.browser
def test_every_record_opens_from_the_list(made_once, tab):
    run, address = made_once
    tab.open(address, e=STEP)
    tab.by("method").click()
    options = tab.by("option").all()
    keys = [option.get_attribute("data-key") for option in options]
    of_weights = {key for key in run.keys if key.startswith("weight_gradients/")}
    assert set(keys) == set(run.keys) - of_weights - {"predictions", "scores"} | {
        "weight_gradients/statistics"
    }
    tab.page.keyboard.press("Escape")
    for key in keys:
        tab.page.keyboard.press("1")  # views of layers and weights have a search of their own
        tab.page.keyboard.press("/")
        tab.frame.locator(f"[data-testid=option][data-key='{key}']").click()
        tab.frame.locator("main canvas, main [data-testid=bars], main table").first.wait_for()
        assert tab.frame.get_by_role("alert").count() == 0
