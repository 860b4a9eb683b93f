"""Runs without records: what TensorBoard keeps of them is shown, and what is missing is said."""

import numpy as np
import pytest

from tests.fixtures.foreign import EDGES, STEPS, counts, make_bare_run, make_foreign_run

from .conftest import served
from .test_access import FAULTS, NARROW, WIDE, switch_theme
from .test_tab import pixels, rendered

LAST = STEPS[-1]
FIRST_PIXEL = """image => {
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return [...context.getImageData(1, 1, 1, 1).data].slice(0, 3);
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A run of ours whose records are gone, two of another tool's, and their address."""
    place = tmp_path_factory.mktemp("summaries")
    make_bare_run(place / "ours", steps=14)
    make_foreign_run(place / "cam")
    make_foreign_run(place / "many", [f"block{at}/cam" for at in range(40)], range(14))
    with served(place) as found:
        yield found


@pytest.fixture
def opened(address, tab):
    def open_on(run, **state):
        tab.open(address, run=run, **state)
        tab.by("no-records").wait_for()
        tab.page.wait_for_load_state("networkidle")
        return tab

    return open_on


def card(tab, tag):
    return tab.frame.locator(f"[data-testid=summary-card][data-tag='{tag}']")


def wait_for_picture(place, step):
    image = place.locator(f"img[data-step='{step}']")
    image.wait_for()
    return image


@pytest.mark.browser
def test_pictures_are_those_of_the_step_and_no_other(opened):
    tab = opened("cam")
    assert "another tool" in tab.by("no-records").inner_text()
    first, second = card(tab, "grad_cam"), card(tab, "smooth_grad")
    assert wait_for_picture(first, LAST).evaluate(FIRST_PIXEL) == [LAST, 0, 9]
    # The second has none of the last step: it is hatched, and says where there is one.
    assert second.get_by_test_id("no-picture").inner_text() == f"no picture of step {LAST}"
    assert second.locator("img").count() == 0
    for step in reversed(STEPS[:-1]):
        tab.page.keyboard.press("ArrowLeft")
        for each in (first, second):
            image = wait_for_picture(each, step)
            assert image.evaluate(FIRST_PIXEL) == [step, 0, 9]
            assert each.locator(".of").inner_text() == f"step {step}"


@pytest.mark.browser
def test_a_step_without_a_picture_leads_to_one_with(opened):
    tab = opened("cam", e=LAST)
    second = card(tab, "smooth_grad")
    second.get_by_test_id("near").click()
    assert wait_for_picture(second, STEPS[-2]).evaluate(FIRST_PIXEL) == [STEPS[-2], 0, 9]
    assert tab.step == STEPS[-2]


@pytest.mark.browser
def test_a_and_b_are_two_pictures_of_one_tag(opened):
    tab = opened("cam", a=STEPS[0], b=STEPS[2], m="smooth_grad")
    for name, step in (("A", STEPS[0]), ("B", STEPS[2])):
        pane = tab.frame.locator(f"[data-testid=summary-pane][data-pane={name}]")
        assert wait_for_picture(pane, step).evaluate(FIRST_PIXEL) == [step, 0, 9]
    tab.frame.get_by_role("button", name="Close", exact=True).click()
    assert tab.by("summary-pane").count() == 0


@pytest.mark.browser
def test_histograms_over_the_steps_are_numpy_s(opened):
    tab = opened("cam")
    canvas = tab.frame.locator("canvas[data-map=histogram]")
    canvas.wait_for()
    table = np.stack([counts(step) / counts(step).sum() for step in STEPS], axis=1)
    assert len(table) == len(EDGES) - 1
    heat = np.sqrt(table[::-1]).astype(np.float32)
    expected = rendered(heat, canvas)
    expected[heat == 0] = 0
    np.testing.assert_array_equal(pixels(canvas), expected)
    assert tab.by("no-histogram").count() == 0


@pytest.mark.browser
def test_many_tags_are_searched_and_the_lot_that_is_kept_is_said(opened):
    tab = opened("many")
    words = tab.by("no-records").inner_text()
    assert "keeps 10 pictures of a tag" in words
    assert "--samples_per_plugin images=100" in words
    assert 0 < tab.by("summary-card").count() < 40
    tab.page.keyboard.press("/")
    tab.page.keyboard.type("block17")
    card(tab, "block17/cam").wait_for()
    tab.page.wait_for_function("() => location.hash.includes('keras_explain.q=block17')")
    assert tab.by("summary-card").count() == 1


@pytest.mark.browser
def test_our_own_run_without_its_records_says_so_in_every_view(opened):
    tab = opened("ours")
    assert "plugins/keras_explain" in tab.by("no-records").inner_text()
    wait_for_picture(card(tab, "saliency"), 12)
    tab.frame.locator("canvas[data-map=histogram]").wait_for()
    for view in ("Layers", "Gradients"):
        tab.frame.get_by_role("button", name=view, exact=True).click()
        tab.frame.get_by_text(f"{view} is made of the records of a run.").wait_for()
        assert "plugins/keras_explain" in tab.by("no-records").inner_text()
    tab.frame.get_by_role("button", name="Show its pictures").click()
    card(tab, "saliency").wait_for()


@pytest.mark.browser
def test_an_empty_log_folder_is_named_and_the_demo_too(made, tab, tmp_path):
    tab.open(made(steps=0))
    tab.by("welcome").wait_for()
    text = tab.by("welcome").inner_text()
    assert "keras-explain demo" in text
    assert str(tmp_path) in text
    assert len(tab.by("welcome").locator("pre").inner_text().splitlines()) == 3
    assert tab.frame.get_by_label("Run", exact=True).count() == 0  # the example is not there yet
    tab.by("load-example").click()
    tab.frame.locator("[data-map=card][data-key='grad_cam/conv4'][data-step='15']").first.wait_for()
    assert tab.by("card").count() == 16
    tab.by("leave-example").click()
    tab.by("welcome").wait_for()


@pytest.mark.browser
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_fault(opened, axe, theme, size):
    tab = opened("cam")
    tab.page.set_viewport_size(size)
    switch_theme(tab, theme)
    tab.inside.evaluate(axe)
    wait_for_picture(card(tab, "grad_cam"), LAST)
    assert tab.inside.evaluate(FAULTS) == []
