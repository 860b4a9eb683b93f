"""Layers: the list of all layers, the channels of one, and one channel, against NumPy."""

import re

import keras
import numpy as np
import pytest

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import Activations, ChannelWeights
from keras_explain.store.similarity import cosine_distance
from tests.fixtures.deep import make_deep_run, name
from tests.fixtures.make_run import make_run

from .conftest import served
from .test_tab import pixels, rendered

STEP, LAYER, PROBE = 5, "activations/conv3", 3
DEEP = 1000


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of three layers and one of a thousand, and their address."""
    place = tmp_path_factory.mktemp("layers")
    make_run(place / "run", steps=8)
    make_deep_run(place / "deep", DEEP, steps=2)
    with served(place) as address:
        yield keras_explain.Run(place / "run"), keras_explain.Run(place / "deep"), address


@pytest.fixture
def layer(runs, tab):
    """Open the tab on a layer: `layer(**state)` gives the tab and the layer's maps at `STEP`."""

    def open_on(**state):
        state = {"l": LAYER, "e": STEP, "x": PROBE, **state}
        tab.open(runs[2], run="run/explain", v="layers", **state)
        tab.by("channel").first.wait_for()
        return tab, runs[0].load(LAYER, STEP)

    return open_on


def order_of(tab):
    return [int(channel) for channel in tab.data("channel", "data-channel")]


def largest_first(figures):
    return np.argsort(-np.nan_to_num(figures, nan=-np.inf), kind="stable").tolist()


@pytest.mark.browser
@pytest.mark.parametrize("sort", ["mean_abs", "zero", "drift"])
@pytest.mark.parametrize("over", ["example", "all"])
def test_channels_are_sorted_as_numpy_sorts_them(runs, layer, sort, over):
    tab, maps = layer(chs=sort, cho=over)
    flat = np.moveaxis(maps, 3, 1).reshape(16, 16, -1)
    if sort == "drift":
        before = np.moveaxis(runs[0].load(LAYER, STEP - 1), 3, 1).reshape(16, 16, -1)
        pair = (part.reshape(256, -1) for part in (before, flat))
        table = cosine_distance(*pair).reshape(16, 16).astype(np.float32)
    else:
        table = np.abs(flat).mean(axis=2) if sort == "mean_abs" else (flat == 0).mean(axis=2)
    dead = np.isnan(table).all(axis=0)
    means = np.nanmean(np.where(dead, -1, table), axis=0)
    figures = table[PROBE] if over == "example" else np.where(dead, np.nan, means)
    expected = figures[largest_first(figures)]

    def sorted_alike():
        found = order_of(tab)
        alike = np.allclose(figures[found], expected, rtol=1e-5, atol=0, equal_nan=True)
        return (len(set(found)), alike)

    tab.expect(sorted_alike, (16, True))


@pytest.mark.browser
def test_drift_is_from_a_to_b_where_both_are_set(runs, layer):
    tab, _ = layer(chs="drift", a=-1, b=2)
    old, new = (np.moveaxis(runs[0].load(LAYER, at), 3, 1)[PROBE].reshape(16, -1) for at in (-1, 2))
    drift = cosine_distance(old, new)
    tab.expect(lambda: order_of(tab), largest_first(drift))
    assert "from A (untrained) to B" in tab.frame.get_by_label("Sort").inner_text()


@pytest.mark.browser
def test_dead_channels_are_called_so_and_can_be_dimmed(layer):
    tab, maps = layer()
    dead = np.flatnonzero((maps == 0).all(axis=(0, 1, 2)))
    assert len(dead) == 3
    tab.frame.get_by_text("3 dead").wait_for()
    said = tab.by("channel").filter(has_text="dead")
    found = said.evaluate_all("cards => cards.map(card => Number(card.dataset.channel))")
    assert found == dead.tolist()
    tab.frame.get_by_label("Dim dead").check()
    assert tab.frame.locator(".channel.dimmed").count() == 3
    tab.page.wait_for_function("() => location.hash.includes('keras_explain.chd=true')")


