"""Two maps on one stage: each mode shows NumPy's numbers, by pointer and by keys alone."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import zoom

from keras_explain.store.similarity import cosine_distance, spearman_distance, top_overlap

from .test_tab import pixels, rendered, shown

A, B, PROBE = 2, 6, 5
CAM = "grad_cam/conv5"
KEYS = ["saliency", "gradient_times_input", CAM]


@pytest.fixture
def opened(made_once, tab):
    """Open an example's comparison: `opened(key, **state)` gives the tab and the maps A and B."""

    def open_on(key=CAM, **state):
        run, address = made_once
        state = {"v": "detail", "x": PROBE, "a": A, "b": B, "e": B, "o": "map", **state}
        tab.open(address, m=key, **state)
        tab.by("stage").wait_for()
        tab.frame.locator("[data-testid=cursor][data-value-a][data-value-b]").wait_for()
        return tab, *(shown(run, key, step)[PROBE].astype(np.float32) for step in (A, B))

    return open_on


def canvas(tab, kind):
    found = tab.frame.locator(f"[data-testid=glass] canvas[data-map={kind}]")
    found.wait_for(state="attached")
    return found


def ends(found):
    return tuple(float(found.get_attribute(f"data-{end}")) for end in ("lo", "hi"))


def seen(tab):
    """What a person sees of the one pane, `(height, width, 3)`, without its crosshair."""
    tab.page.mouse.move(0, 0)
    tab.by("stage").evaluate(
        "stage => stage.querySelectorAll('.cross, .hair, .divider')"
        ".forEach(one => { one.style.display = 'none'; })"
    )
    image = Image.open(io.BytesIO(tab.by("glass").screenshot(animations="disabled")))
    return np.asarray(image.convert("RGB")).astype(int)


def at_cells(picture, rows, columns, box=(0.0, 0.0, 1.0)):
    """The colour at the middle of each cell of a grid that is in sight, by its row and column."""
    x, y, size = box
    height, width = picture.shape[:2]
    found = {}
    for row in range(rows):
        for column in range(columns):
            down = ((row + 0.5) / rows - y) / size
            right = ((column + 0.5) / columns - x) / size
            if 0 < down < 1 and 0 < right < 1:
                found[row, column] = picture[int(down * height), int(right * width)]
    return found


def wait_for_address(tab, term):
    tab.page.wait_for_function(f"() => location.hash.includes('keras_explain.{term}')")


@pytest.mark.browser
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("mode", "kinds"),
    [
        ("2up", ("A", "B", "delta")),
        ("swipe", ("A", "B")),
        ("onion", ("A", "B")),
        ("delta", ("delta",)),
        ("size", ("size",)),
        ("blink", ("A", "B")),
    ],
)
def test_every_mode_draws_numpy_s_numbers(opened, key, mode, kinds):
    tab, a, b = opened(key, d=mode)
    delta = b - a
    q = float(np.quantile(np.abs(delta), 0.99))
    expected = {"A": a, "B": b, "delta": delta, "size": np.abs(delta)}
    for kind in kinds:
        found = canvas(tab, kind)
        np.testing.assert_array_equal(pixels(found), rendered(expected[kind], found))
        if kind == "delta":
            assert ends(found) == pytest.approx((-q, q), rel=1e-6)
            assert found.get_attribute("data-colours") == "PuOr"
        if kind == "size":
            assert ends(found) == pytest.approx((0, q), rel=1e-6)
    if "A" in kinds:
        assert ends(canvas(tab, "A")) == ends(canvas(tab, "B"))
    assert tab.by("glass").count() == (3 if mode == "2up" else 1)


@pytest.mark.browser
def test_the_swipe_shows_a_left_of_the_divider_and_b_right_of_it(opened):
    tab, a, b = opened(d="swipe")
    divider = tab.by("divider")
    divider.focus()
    for _ in range(2):
        tab.page.keyboard.press("Shift+ArrowLeft")
    for _ in range(5):
        tab.page.keyboard.press("ArrowLeft")
    assert divider.get_attribute("aria-valuenow") == "25"
    assert tab.step == B  # the keys moved the divider alone
    colours = {side: rendered(v, canvas(tab, side)) for side, v in (("A", a), ("B", b))}
    for (row, column), colour in at_cells(seen(tab), 12, 12).items():
        side = "A" if column < 3 else "B"
        assert list(colour) == list(colours[side][row, column, :3]), (row, column)


@pytest.mark.browser
def test_the_divider_is_dragged(opened):
    tab, _, _ = opened(d="swipe")
    divider, glass = tab.by("divider"), tab.by("glass").bounding_box()
    box = divider.bounding_box()
    y = box["y"] + box["height"] / 2
    tab.page.mouse.move(box["x"] + box["width"] / 2, y)
    tab.page.mouse.down()
    tab.page.mouse.move(glass["x"] + 0.8 * glass["width"], y, steps=4)
    tab.page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "80"
    assert tab.by("zoom").inner_text() == "×1.0"


