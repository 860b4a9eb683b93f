"""Curves, ranges, overlays and outlines: every painted pixel and line is NumPy's."""

import re
from functools import partial

import matplotlib
import numpy as np
import pytest

from .test_tab import pixels, shown

STEP, BROKEN_STEP = 5, 3
CAM, PRODUCT = "grad_cam/conv5", "gradient_times_input"
BENDS = {
    "even": lambda share: share,
    "gamma": lambda share: share**0.5,
    "symlog": lambda share: np.log(1 + 100 * share) / np.log(101),
}


@pytest.fixture
def opened(made_once, tab):
    """Open the tab on a record: `opened(key, **state)` gives the tab."""

    def open_on(key, **state):
        state = {"e": STEP, "m": key, **state}
        return tab.go(made_once[1], **state)

    return open_on


def card(tab, row, step=STEP, **drawn):
    """The canvas of a card, once it is drawn as it should be."""
    wanted = {"map": "card", "row": row, "step": step, **drawn}
    terms = "".join(f'[data-{name}="{value}"]' for name, value in wanted.items())
    canvas = tab.frame.locator(f"canvas{terms}")
    canvas.wait_for()
    return canvas


def ends_of(tab, row):
    """The ends of a card's scale."""
    return [float(card(tab, row).get_attribute(f"data-{end}")) for end in ("lo", "hi")]


def bent_table(name, bend, signed, turned=False):
    """256 colours, bent by the formula."""
    share = (np.arange(256) - 127.5) / 127.5 if signed else np.arange(256) / 255
    moved = np.sign(share) * BENDS[bend](np.abs(share))
    index = np.floor((127.5 + 127.5 * moved if signed else 255 * moved) + 0.5).astype(int)
    return matplotlib.colormaps[name](255 - index if turned else index, bytes=True)


def entries(values, canvas):
    low, high = (float(canvas.get_attribute(f"data-{end}")) for end in ("lo", "hi"))
    index = np.floor((values.astype(np.float64) - low) / (high - low) * 255 + 0.5)
    return np.clip(index, 0, 255).astype(int)


MARKS = {"even": "", "gamma": "^0.5", "symlog": "~"}


@pytest.mark.browser
def test_bent_colours_are_numpy_s_and_keep_zero_in_the_middle(made_once, opened):
    for key, name in ((CAM, "cividis"), (PRODUCT, "PuOr")):
        signed = made_once[0].specs[key].signed
        values = shown(made_once[0], key, STEP)
        for bend, mark in MARKS.items():
            tab = opened(key, o="map", cu=bend, cr="true")
            colours = f"{name}{'' if signed else '_r'}{mark}"
            table = bent_table(name, bend, signed, turned=not signed)
            for row in (0, 7):
                canvas = card(tab, row, key=key, colours=colours)
                low, high = (float(canvas.get_attribute(f"data-{end}")) for end in ("lo", "hi"))
                assert not signed or low == -high
                np.testing.assert_array_equal(pixels(canvas), table[entries(values[row], canvas)])


@pytest.mark.browser
def test_an_overlay_is_as_opaque_as_it_is_told(made_once, opened):
    values = shown(made_once[0], CAM, STEP)[2]
    for follows in (True, False):
        word = str(follows).lower()
        tab = opened(CAM, oo=60, of=word, cu="gamma", gm="0.5")
        canvas = card(tab, 2, mode="overlay", opacity=60, follows=word)
        strength = np.sqrt(np.arange(256) / 255) if follows else np.ones(256)
        alpha = np.floor(2.55 * 60 * strength**0.8 + 0.5)
        np.testing.assert_array_equal(pixels(canvas)[..., 3], alpha[entries(values, canvas)])


