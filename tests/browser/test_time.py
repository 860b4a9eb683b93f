"""The time bar: steps where they belong, gaps, flags, loops, news, and ten thousand steps."""

import itertools
import re

import numpy as np
import pytest

from keras_explain.store import (
    RECORDS,
    EventFile,
    ProbeSet,
    RecordSpec,
    StepInfo,
    Writer,
    announcement,
)

MAP = RecordSpec("grad_cam/conv", "grad_cam", ("height", "width"), False, layer="conv")


class SmallRun:
    """A run of tiny maps, to which steps are added while it is looked at."""

    def __init__(self, log_dir):
        probes = ProbeSet(
            inputs={"image": np.zeros((2, 4, 4, 1), np.float32)},
            axes={"image": ("height", "width", "channel")},
            kinds={"image": "image"},
        )
        self._writer = Writer(log_dir / "explain" / RECORDS, probes, start=0)
        self._events = EventFile(log_dir / "explain")

    def add(self, *steps):
        for step in steps:
            maps = np.random.default_rng(step).uniform(0, 1, (2, 4, 4)).astype(np.float32)
            info = StepInfo(
                step=step,
                epoch=step,
                wall_time=1_700_000_000.0 + 10 * step,
                targets=[0, 0],
                logs={"val_loss": 1 / (1 + step)},
            )
            self._writer.write(info, [(MAP, maps)])
            self._events.add(step, info.wall_time, [announcement([MAP.key])])


@pytest.fixture
def run(tmp_path):
    return SmallRun(tmp_path / "run")


def reload(tab):
    tab.page.locator("app-header-reload button").click()


def place(tab):
    return float(tab.by("thumb").get_attribute("data-place"))


def at(tab, share, y=20):
    """A point of the page on the bar."""
    box = tab.by("track").bounding_box()
    return box["x"] + share * box["width"], box["y"] + y


def wait_for_step(tab, step):
    tab.by("where").filter(has_text=f"step {step}").wait_for()


@pytest.mark.browser
def test_steps_stand_where_they_belong_and_gaps_are_hatched(made, run, tab):
    steps = [0, 1, 2, 3, 7, 8, 10]
    run.add(*steps)
    tab.open(made(steps=0), e=3)
    tab.by("thumb").wait_for()
    assert place(tab) == pytest.approx(0.3)
    gaps = tab.by("time-gap")
    assert [gap.get_attribute("title") for gap in gaps.all()] == [
        "steps 4 to 6 were not logged",
        "step 9 was not logged",
    ]
    line = tab.by("drift-line").get_attribute("d")
    assert len(re.findall("M", line)) == 3  # no line crosses a gap
    slider = tab.by("time")
    assert slider.get_attribute("aria-valuetext") == "epoch 3 of 10, val loss 0.250"
    # A drag snaps to what was logged.
    tab.page.mouse.move(*at(tab, 0.3))
    tab.page.mouse.down()
    tab.page.mouse.move(*at(tab, 0.58), steps=4)
    tab.page.mouse.up()
    wait_for_step(tab, 7)
    tab.page.keyboard.press("ArrowRight")
    wait_for_step(tab, 8)
    # A step that was not logged: the nearest, and a word about it.
    tab.page.keyboard.press("Home")
    wait_for_step(tab, 0)
    tab.frame.get_by_role("main").click(position={"x": 2, "y": 2})
    tab.page.keyboard.press("g")
    tab.by("go-to").fill("6")
    tab.by("go-to").press("Enter")
    wait_for_step(tab, 7)
    assert "step 6 was not logged" in tab.by("where").inner_text()


@pytest.mark.browser
def test_flags_are_dragged_and_moved_by_keys(made, run, tab):
    run.add(*range(11))
    tab.open(made(steps=0), e=5, a=2, b=8)
    flag = tab.frame.locator("[data-testid=flag][data-flag=A]")
    flag.wait_for()
    box = flag.bounding_box()
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.page.mouse.down()
    tab.page.mouse.move(*at(tab, 0.42, y=5), steps=5)
    tab.page.mouse.up()
    tab.frame.locator("[data-testid=flag][data-flag=A][data-step='4']").wait_for()
    assert tab.step == 5  # a drag does not seek
    other = tab.frame.locator("[data-testid=flag][data-flag=B]")
    other.focus()
    for key, step in [("ArrowRight", 9), ("End", 10), ("ArrowLeft", 9)]:
        tab.page.keyboard.press(key)
        tab.frame.locator(f"[data-testid=flag][data-flag=B][data-step='{step}']").wait_for()
    assert other.get_attribute("aria-valuetext") == "step 9"
    tab.page.keyboard.press("Enter")
    wait_for_step(tab, 9)
    tab.page.keyboard.press("Delete")
    other.wait_for(state="detached")


