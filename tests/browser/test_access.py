"""The tab is open to everybody: axe, the keyboard alone, less motion, and a strict policy."""

import base64
import hashlib
import re
import shutil

import pytest

from tests.fixtures.demo import EPOCHS
from tests.fixtures.sick_run import make_sick_run

from .conftest import served
from .test_compare import wait_for_runs

pytestmark = pytest.mark.browser

PAIR = {"a": 2, "b": EPOCHS - 1}
VIEWS = {
    "evolve": ({"v": "evolve", "e": 4}, "card"),
    "detail": ({"v": "detail", "e": 4, "x": 3, **PAIR}, "likeness"),
    "compare": ({"v": "compare", **PAIR}, "pair-card"),
    "pair": ({"v": "pair", "x": 3, **PAIR}, "likeness"),
    "layers": ({"v": "layers", "e": 4}, "channel"),
    "channel": ({"v": "layers", "e": 4, "ch": 2}, "top-example"),
    "gradients": ({"v": "gradients", "e": 4, "g": "conv1/kernel"}, "weight"),
    "health": ({"v": "health", "e": 4, "run": "sick/explain"}, "alert"),
}
WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 700, "height": 900}


@pytest.fixture(scope="module")
def address(demo, tmp_path_factory):
    """The demo, and a run that has something of all alerts; a training may have none."""
    place = tmp_path_factory.mktemp("access")
    shutil.copytree(demo.log_dir / demo.run, place / "demo")
    make_sick_run(place / "sick")
    with served(place) as found:
        wait_for_runs(found, 2)
        yield found


def show(tab, view):
    """Go to a view as by a link, in the page that is open."""
    state, ready = VIEWS[view]
    tab.go(**{"run": "demo/explain", **state})
    tab.by(ready).first.wait_for()
    tab.page.wait_for_timeout(150)  # pictures come in; nothing waits for them


FAULTS = """() => axe.run(document, {resultTypes: ['violations']}).then(({violations}) =>
  violations.flatMap(({id, nodes}) => nodes.map(node =>
    `${id}: ${node.html.slice(0, 200)} ${node.any[0]?.message ?? node.failureSummary}`)))"""


def switch_theme(tab, theme):
    dark = theme == "dark"
    tab.page.evaluate("dark => document.body.classList.toggle('dark-mode', dark)", dark)
    tab.frame.locator(f"html[data-theme={theme}]").wait_for()


def open_sheets(tab):
    """Open what lies over a view, one after the other; gives its name."""
    show(tab, "evolve")
    for name, opener, opened in (
        ("picker", tab.by("method"), tab.by("picker")),
        ("colours", tab.by("popover-colours"), tab.frame.get_by_role("dialog", name="Colours")),
        ("export", tab.frame.get_by_role("button", name="Export"), tab.frame.get_by_role("dialog")),
        ("keys", tab.frame.get_by_role("button", name="Keys"), tab.frame.get_by_role("dialog")),
    ):
        opener.click()
        opened.wait_for()
        yield name
        tab.page.keyboard.press("Escape")
        opened.wait_for(state="detached")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_fault_in_any_view(tab, address, axe, theme, size):
    tab.page.set_viewport_size(size)
    tab.open(address)
    switch_theme(tab, theme)
    tab.inside.evaluate(axe)
    found = {}
    for view in VIEWS:
        show(tab, view)
        found[view] = tab.inside.evaluate(FAULTS)
    for name in open_sheets(tab):
        found[name] = tab.inside.evaluate(FAULTS)
    assert {view: faults for view, faults in found.items() if faults} == {}


def test_axe_is_seen_to_find_a_fault(tab, address, axe):
    tab.open(address)
    tab.inside.evaluate(axe)
    show(tab, "evolve")
    tab.inside.evaluate(
        "() => document.querySelector('main').append(document.createElement('button'))"
    )
    assert any(fault.startswith("button-name") for fault in tab.inside.evaluate(FAULTS))