@pytest.mark.browser
def test_ranges_are_percentiles_over_all_steps(made_once, opened):
    run = made_once[0]
    maps = [run.load(CAM, step)[4].ravel() for step in run.steps if step != 1]  # a step lacks it
    values = shown(run, CAM, STEP)[4]
    for span, ends in (("minmax", (0, 100)), ("p1", (1, 99)), ("p5", (5, 95))):
        tab = opened(CAM, o="map", r=span, x=4)
        low, high = np.percentile(maps, ends, axis=1)
        expected = pytest.approx([low.min(), high.max()], rel=1e-3, abs=1e-7)
        tab.expect(partial(ends_of, tab, 4), expected)
        found = ends_of(tab, 4)
        above = float((values > np.float32(found[1])).mean())
        caps = tab.frame.locator("[data-testid=clipped][data-side=above]")
        if above:
            assert float(caps.get_attribute("data-share")) == pytest.approx(above, abs=1e-9)
        else:
            assert caps.count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("key", [CAM, PRODUCT])
def test_a_fixed_scale_is_what_is_typed(made_once, opened, key):
    signed = made_once[0].specs[key].signed
    tab = opened(key, o="map")
    card(tab, 0)
    tab.frame.get_by_role("combobox", name="Scale").select_option("fixed")
    if signed:
        tab.frame.get_by_label("End of the scale on both sides of zero").fill("0.0004")
    else:
        tab.frame.get_by_label("from", exact=True).fill("0.25")
        tab.frame.get_by_label("to", exact=True).fill("1.5")
    tab.page.keyboard.press("Enter")
    low, high = (-0.0004, 0.0004) if signed else (0.25, 1.5)
    tab.frame.locator(f'canvas[data-map=card][data-lo="{low}"][data-hi="{high}"]').first.wait_for()
    table = bent_table("PuOr" if signed else "cividis", "even", signed)
    values = shown(made_once[0], key, STEP)
    for row in (0, 5):
        canvas = card(tab, row)
        np.testing.assert_array_equal(pixels(canvas), table[entries(values[row], canvas)])
    tab.page.wait_for_function("() => location.hash.includes('keras_explain.hi=')")
    # Another record has other units.
    tab.open(made_once[1], e=STEP, m="saliency", o="map", s="fixed", lo=2, hi=1)
    saliency = card(tab, 0)
    assert float(saliency.get_attribute("data-hi")) < 1


def between_pixels(values, x, y):
    """Bilinear between the middles of pixels; the outermost go on to the border."""
    height, width = values.shape
    across, down = np.clip(x - 0.5, 0, width - 1), np.clip(y - 0.5, 0, height - 1)
    left, top = np.minimum(across.astype(int), width - 2), np.minimum(down.astype(int), height - 2)
    right, below = across - left, down - top
    upper = values[top, left] * (1 - right) + values[top, left + 1] * right
    lower = values[top + 1, left] * (1 - right) + values[top + 1, left + 1] * right
    return upper * (1 - below) + lower * below


@pytest.mark.browser
def test_outlines_lie_where_the_map_has_their_level(made_once, opened):
    tab = opened(CAM, o="contour", x=3)
    lines = tab.frame.locator("[data-testid=lines][data-row='3'] [data-testid=contour]")
    lines.nth(1).wait_for()
    assert tab.frame.locator("canvas[data-map=card]").count() == 0
    values = shown(made_once[0], CAM, STEP)[3].astype(np.float64)
    tops = [made_once[0].stats(CAM)["p99"][:, 3], made_once[0].stats(CAM)["p1"][:, 3]]
    low, high = np.nanmin(tops[1]), np.nanmax(tops[0])
    levels = sorted(float(line.get_attribute("data-level")) for line in lines.all())
    expected = [low + share * (high - low) for share in (0.25, 0.5, 0.75)]
    np.testing.assert_allclose(
        levels, [each for each in expected if each < values.max()], rtol=1e-4
    )
    for line in lines.all():
        numbers = [float(each) for each in re.findall(r"-?[\d.]+", line.get_attribute("d"))]
        points = np.array(numbers).reshape(-1, 2)
        assert len(points) >= 4
        found = between_pixels(values, points[:, 0], points[:, 1])
        # Points are rounded to a hundredth of a pixel.
        np.testing.assert_allclose(found, float(line.get_attribute("data-level")), atol=0.01)


