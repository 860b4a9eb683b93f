"""The tab, driven like a person would, checked against NumPy."""

import base64
import io
import json
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

import keras_explain
from keras_explain.demo.data import load, stick
from keras_explain.demo.probes import probes_of
from keras_explain.demo.story import change_of
from keras_explain.store.encoding import encode
from keras_explain.store.statistics import as_shown
from tests.fixtures.demo import EPOCHS
from tests.fixtures.make_run import make_run

from .conftest import free_port, served, tab_in

CAM = "grad_cam/conv4"
FRONT_END = Path(__file__).parents[2] / "tensorboard_plugin" / "frontend" / "src"


def shown(run, key, step):
    """A record as the tab draws it: reduced over channels, rounded to float16 as it is sent."""
    spec = run.specs[key]
    return encode(as_shown(run.load(key, step), spec.axes, spec.shown)).decode()


def pixels(canvas):
    """RGBA of a canvas, `(height, width, 4)`."""
    url = canvas.evaluate("canvas => canvas.toDataURL('image/png')")
    picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    return np.asarray(picture.convert("RGBA"))


def colours(name):
    """A table by its name, RGBA `(256, 4)`: Matplotlib's, or of the dark ones that are our own."""
    if not name.endswith("-dark"):
        return matplotlib.colormaps[name](np.arange(256), bytes=True)
    text = json.loads((FRONT_END / "core" / "colour-tables.json").read_text())[name]
    table = np.frombuffer(bytes.fromhex(text), np.uint8).reshape(256, 3)
    return np.column_stack([table, np.full(256, 255, np.uint8)])


def rendered(values, canvas):
    """What NumPy and Matplotlib make of the values by the rule in paint.ts."""
    low, high = (float(canvas.get_attribute(f"data-{end}")) for end in ("lo", "hi"))
    table = colours(canvas.get_attribute("data-colours"))
    index = np.floor((values.astype(np.float64) - low) / (high - low) * 255 + 0.5)
    return table[np.clip(index, 0, 255).astype(int)]


def sticker_share(run, step, probe=0):
    scenes = probes_of(load("held_out"), stick(load("held_out")))
    # The 12x12 map's cells over the 48x48 picture.
    inside = scenes.stickers[probe].reshape(12, 4, 12, 4).mean(axis=(1, 3))
    cam = run.load(CAM, step)[probe]
    return float((cam * inside).sum() / cam.sum())


@pytest.mark.browser
def test_a_person_finds_when_the_network_starts_to_look_at_the_mark(tab, demo, address):
    run = keras_explain.Run(demo.log_dir)
    tab.open(address)
    clicks = 0

    def click(locator):
        nonlocal clicks
        locator.click()
        clicks += 1

    click(tab.by("card").first.get_by_role("button").first)
    tab.by("filmstrip").first.wait_for()
    if tab.by("filmstrip").first.get_attribute("data-key") != CAM:
        click(tab.by("filmstrip").get_by_role("button", name="Grad-CAM").first)
    # Its first two epochs turn the map of every network; nobody asked for what turns it later.
    later = [step for step in run.steps if step > 1]
    drift = dict(zip(run.steps, run.stats(CAM)["drift"][:, 0], strict=True))
    turned = max(later, key=drift.get)
    shares = {step: sticker_share(run, step) for step in run.steps}
    click(tab.frame.locator(f"[data-testid=chart-jump][data-step='{turned}']"))
    assert tab.step == turned
    assert clicks <= 4
    assert turned >= change_of(EPOCHS)
    before = max(share for step, share in shares.items() if 1 < step < change_of(EPOCHS))
    assert min(share for step, share in shares.items() if step >= turned) > 2 * before


@pytest.mark.browser
@pytest.mark.parametrize("key", ["saliency", CAM, "gradient_times_input"])
@pytest.mark.parametrize("step", [-1, 3, EPOCHS - 1])
def test_canvas_pixels_equal_a_numpy_rendering(tab, demo, address, key, step):
    tab.open(address, v="evolve", m=key, e=step, o="map")
    canvases = tab.frame.locator(f'canvas[data-testid=map][data-step="{step}"][data-mode=map]')
    canvases.nth(5).wait_for()
    values = shown(keras_explain.Run(demo.log_dir), key, step)
    for at in range(6):
        canvas = canvases.nth(at)
        assert canvas.get_attribute("data-key") == key
        row = int(canvas.get_attribute("data-row"))
        np.testing.assert_array_equal(pixels(canvas), rendered(values[row], canvas))


