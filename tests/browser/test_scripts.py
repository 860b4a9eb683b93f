"""No text of a log folder runs in the tab or in what is taken away, and all of it can be read.

The page's policy would stop most of it; it is switched off here, so that only the tab itself is
between a text and its running.
"""

import pytest

import keras_explain
from tests.fixtures.attack import RUN, attack, make_attack

from .conftest import SIZE, served, tab_in
from .test_exports import taken

pytestmark = pytest.mark.browser

SHOWN = (
    "run", "class", "word", "feature", "unit", "key", "title", "layer", "option", "source", "error",
    "log", "weight", "tcav row",
)  # fmt: skip
"""Fields whose text a person must be able to read somewhere."""

TEXTS = """() => [...document.querySelectorAll('*')].flatMap((each) => [
  ...[...each.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data),
  ...['title', 'aria-label', 'alt', 'value'].map((name) => each.getAttribute(name) ?? ''),
]).join('\\n')"""
SCRIPT = """() => {
  const script = document.createElement('script');
  script.text = 'pwned(`script`)';
  document.body.append(script);
}"""
VIEWS = ("evolve", "detail", "compare", "pair", "layers", "gradients", "health")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return make_attack(tmp_path_factory.mktemp("attack"))


@pytest.fixture(scope="module")
def address(place):
    with served(place.parent) as found:
        yield found


@pytest.fixture(scope="module")
def open_context(browser):
    with browser.new_context(viewport=SIZE, bypass_csp=True) as context:
        context.ran = []
        context.expose_binding("pwned", lambda source, field: context.ran.append(field))
        yield context


@pytest.fixture(scope="module")
def tab(open_context):
    with tab_in(open_context.new_page()) as opened:
        yield opened


@pytest.fixture
def ran(open_context):
    open_context.ran.clear()
    return open_context.ran


def test_the_probe_sees_what_runs(tab, address, ran):
    tab.open(address)
    tab.inside.evaluate("text => document.body.insertAdjacentHTML('beforeend', text)", RUN)
    tab.expect(lambda: ran, ["run"])
    tab.inside.evaluate(SCRIPT)
    tab.expect(lambda: ran, ["run", "script"])


def test_no_text_runs_in_any_view_and_all_can_be_read(tab, address, place, ran):
    tab.open(address)
    tab.by("card").first.wait_for()
    keys, left = keras_explain.Run(place).keys, set(SHOWN)
    for _ in range(4):  # what comes late is there the next time
        left = unread(tab, keys, left) if left else left
    assert left == set()
    assert ran == []


def unread(tab, keys, fields):
    """Which of the fields nothing shows, after a walk through everything that can be opened."""
    texts = []

    def look():
        texts.append(tab.inside.evaluate(TEXTS))

    run = f"{RUN}/explain"
    for view in VIEWS:
        tab.go(v=view, run=run, x=3, a=-1)
        look()
    for key in keys:
        for state in ({}, {"v": "detail", "x": 3}):
            tab.go(run=run, m=key, **state)
            look()
    for key in ("e", "?", "m"):
        tab.frame.locator("body").press(key)
        look()
        tab.page.keyboard.press("Escape")
    tab.frame.get_by_role("button", name="failure").first.click()
    look()
    tab.page.keyboard.press("Escape")
    seen = "\n".join(texts)
    return {field for field in fields if f"pwned(`{field}`)" not in seen}


@pytest.mark.parametrize("view", ["evolve", "gradients", "health"])
def test_no_text_runs_in_a_report(tab, address, ran, tmp_path, view):
    tab.open(address, v=view, run=f"{RUN}/explain")
    tab.page.wait_for_load_state("networkidle")
    path = tmp_path / "report.html"
    taken(tab, "html").save_as(path)
    page = tab.page.context.new_page()
    page.goto(path.as_uri())
    assert RUN in page.evaluate(TEXTS)
    assert page.locator("script, iframe, [onerror], [onload]").count() == 0
    assert ran == []
    page.evaluate("text => document.body.insertAdjacentHTML('beforeend', text)", attack("control"))
    tab.expect(lambda: "control" in ran, True)
    page.close()