@pytest.mark.browser
def test_playing_loops_between_the_flags(made, run, tab):
    run.add(*range(11))
    tab.open(made(steps=0), e=0, a=4, b=6)
    tab.by("loop").click()
    tab.page.wait_for_function("() => location.hash.includes('keras_explain.lp=true')")
    tab.frame.get_by_role("combobox", name="Speed").select_option("16")
    tab.frame.get_by_role("button", name="Play").click()
    wait_for_step(tab, 4)
    seen = [tab.step]

    def went_round():
        seen.append(tab.step)
        return set(seen) == {4, 5, 6} and any(b < a for a, b in itertools.pairwise(seen))

    tab.expect(went_round, True)
    assert set(seen) == {4, 5, 6}
    # Nothing is said while it plays.
    assert "epoch 0" in tab.by("announcer").inner_text() or not tab.by("announcer").inner_text()


@pytest.mark.browser
def test_new_steps_move_only_who_follows(made, run, tab):
    run.add(0, 1, 2, 3)
    tab.open(made(steps=0), e=1)
    tab.by("card").first.wait_for()
    run.add(4, 5)
    reload(tab)
    tab.by("news").wait_for()
    assert tab.by("news").inner_text().startswith("+2 new")
    assert tab.step == 1
    assert place(tab) == pytest.approx(1 / 5)
    tab.frame.get_by_role("main").click(position={"x": 2, "y": 2})  # the frame has the keys
    tab.page.keyboard.press("f")
    wait_for_step(tab, 5)
    assert tab.by("news").count() == 0
    run.add(6)
    reload(tab)
    wait_for_step(tab, 6)
    assert tab.by("legend").get_attribute("data-state") == "following"


@pytest.mark.browser
def test_ten_thousand_steps_are_a_few_nodes(made, run, tab):
    run.add(*range(10_000))
    tab.open(made(steps=0), e=5000)
    tab.by("drift-line").wait_for()
    track = tab.by("track")
    tab.frame.locator("[data-testid=drift-line][d^=M]").wait_for()
    assert track.evaluate("track => track.querySelectorAll('*').length") < 200
    assert track.evaluate(
        "t => [...t.querySelectorAll('path')].every(p => p.getAttribute('d').length < 60000)"
    )
    assert place(tab) == pytest.approx(5000 / 9999)
    tab.page.mouse.click(*at(tab, 0.75))
    found = tab.step
    assert abs(found - 7499) < 12  # a pixel is some steps
    tab.page.keyboard.press("ArrowRight")
    wait_for_step(tab, found + 1)


@pytest.mark.browser
def test_the_axis_is_epochs_steps_or_time(made_once, tab):
    tab.open(made_once[1], e=1)
    for axis, text in (("step", "init"), ("time", "0 min"), ("epoch", "init")):
        tab.frame.get_by_role("combobox", name="Axis").select_option(axis)
        tab.by("track").get_by_text(text, exact=True).wait_for()
        assert place(tab) == pytest.approx(2 / 7)


HEARD = """() => {
  window.heard = [];
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (when) {
    window.heard.push(this.frequency.value);
    return start.call(this, when);
  };
}"""


@pytest.mark.browser
def test_steps_sound_by_their_drift_where_it_is_asked_for(made_once, tab):
    run = made_once[0]
    tab.open(made_once[1], m="saliency", e=2)
    tab.by("card").first.wait_for()
    tab.inside.evaluate(HEARD)
    tab.frame.locator("body").press("ArrowRight")
    tab.page.keyboard.press("ArrowLeft")
    assert tab.inside.evaluate("heard") == []
    tab.page.keyboard.press("?")
    tab.by("sound").check()
    tab.page.keyboard.press("Escape")
    for count in (1, 2, 3):
        tab.page.keyboard.press("ArrowRight")
        tab.inside.wait_for_function(f"heard.length === {count}")
    drift = np.nanmedian(run.stats("saliency")["drift"], axis=1)
    first = run.steps.index(3)
    expected = 220 * 4 ** (drift[first : first + 3] / max(0.02, np.nanmax(drift)))
    np.testing.assert_allclose(tab.inside.evaluate("heard"), expected, rtol=1e-3)
    tab.page.keyboard.press("?")
    tab.by("sound").uncheck()
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("ArrowRight")
    tab.page.wait_for_timeout(150)
    assert len(tab.inside.evaluate("heard")) == 3