@pytest.mark.browser
@pytest.mark.parametrize("key", ["saliency", CAM])
def test_the_values_under_the_cursor_are_numpy_s(tab, demo, address, key):
    a, b, place = 2, EPOCHS - 1, (7, 4)
    tab.open(address, v="detail", x=1, m=key, a=a, b=b, e=b)
    panel = tab.by("cursor")
    for name, at in zip(("row", "column"), place, strict=True):
        tab.frame.get_by_role("spinbutton", name=name).fill(str(at))
        tab.frame.get_by_role("spinbutton", name=name).press("Enter")
    tab.frame.locator(
        '[data-testid=cursor][data-row="7"][data-column="4"][data-value-b]'
    ).wait_for()
    run = keras_explain.Run(demo.log_dir)
    spec = run.specs[key]
    exact = [as_shown(run.load(key, s), spec.axes, spec.shown)[1][place] for s in (a, b)]
    found = [float(panel.get_attribute(f"data-value-{side}")) for side in ("a", "b", "delta")]
    np.testing.assert_allclose(found[:2], exact, rtol=2**-10, atol=1e-7)
    assert found[2] == pytest.approx(found[1] - found[0], abs=1e-6)


@pytest.mark.browser
def test_hovering_over_the_map_shows_that_cell(tab, demo, address):
    tab.open(address, v="detail", x=0, m=CAM, a=2, b=EPOCHS - 1)
    pane = tab.frame.locator("canvas[data-map=B]")
    pane.wait_for()
    box = pane.bounding_box()
    tab.page.mouse.move(box["x"] + box["width"] * 2.5 / 12, box["y"] + box["height"] * 9.5 / 12)
    cell = tab.frame.locator('[data-testid=cursor][data-row="9"][data-column="2"]')
    cell.wait_for()
    expected = shown(keras_explain.Run(demo.log_dir), CAM, EPOCHS - 1)[0, 9, 2]
    assert float(cell.get_attribute("data-value-b")) == pytest.approx(expected, rel=1e-6)


@pytest.mark.browser
def test_every_two_steps_can_be_subtracted(tab, demo, address):
    run = keras_explain.Run(demo.log_dir)
    tab.open(address, v="detail", x=0, m=CAM, a=-1, b=0, e=0)
    likeness = tab.by("likeness").locator("[data-name=cosine]")
    for step in range(1, EPOCHS):
        frame = tab.frame.locator(f'[data-testid=frame][data-step="{step}"]').first
        frame.click()
        tab.page.keyboard.press("]")
        expected = 1 - run.diff(CAM, -1, step).cosine[0]
        tab.expect(
            lambda: float(likeness.get_attribute("data-value")), pytest.approx(expected, abs=1e-3)
        )


@pytest.mark.browser
def test_the_keyboard_scrubs_and_the_link_keeps_the_view(tab, address):
    tab.open(address, v="evolve", e=4)
    tab.by("time").focus()
    tab.page.keyboard.press("ArrowRight")
    tab.page.wait_for_function("() => location.hash.includes('keras_explain.e=5')")
    assert tab.step == 5
    tab.page.reload()
    tab.frame.get_by_role("main").wait_for()
    assert tab.step == 5


@pytest.mark.browser
def test_gradients_show_every_weight_over_the_steps(tab, demo, address):
    run = keras_explain.Run(demo.log_dir)
    rows = run.specs["weight_gradients/statistics"].rows
    tab.open(address, v="gradients")
    tab.by("weight").first.wait_for()
    tab.expect(lambda: tab.data("weight", "title"), list(rows))


@pytest.mark.browser
def test_layers_show_each_kept_channel(tab, demo, address):
    run = keras_explain.Run(demo.log_dir)
    tab.open(address, v="layers", x=0, e=3)
    tab.by("channel").first.wait_for()
    kept = {key: run.load(key, 3).shape[-1] for key in run.keys if key.startswith("activations/")}
    assert tab.by("channel").count() in kept.values()