@pytest.mark.browser
def test_the_onion_blends_b_over_a(opened):
    tab, a, b = opened(d="onion")
    slider = tab.by("opacity")
    slider.focus()
    tab.page.keyboard.press("Home")
    for _ in range(30):
        tab.page.keyboard.press("ArrowRight")
    assert float(slider.input_value()) == pytest.approx(0.3)
    below, above = (rendered(v, canvas(tab, k))[..., :3] for v, k in ((a, "A"), (b, "B")))
    expected = 0.7 * below + 0.3 * above
    for place, colour in at_cells(seen(tab), 12, 12).items():
        assert np.abs(colour - expected[place]).max() <= 2, place


@pytest.mark.browser
def test_blinking_is_slow_and_holding_b_looks_at_a(opened):
    tab, _, _ = opened(d="blink")
    switch = tab.by("blink")
    assert switch.get_attribute("data-running") == "true"
    changes = switch.evaluate(
        """node => new Promise(resolve => {
          const times = [];
          new MutationObserver(() => times.push(performance.now()) === 6 && resolve(times))
            .observe(node, { attributes: true, attributeFilter: ["data-front"] });
        })"""
    )
    # Twice a second, and never faster than 2 Hz: a busy machine only makes it slower.
    assert np.mean(np.diff(changes)) > 450
    tab.frame.get_by_role("button", name="Pause").click()
    if switch.get_attribute("data-front") == "A":
        switch.get_by_role("button").first.click()
    assert switch.get_attribute("data-front") == "B"
    assert not tab.frame.locator("[data-layer=A]").is_visible()
    tab.page.keyboard.down("b")
    tab.frame.locator("[data-testid=pane][data-pane=A]").wait_for()
    assert canvas(tab, "A").is_visible()
    tab.page.keyboard.up("b")
    tab.by("blink").wait_for()


@pytest.mark.browser
def test_less_motion_makes_the_blinking_a_button(opened, tab):
    tab.page.emulate_media(reduced_motion="reduce")
    tab, _, _ = opened(d="blink")
    switch = tab.by("blink")
    front = switch.get_attribute("data-front")
    tab.page.wait_for_timeout(1300)
    assert switch.get_attribute("data-front") == front
    switch.get_by_role("button").focus()
    tab.page.keyboard.press("Enter")
    assert switch.get_attribute("data-front") != front


@pytest.mark.browser
def test_keys_go_through_the_modes_and_the_link_keeps_mode_zoom_and_sampling(opened):
    tab, _, _ = opened()
    for mode in ("swipe", "onion", "delta", "size", "blink"):
        tab.page.keyboard.press("d")
        tab.frame.locator(f"[data-testid=stage][data-mode={mode}]").wait_for()
    tab.page.keyboard.press("Shift+D")
    tab.page.keyboard.press("Shift+D")
    for _ in range(3):
        tab.page.keyboard.press("+")
    tab.page.keyboard.press("_")
    tab.frame.get_by_role("radio", name="bilinear").check()
    for term in ("d=delta", "z=0.18_0.18_0.64", "u=bilinear"):
        wait_for_address(tab, term)
    tab.page.reload()
    tab.frame.locator("[data-testid=stage][data-mode=delta]").wait_for()
    assert tab.by("glass").get_attribute("data-zoom") == "0.64"
    assert tab.by("resolution").inner_text() == "12×12 → 480×480"
    tab.page.keyboard.press("0")
    assert tab.by("glass").get_attribute("data-zoom") == "1"


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["A", "delta"])
def test_bilinear_maps_are_scipy_s_interpolation_of_the_numbers(opened, kind):
    tab, a, b = opened(u="bilinear")
    found = canvas(tab, kind)
    values = {"A": a, "delta": b - a}[kind]
    fine = zoom(values.astype(np.float64), 40, order=1, mode="nearest", grid_mode=True)
    drawn, expected = pixels(found), rendered(fine.astype(np.float32), found)
    assert drawn.shape == (480, 480, 4)
    # A value may fall on the other side of a colour's edge: by one colour, and seldom.
    assert np.abs(drawn.astype(int) - expected).max() <= 8
    assert (drawn != expected).any(axis=-1).mean() < 1e-3


@pytest.mark.browser
def test_zoom_is_one_in_all_panes_and_every_value_stays_a_crisp_square(opened):
    tab, _, b = opened()
    pane = tab.by("glass").nth(1)
    box = pane.bounding_box()
    tab.page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"])
    for _ in range(4):
        tab.page.mouse.wheel(0, -100)
    size = 1 / 1.25**4
    wait_for_address(tab, "z=")
    assert [float(tab.by("glass").nth(at).get_attribute("data-zoom")) for at in range(3)] == (
        pytest.approx([size] * 3, abs=1e-4)
    )
    tab.frame.get_by_role("radio", name="Blink").check()
    tab.frame.get_by_role("button", name="Pause").click()
    if tab.by("blink").get_attribute("data-front") == "A":
        tab.by("blink").get_by_role("button").first.click()
    expected = rendered(b, canvas(tab, "B"))
    box = (0.75 * (1 - size), 0.5 * (1 - size), size)
    found = at_cells(seen(tab), 12, 12, box)
    assert 16 <= len(found) <= 36
    for place, colour in found.items():
        assert list(colour) == list(expected[place][:3]), place