# Where the keys are, once the tab key is pressed: seen where the element, or what stands for it on
# the page, has an outline.
WALK = """() => {
  const at = document.activeElement
  if (!document.hasFocus() || !at || at === document.body) return null
  window.walked ??= new Set()
  const known = window.walked.has(at)
  window.walked.add(at)
  const seen = [at, at.nextElementSibling, at.closest('label'), at.parentElement].some(each => {
    if (!each) return false
    const {outlineStyle, outlineWidth, outlineColor} = getComputedStyle(each)
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && !/, 0\\)$/.test(outlineColor)
  })
  const box = at.getBoundingClientRect()
  const inView = box.bottom > 0 && box.top < innerHeight
  return {known, seen, inView, html: at.outerHTML.slice(0, 160)}
}"""
# As axe reads names.
NAMELESS = """() => {
  axe.setup(document.body)
  const nameOf = each => axe.commons.text.accessibleText(each).trim()
  const found = [...window.walked].filter(each => each.isConnected && !nameOf(each))
  axe.teardown()
  return found.map(each => each.outerHTML.slice(0, 160))
}"""
# What a mouse can use, but the tab key has not come to. Inside a grid, a tree or a list the arrows
# go on from one; of a group of radio buttons the tab key stops at one; the strip of layers stands
# above a tree of them.
LEFT_OUT = """() => [...document.querySelectorAll(
  'button:enabled, select:enabled, input:enabled, a[href], summary, [tabindex]')]
  .filter(each => !window.walked.has(each) && each.checkVisibility({visibilityProperty: true}))
  .filter(each => !each.closest('[role=grid], [role=tree], [role=listbox], .layer-strip'))
  .filter(each => each.type !== 'radio' || ![...window.walked].some(one => one.name === each.name))
  .map(each => each.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("view", VIEWS)
def test_the_tab_key_comes_to_everything_and_says_where_it_is(tab, address, axe, view):
    tab.open(address)
    show(tab, view)
    tab.inside.evaluate(axe)
    tab.frame.get_by_role("navigation", name="Views").get_by_role("button").first.focus()
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Shift+Tab")
    faults, stops = [], 0
    while (found := tab.inside.evaluate(WALK)) and not found["known"]:
        stops += 1
        assert stops < 300
        if not (found["seen"] and found["inView"]):
            faults.append(found)
        tab.page.keyboard.press("Tab")
    assert stops > 15
    assert faults == []
    assert tab.inside.evaluate(NAMELESS) == []
    assert tab.inside.evaluate(LEFT_OUT) == []


MOVING = """() => [...document.querySelectorAll('*')].filter(each => {
  const {transitionDuration, animationDuration, animationName} = getComputedStyle(each)
  const long = text => text.split(',').some(part => parseFloat(part) > 0.001)
  return long(transitionDuration) || (animationName !== 'none' && long(animationDuration))
}).map(each => each.outerHTML.slice(0, 120))"""


def test_nothing_moves_by_itself_where_less_motion_is_asked_for(tab, address):
    tab.page.emulate_media(reduced_motion="reduce")
    tab.open(address)
    for view in VIEWS:
        show(tab, view)
        assert tab.inside.evaluate(MOVING) == [], view
        assert tab.by("legend").get_attribute("data-state") != "playing"
    show(tab, "detail")
    step = tab.step
    tab.frame.get_by_role("radio", name="Blink").check()
    tab.frame.locator("[data-testid=blink][data-running=false]").wait_for()
    front = tab.by("blink").get_attribute("data-front")
    tab.page.wait_for_timeout(700)  # longer than half a blink
    assert tab.by("blink").get_attribute("data-front") == front
    assert tab.step == step


def test_the_page_has_a_language_a_title_one_heading_and_its_landmarks(tab, address):
    tab.open(address)
    for view in VIEWS:
        show(tab, view)
        assert tab.inside.evaluate("[document.documentElement.lang, document.title]") == [
            "en",
            "Explain",
        ]
        assert tab.frame.locator("h1").all_inner_texts() == ["Explain"]
        for landmark in ("main", "banner", "contentinfo"):
            assert tab.frame.get_by_role(landmark).count() == 1, view


HEARD = """document.addEventListener('securitypolicyviolation', event => {
  (window.violated ??= []).push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`)
})"""


def test_a_policy_stricter_than_tensorboard_s_is_kept_and_nothing_leaves_the_machine(
    own_tab, address
):
    tab, asked = own_tab, []
    page = tab.page

    def harden(route):
        reply = route.fetch()
        (loader,) = re.findall(r"<script[^>]*>(.*?)</script>", reply.text(), re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(loader.encode()).digest()).decode()
        policy = {"default-src": "", "style-src": "", "script-src": f"'sha256-{digest}'"}
        text = "; ".join(f"{name} 'self' {more}" for name, more in policy.items())
        route.fulfill(response=reply, headers={**reply.headers, "content-security-policy": text})

    page.route("**/plugin_entry.html*", harden)
    page.add_init_script(HEARD)
    page.on("request", lambda request: asked.append((request.frame, request.url)))
    tab.open(address)
    for view in VIEWS:
        show(tab, view)
    for _ in open_sheets(tab):
        pass
    inside = tab.inside
    ours = [url for frame, url in asked if frame == inside]
    assert len(ours) > 10
    assert [url for url in ours if not url.startswith((address, "data:"))] == []
    assert inside.evaluate("window.violated ?? []") == []
    # The listener does hear, and the policy does forbid.
    inside.evaluate("document.body.setAttribute('style', 'color: red')")
    inside.wait_for_function("window.violated?.length")
    assert "style-src" in inside.evaluate("window.violated[0]")
    tab.violations.clear()
