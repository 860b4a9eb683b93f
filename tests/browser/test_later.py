"""Views that are fetched after the first paint."""

import re
from pathlib import Path

import pytest

from keras_explain import tensorboard_plugin

STATIC = Path(tensorboard_plugin.__file__).parent / "static"
SCRIPT = re.compile(r"/plugin/keras_explain/static/(\w+\.js)$")


def scripts(tab):
    """Names of the scripts that have come, in order."""
    return [found[1] for request in tab.requests if (found := SCRIPT.search(request.url))]


@pytest.mark.browser
def test_other_views_come_after_the_first_and_a_click_waits_for_none(made_once, first_tab):
    tab = first_tab.open(made_once[1])
    parts = {path.name for path in STATIC.glob("*.js")}
    tab.expect(lambda: parts <= set(scripts(tab)), True)
    come = scripts(tab)
    assert set(come) == parts
    assert come[:2] == ["index.js", "shell.js"]
    assert len(come) == len(set(come)), "a file came twice"
    tab.frame.get_by_role("button", name="Gradients").click()
    tab.by("weight").first.wait_for()
    tab.page.wait_for_load_state("networkidle")
    assert scripts(tab)[: len(come)] == come
    assert len(scripts(tab)) == len(come)


@pytest.mark.browser
def test_a_view_that_cannot_be_fetched_says_so_and_is_fetched_again(made_once, first_tab):
    tab = first_tab
    tab.page.route("**/static/Gradients.js", lambda route: route.abort())
    tab.open(made_once[1], v="gradients")
    alert = tab.frame.get_by_role("alert")
    alert.wait_for()
    assert "This view could not be fetched" in alert.inner_text()
    tab.page.unroute("**/static/Gradients.js")
    alert.get_by_role("button", name="Try again").click()
    tab.by("weight").first.wait_for()
    assert tab.violations  # the browser tells of the request that failed
    tab.violations.clear()