@pytest.mark.browser
def test_dragging_moves_what_is_in_sight(opened):
    tab, _, _ = opened(z="0.25_0.25_0.5", d="delta")
    box = tab.by("glass").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 0.2 * box["width"], y - 0.1 * box["height"], steps=10)
    tab.page.mouse.up()
    tab.page.wait_for_function("() => /z=0.15\\d*_0.3\\d*_0.5/.test(location.hash)")
    tab.page.mouse.dblclick(x, y)
    assert float(tab.by("glass").get_attribute("data-zoom")) == 0.25


@pytest.mark.browser
@pytest.mark.parametrize("key", KEYS)
def test_the_cursor_is_moved_by_keys_and_reads_exact_values_in_all_panes(opened, made_once, key):
    tab, a, b = opened(key)
    pane = tab.by("glass").first
    pane.focus()
    panel = tab.by("cursor")
    start = [int(panel.get_attribute(f"data-{axis}")) for axis in ("row", "column")]
    tab.page.keyboard.press("ArrowDown" if start[0] < 5 else "ArrowUp")
    tab.page.keyboard.press("ArrowRight" if start[1] < 5 else "ArrowLeft")
    row, column = (at + (1 if at < 5 else -1) for at in start)
    tab.frame.locator(f"[data-testid=cursor][data-row='{row}'][data-column='{column}']").wait_for()
    assert tab.step == B  # the arrows moved the cursor, not the step
    found = [float(panel.get_attribute(f"data-value-{name}")) for name in ("a", "b", "delta")]
    place = row, column
    assert found == [float(a[place]), float(b[place]), float(b[place] - a[place])]
    assert tab.frame.locator(".cross").count() == 3
    run = made_once[0]
    side = run.probes.inputs["image"].shape[1]
    cell = tuple(int((at + 0.5) / len(a) * side) for at in place)
    read = [float(value) for value in panel.get_attribute("data-value-input").split(",")]
    np.testing.assert_array_equal(np.float32(read), run.probes.inputs["image"][PROBE][cell])
    said = tab.by("stage").get_by_role("status")
    assert said.count() == 1
    assert f"row {row}, column {column}" in said.inner_text()


@pytest.mark.browser
def test_each_normalised_is_in_units_of_its_own_level(opened, made_once):
    tab, _, b = opened("gradient_times_input", a=-1)
    a = shown(made_once[0], "gradient_times_input", -1)[PROBE].astype(np.float32)
    levels = [float(np.quantile(np.abs(map_.astype(np.float64)), 0.99)) for map_ in (a, b)]
    times = levels[0] / levels[1]
    assert tab.by("louder").inner_text() == f"A ×{times:#.2g} larger than B (p99)"
    tab.frame.get_by_role("radio", name="Each normalised").check()
    tab.frame.locator("canvas[data-map=A][data-lo='-1'][data-hi='1']").wait_for()
    parts = [(map_ / level).astype(np.float32) for map_, level in zip((a, b), levels, strict=True)]
    for kind, values in (("A", parts[0]), ("B", parts[1]), ("delta", parts[1] - parts[0])):
        found = canvas(tab, kind)
        np.testing.assert_array_equal(pixels(found), rendered(values, found))
    assert "of normalised maps" in tab.by("pane").last.inner_text()
    panel = tab.by("cursor")
    place = tuple(int(panel.get_attribute(f"data-{axis}")) for axis in ("row", "column"))
    assert float(panel.get_attribute("data-value-a")) == float(a[place])


@pytest.mark.browser
def test_likeness_is_what_numpy_scipy_and_scikit_image_say(opened):
    from skimage.metrics import structural_similarity

    tab, a, b = opened("saliency")
    said = {
        name: float(tab.by("likeness").locator(f"[data-name='{name}']").get_attribute("data-value"))
        for name in ("cosine", "Spearman", "top 10 %", "SSIM")
    }
    x, y = a.astype(np.float64), b.astype(np.float64)
    span = max(x.max(), y.max()) - min(x.min(), y.min())
    assert said == pytest.approx(
        {
            "cosine": 1 - cosine_distance(a[None], b[None])[0],
            "Spearman": 1 - spearman_distance(a[None], b[None])[0],
            "top 10 %": top_overlap(a[None], b[None])[0],
            "SSIM": structural_similarity(x, y, data_range=span),
        },
        abs=1e-6,
    )
