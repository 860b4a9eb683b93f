"""What a person takes away: pictures with the numbers' colours, films, reports, tables."""

import csv

import av
import matplotlib
import numpy as np
import pytest
from PIL import Image

from keras_explain.store.encoding import encode
from keras_explain.store.statistics import as_shown

CELL, MARGIN, HEAD, GAP = 150, 16, 30, 12
KEY = "saliency"


def taken(tab, kind):
    """Open the sheet by its key, choose, and give the downloaded file."""
    tab.frame.locator("body").press("e")
    with tab.page.expect_download() as download:
        tab.by(f"export-{kind}").click()
    tab.page.keyboard.press("Escape")
    return download.value


@pytest.fixture
def opened(made_once, tab):
    def open_at(**state):
        tab.open(made_once[1], **state)
        tab.by("map").nth(2).wait_for()
        return tab

    return open_at


@pytest.mark.browser
def test_a_picture_has_the_colours_of_the_numbers(made_once, opened):
    tab = opened(m=KEY, e=2, o="map", s="page", r="minmax")
    file = taken(tab, "png")
    assert file.suggested_filename.endswith("-saliency-step-2.png")
    picture = np.asarray(Image.open(file.path()).convert("RGB"))
    run = made_once[0]
    spec, stats = run.specs[KEY], run.stats(KEY)
    maps = encode(as_shown(run.load(KEY, 2), spec.axes, spec.shown)).decode().astype(float)
    low, high = np.nanmin(stats["min"]), np.nanmax(stats["max"])
    table = matplotlib.colormaps["cividis"](np.arange(256), bytes=True)[:, :3]
    side = maps.shape[1]
    middles = ((np.arange(side) + 0.5) * CELL / side).astype(int)
    for tile, values in enumerate(maps[:2]):
        left, top = MARGIN + tile * (CELL + GAP), MARGIN + HEAD
        index = np.floor((values - low) / (high - low) * 255 + 0.5)
        expected = table[np.clip(index, 0, 255).astype(int)].astype(int)
        shown = picture[top + middles[:, None], left + middles].astype(int)
        assert np.abs(shown - expected).max() <= 1


@pytest.mark.browser
def test_a_film_has_a_frame_for_each_step(made_once, opened):
    tab = opened(v="detail", x=3, m=KEY)
    film = Image.open(taken(tab, "gif").path())
    assert film.format == "GIF"
    assert film.n_frames == len(made_once[0].steps)
    assert film.info["loop"] == 0
    first = np.asarray(film.convert("RGB")).astype(int)
    film.seek(film.n_frames - 1)
    assert np.abs(np.asarray(film.convert("RGB")).astype(int) - first).max() > 40


@pytest.mark.browser
def test_a_recorded_film_plays_as_long_as_its_steps_and_shows_them(made_once, opened):
    tab = opened(v="detail", x=3, m=KEY)
    tab.frame.get_by_label("Speed").select_option("16")
    file = taken(tab, "webm")
    assert file.suggested_filename.endswith(".webm")
    # Decoded beside the browser: a page draws a picture of before while its decoder is busy.
    with av.open(file.path()) as film:
        seconds = film.duration / av.time_base
        frames = [each.to_ndarray(format="rgb24").astype(int) for each in film.decode(video=0)]
    steps = len(made_once[0].steps)
    assert len(frames) == steps
    # At sixteen a second, and the last one stays: a busy machine only makes it longer.
    assert seconds > (steps - 1) / 16 + 1.4
    assert frames[0].shape[1] > 400
    assert np.abs(frames[-1] - frames[0]).max() > 40


@pytest.mark.browser
def test_a_browser_that_records_nothing_offers_no_recorded_film(opened):
    tab = opened(v="detail", x=3, m=KEY)
    tab.inside.evaluate("delete window.MediaRecorder")
    tab.frame.locator("body").press("e")
    tab.by("export-gif").wait_for()
    assert tab.by("export-webm").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("view", ["evolve", "gradients", "layers"])
def test_a_report_shows_the_view_without_script_or_network(opened, browser, tmp_path, view):
    tab = opened(v=view, e=3)
    path = tmp_path / "report.html"
    taken(tab, "html").save_as(path)
    page = browser.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    assert [url for url in asked if not url.startswith(("data:", "file:"))] == []
    assert said == []
    assert page.locator("script").count() == 0
    assert page.get_by_text("step 3").first.is_visible()
    widths = page.locator("main img").evaluate_all(
        "images => images.map(i => i.naturalWidth && i.getBoundingClientRect().width)"
    )
    assert max(widths) > 20
    page.close()


@pytest.mark.browser
def test_numbers_are_those_of_the_run(made_once, opened):
    run, tab = made_once[0], opened(m=KEY)
    found = np.load(taken(tab, "npz").path(), allow_pickle=False)
    np.testing.assert_array_equal(found["steps"], run.steps)
    np.testing.assert_array_equal(found["values"][-1], run.load(KEY, run.steps[-1]))
    with open(taken(tab, "csv").path(), newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(run.steps) * run.probes.count


@pytest.mark.browser
def test_a_view_without_maps_says_why_there_is_no_picture(opened):
    tab = opened(v="gradients")
    tab.frame.get_by_role("button", name="Export").click()
    assert tab.by("export-png").is_disabled()
    assert "no maps" in tab.frame.get_by_role("dialog").inner_text()