@pytest.mark.browser
def test_a_channel_shows_the_examples_that_fire_it_most(runs, layer):
    tab, maps = layer(ch=2, o="map")
    tops = tab.by("top-example")
    tops.nth(8).locator("canvas").wait_for()
    peaks = maps[..., 2].max(axis=(1, 2))
    rows = largest_first(peaks)[:9]
    tab.expect(lambda: [int(row) for row in tab.data("top-example", "data-row")], rows)
    found = [float(peak) for peak in tab.data("top-example", "data-peak")]
    np.testing.assert_array_equal(np.float32(found), peaks[rows])
    canvas = tops.nth(4).locator("canvas[data-testid=map]")
    np.testing.assert_array_equal(pixels(canvas), rendered(maps[rows[4], ..., 2], canvas))
    tops.nth(4).get_by_role("button").click()
    tab.page.wait_for_function(f"() => location.hash.includes('keras_explain.x={rows[4]}')")


@pytest.mark.browser
def test_up_and_down_go_through_the_channels_as_they_are_sorted(layer):
    tab, maps = layer(chs="mean_abs")
    order = largest_first(np.abs(maps[PROBE]).mean(axis=(0, 1)))
    tab.expect(lambda: order_of(tab), order)
    tab.by("channel").nth(1).click()
    tab.by("channel-detail").wait_for()
    tab.page.keyboard.press("ArrowDown")
    tab.frame.locator(f"[data-channel-shown='{order[2]}']").wait_for()
    tab.page.keyboard.press("ArrowUp")
    tab.page.keyboard.press("ArrowUp")
    tab.frame.locator(f"[data-channel-shown='{order[0]}']").wait_for()
    assert tab.step == STEP
    tab.page.keyboard.press("Escape")
    tab.by("channel-detail").wait_for(state="detached")


@pytest.mark.browser
def test_a_thousand_layers_are_folded_searched_and_coloured(runs, tab):
    _, deep, address = runs
    tab.open(address, run="deep/explain", v="layers", e=0)
    tab.by("layer-row").first.wait_for()
    tab.by("channel").first.wait_for()
    inside = next(frame for frame in tab.page.frames if frame.parent_frame)
    count = "document.querySelectorAll('*').length"
    assert inside.evaluate(count) < 1_000
    # The strip: a pixel a layer, in the colours of the share of dead channels.
    dead = [(deep.load(key, 0) == 0).all(axis=(0, 1, 2)).mean() for key in deep.keys[:DEEP]]
    strip = tab.frame.locator("canvas[data-map=layers]")
    tab.page.wait_for_load_state("networkidle")
    np.testing.assert_array_equal(pixels(strip), rendered(np.array(dead, np.float32)[None], strip))
    rows = tab.by("layer-row")
    assert rows.first.get_attribute("data-kind") == "block"
    assert rows.count() < 120
    tab.page.keyboard.press("/")
    tab.page.keyboard.type("stage30 conv2")
    tab.frame.locator("[data-layer='871']").wait_for()
    found = [layer for layer in range(DEEP) if "stage30/" in name(layer) and "conv2" in name(layer)]
    tab.expect(lambda: [int(layer) for layer in tab.data("layer-row", "data-layer")], found)
    tab.page.keyboard.press("Enter")
    tab.frame.get_by_role("heading", name=name(found[0])).wait_for()
    tab.page.keyboard.press("ArrowDown")
    tab.frame.get_by_role("heading", name=name(found[1])).wait_for()
    assert inside.evaluate(count) < 2_000
    tab.frame.get_by_test_id("layer-search").fill("")
    tab.frame.locator(f"[data-layer='{found[1]}'][aria-selected=true]").wait_for()
    assert inside.evaluate(count) < 2_000