@pytest.mark.browser
def test_first_paint_of_a_long_run_is_small(made, first_tab):
    tab = first_tab.open(made(steps=200))
    tab.by("card").nth(5).locator("canvas[data-testid=map]").wait_for()
    tab.page.wait_for_load_state("networkidle")
    needed = re.compile(
        r"/static/(index|shell)\.js$|/static/style\.css$|/keras_explain/[a-z]+\?|/runs$"
    )
    # By address: a poll may have asked again by now. What `more` there is comes after the paint.
    asked = [request for request in tab.requests if needed.search(request.url)]
    first = {request.url: request for request in asked if "more=" not in request.url}
    sizes = [request.sizes()["responseBodySize"] for request in first.values()]
    assert 30_000 < sum(sizes) < 350_000


@pytest.mark.browser
def test_failures_are_told_in_words(made, tab, tmp_path):
    tab.open(made(steps=4))
    tab.by("failures").click()
    words = tab.frame.get_by_role("dialog").inner_text()
    failures = keras_explain.Run(tmp_path).failures
    assert failures
    assert all(failure.source in words and failure.error in words for failure in failures)


@pytest.mark.browser
def test_a_live_run_grows_and_does_not_move_the_eye(made, tab, tmp_path):
    tab.open(made(steps=4), e=1)
    tab.by("card").first.wait_for()
    assert tab.step == 1
    make_run(tmp_path / "run", steps=7)
    tab.page.locator("app-header-reload button").click()
    tab.by("news").wait_for()
    assert tab.step == 1
    tab.by("news").click()
    assert tab.step == 5


@pytest.mark.browser
def test_a_tensorboard_that_is_started_again_is_found_without_a_reload(page, tmp_path):
    make_run(tmp_path / "run", steps=4)
    port = free_port()
    with tab_in(page) as tab:
        with served(tmp_path, port) as address:
            tab.open(address, e=2)
            tab.by("card").first.locator("canvas[data-testid=map]").wait_for()
            tab.inside.evaluate("window.stays = true")
        tab.page.locator("app-header-reload button").click()
        tab.frame.get_by_text("TensorBoard does not answer.").wait_for()
        assert tab.step == 2
        make_run(tmp_path / "run", steps=7)
        with served(tmp_path, port):
            # By key: a message of TensorBoard's own may lie over it.
            tab.frame.get_by_role("button", name="Try again").press("Enter")
            tab.by("news").wait_for()
            assert tab.frame.get_by_text("TensorBoard does not answer.").count() == 0
            assert tab.step == 2
            tab.page.keyboard.press("End")
            last = "[data-testid=card] canvas[data-testid=map][data-step='5']"
            tab.frame.locator(last).first.wait_for()
            assert tab.inside.evaluate("window.stays")
            tab.page.goto("about:blank")
            tab.violations.clear()  # the browser tells of the requests that nobody answered


@pytest.mark.browser
def test_without_a_run_the_tab_says_how_to_make_one(made, tab):
    tab.open(made(steps=0))
    text = tab.by("welcome").inner_text()
    assert "Explain(" in text
    assert "callbacks" in text


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "tag"),
    [("images", "saliency"), ("histograms", "weight_gradients"), ("scalars", "gradient_norm")],
)
def test_tensorboard_s_own_tabs_show_our_summaries(tab, address, name, tag):
    tab.page.goto(f"{address}#{name}")
    tab.page.get_by_text(tag, exact=False).first.wait_for()
    if name == "images":
        picture = tab.page.locator("tf-image-loader img").first
        picture.wait_for()
        assert picture.evaluate("image => image.complete && image.naturalWidth > 100")


@pytest.mark.browser
def test_the_records_keep_all_steps_where_tensorboard_keeps_ten_pictures(tab, demo, address):
    reply = tab.page.request.get(
        f"{address}data/plugin/images/images?run={demo.run}/explain&tag=saliency&sample=0"
    )
    assert len(reply.json()) == 10
    manifest = tab.page.request.get(
        f"{address}data/plugin/keras_explain/manifest?run={demo.run}/explain"
    )
    assert manifest.json()["steps"] == list(range(-1, EPOCHS))