@pytest.mark.browser
def test_the_top_tenth_is_outlined_without_touching_the_pixels(made_once, opened):
    tab = opened(CAM, o="map", ol="tenth")
    line = tab.frame.locator("[data-testid=lines][data-row='0'] [data-testid=contour]")
    line.wait_for()
    values = shown(made_once[0], CAM, STEP)[0]
    assert float(line.get_attribute("data-level")) == pytest.approx(
        np.quantile(np.abs(values), 0.9), rel=1e-5
    )
    canvas = card(tab, 0)
    table = bent_table("cividis", "even", signed=False)
    np.testing.assert_array_equal(pixels(canvas), table[entries(values, canvas)])


@pytest.mark.browser
def test_ticks_stand_where_the_bent_scale_has_them(opened):
    tab = opened(CAM, o="map", cu="symlog", s="fixed", lo=0, hi=2)
    bar = tab.by("colour-bar")
    bar.get_by_test_id("tick").first.wait_for()
    ticks = [
        (float(tick.get_attribute("data-value")), float(tick.get_attribute("data-place")))
        for tick in bar.get_by_test_id("tick").all()
    ]
    assert len(ticks) > 2
    for value, place in ticks:
        assert place == pytest.approx(BENDS["symlog"](value / 2), abs=1e-9)
    ramp = pixels(bar.locator("canvas"))[0]
    np.testing.assert_array_equal(ramp, matplotlib.colormaps["cividis"](np.arange(256), bytes=True))


@pytest.mark.browser
def test_what_is_not_finite_is_magenta_hatched_and_counted(made_once, opened):
    tab = opened("saliency", e=BROKEN_STEP, o="map")
    canvas = card(tab, 3, step=BROKEN_STEP)
    bad = ~np.isfinite(shown(made_once[0], "saliency", BROKEN_STEP)[3])
    assert bad.sum() == 2
    found = (pixels(canvas) == (255, 0, 255, 255)).all(axis=-1)
    np.testing.assert_array_equal(found, bad)
    assert tab.by("nonfinite").get_attribute("data-count") == "2"
    hatch = tab.by("broken").get_attribute("d")
    starts = re.findall(r"M(\d+) (\d+)l1 -1", hatch)
    assert sorted((int(y) - 1, int(x)) for x, y in starts) == sorted(
        zip(*np.nonzero(bad), strict=True)
    )


@pytest.mark.browser
def test_the_keys_cycle_through_the_picture(opened):
    tab = opened(CAM, o="map")
    first = card(tab, 0)
    assert first.get_attribute("data-colours") == "cividis"
    tab.frame.get_by_role("main").click(position={"x": 3, "y": 3})
    for key, state in [("c", "c=viridis"), ("=", "r=p5"), ("s", "s=page"), ("o", "o=contour")]:
        tab.page.keyboard.press(key)
        tab.page.wait_for_function(f"() => location.hash.includes('keras_explain.{state}')")
    tab.page.keyboard.press("-")
    tab.page.wait_for_function("() => !location.hash.includes('keras_explain.r=')")


@pytest.mark.browser
def test_the_panel_of_colours_opens_resets_and_closes_by_keyboard(opened):
    tab = opened(CAM, o="map", cu="gamma", gm="0.3")
    assert card(tab, 0).get_attribute("data-colours") == "cividis^0.3"
    button = tab.by("popover-colours")
    button.press("Enter")
    panel = tab.frame.get_by_role("dialog", name="Colours")
    panel.get_by_role("slider", name="γ").fill("1.5")
    tab.frame.locator("canvas[data-map=card][data-colours='cividis^1.5']").first.wait_for()
    panel.get_by_role("button", name="Reset the colours").click()
    tab.frame.locator("canvas[data-map=card][data-colours='cividis']").first.wait_for()
    tab.page.keyboard.press("Escape")
    panel.wait_for(state="detached")
    assert button.evaluate("button => button === document.activeElement")