@pytest.mark.browser
def test_a_block_opens_and_closes_by_keys_and_the_step_stays(runs, tab):
    tab.open(runs[2], run="deep/explain", v="layers", e=0)
    tab.by("layer-row").first.wait_for()
    tab.by("layer-tree").focus()
    block = tab.frame.locator("[data-kind=block]").nth(1)
    tab.page.keyboard.press("ArrowUp")
    assert block.get_attribute("aria-expanded") == "true"
    tab.page.keyboard.press("ArrowLeft")
    assert block.get_attribute("aria-expanded") == "false"
    tab.page.keyboard.press("ArrowRight")
    assert block.get_attribute("aria-expanded") == "true"
    assert tab.step == 0


@pytest.mark.browser
def test_each_figure_of_a_layer_is_numpy_s(runs, tab):
    _, deep, address = runs
    place = 421
    key = f"activations/{name(place)}"
    maps, at = deep.load(key, 0), deep.steps.index(0)
    labels = deep.specs["weight_gradients/statistics"].labels["statistic"]
    figures = dict(zip(labels, deep.load("weight_gradients/statistics", 0)[place], strict=True))
    expected = {
        "dead": (maps == 0).all(axis=(0, 1, 2)).mean(),
        "mean_abs": np.abs(maps).mean(),
        "zero": (maps == 0).mean(),
        "drift": np.median(deep.stats(key)["drift"][at]),
        "norm": figures["norm"],
        "update_ratio": figures["update_norm"] / figures["weight_norm"],
    }
    tab.open(address, run="deep/explain", v="layers", e=0, l=key)
    row = tab.frame.locator(f"[data-layer='{place}']")
    row.wait_for()
    for statistic, value in expected.items():
        tab.frame.locator(".layer-panel select").select_option(statistic)
        row.locator(".number", has_text=re.compile(r"\d")).nth(1).wait_for()
        text = row.locator(".number").last.inner_text().replace("\N{MINUS SIGN}", "-")
        if statistic in ("dead", "zero"):
            assert text == f"{round(100 * value)} %"
        else:
            assert float(text) == pytest.approx(value, rel=0.06)
    tab.page.wait_for_function("() => location.hash.includes('keras_explain.lst=update_ratio')")


@pytest.fixture(scope="module")
def weighed(tmp_path_factory):
    """A training that logs every third channel of a layer, and the weights of all; its address."""
    place = tmp_path_factory.mktemp("weighed")
    random = np.random.default_rng(0)
    x = random.normal(size=(32, 16, 16, 3)).astype("float32")
    y = random.integers(0, 3, 32)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(12, 3, activation="relu", name="conv"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), loss)
    methods = [Activations(channels=4), ChannelWeights()]
    watch = Explain(place / "run", (x[:4], y[:4]), methods)
    model.fit(x, y, epochs=5, verbose=0, callbacks=[watch])
    with served(place) as address:
        yield keras_explain.Run(place / "run"), address


@pytest.mark.browser
def test_a_channel_s_weight_for_the_score_is_drawn_over_the_steps(weighed, tab):
    run, address = weighed
    step, probe = 3, 2
    kept = run.specs["activations/conv"].labels["channel"]
    assert kept == (0, 3, 6, 9)
    of_all = {at: run.load("channel_weights/conv", at)[probe] for at in (-1, step)}
    # Of the channels that are not where they are kept, the one whose weight has changed most.
    at = 1 + int(np.argmax(np.abs(of_all[step] - of_all[-1])[[*kept[1:]]]))
    state = {"v": "layers", "l": "activations/conv", "e": step, "x": probe, "ch": at}
    tab.open(address, run="run/explain", **state)
    weight = tab.by("channel-weight")
    expected, first = (float(of_all[at_step][kept[at]]) for at_step in (step, -1))

    def value():
        return float(weight.get_attribute("data-value"))

    weight.wait_for()
    tab.expect(lambda: np.isclose(value(), expected, rtol=1e-3), True)
    weight.get_by_role("button", name="Click to go to a step").click(position={"x": 1, "y": 20})
    tab.frame.get_by_text("untrained").first.wait_for()
    tab.expect(lambda: np.isclose(value(), first, rtol=1e-3), True)
    assert not np.isclose(first, expected, rtol=0.01)
