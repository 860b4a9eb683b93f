"""The grid of examples: its orders, filters, pins and keys are NumPy's and a person's."""

import numpy as np
import pytest

from tests.fixtures.make_run import CLASS_NAMES, PROBES

STEP, A, CAM = 3, 1, "grad_cam/conv5"
LABELS = np.arange(PROBES) % len(CLASS_NAMES)


@pytest.fixture
def opened(made_once, tab):
    """Open the grid: `opened(**state)` gives the tab."""

    def open_on(**state):
        state = {"e": STEP, "m": CAM, "cs": 110, **state}
        tab.go(made_once[1], **state).by("card").first.wait_for()
        return tab

    return open_on


def expect_order(tab, expected):
    tab.expect(lambda: [int(probe) for probe in tab.data("card", "data-probe")], list(expected))


def descending(values):
    """Largest first; ties as given."""
    return np.argsort(-np.asarray(values, np.float64), kind="stable")


def verdicts(run, step):
    chances = run.load("predictions", step)
    predicted = chances.argmax(axis=1)
    return predicted, chances[np.arange(PROBES), predicted]


def ranked(mask, confidence):
    return descending(np.where(mask, 1 + confidence, 0))


@pytest.mark.browser
def test_orders_are_numpy_s_ranking(made_once, opened):
    run = made_once[0]
    drift = run.stats(CAM)["drift"]
    at = run.steps.index(STEP)
    predicted, confidence = verdicts(run, STEP)
    earlier = {since: verdicts(run, since)[0] for since in (STEP - 1, A)}
    chances = run.load("predictions", STEP)[np.arange(PROBES), LABELS].astype(np.float64)
    wrong = predicted != LABELS
    between = np.nansum(drift[run.steps.index(A) + 1 : at + 1].astype(np.float64), axis=0)
    orders = {
        ("drift-now", None): descending(drift[at]),
        ("drift", None): descending(np.nansum(drift.astype(np.float64), axis=0)),
        ("drift-since", A): descending(between),
        ("loss", None): descending(-np.log(chances)),
        ("confidence", None): descending(confidence),
        ("wrong", None): ranked(wrong, confidence),
        ("newly", None): ranked(wrong & (earlier[STEP - 1] == LABELS), confidence),
        ("newly", A): ranked(wrong & (earlier[A] == LABELS), confidence),
        ("flipped", A): ranked(predicted != earlier[A], confidence),
    }
    assert len({tuple(order) for order in orders.values()}) > 6
    for (sort, since), order in orders.items():
        tab = opened(sort=sort, **({} if since is None else {"a": since}))
        expect_order(tab, order)
    expect_order(opened(sort="loss", sb="true"), descending(np.log(chances)))


@pytest.mark.browser
def test_filters_leave_what_numpy_leaves_and_say_why_nothing_is_left(made_once, opened):
    run = made_once[0]
    predicted, _ = verdicts(run, STEP)
    flipped = np.flatnonzero(predicted != verdicts(run, A)[0])
    wrong = np.flatnonzero(predicted != LABELS)
    assert len(flipped) not in (0, PROBES)
    assert len(wrong) not in (0, PROBES)
    tab = opened(ff="true", a=A)
    expect_order(tab, flipped)
    assert tab.by("count").inner_text() == f"{len(flipped)} of {PROBES} examples"
    # Each of them says what it was taken for.
    was = tab.by("flipped").first.inner_text()
    assert was.endswith(CLASS_NAMES[verdicts(run, A)[0][flipped[0]]])
    expect_order(opened(w="true"), wrong)
    expect_order(opened(f=3), np.flatnonzero(LABELS == 3))
    tab.frame.get_by_role("combobox", name="Class").select_option("")
    tab.page.keyboard.press("Escape")
    tab.by("find").fill("dog")
    named = [i for i in range(PROBES) if 5 in (LABELS[i], predicted[i])]
    expect_order(tab, named)
    tab.by("find").fill("#11")
    expect_order(tab, [11])
    tab.by("find").fill("unicorn")
    text = tab.by("empty").inner_text()
    assert "found by “unicorn”" in text
    tab.by("empty").get_by_role("button").click()
    expect_order(tab, range(PROBES))


@pytest.mark.browser
def test_disagreement_is_offered_only_where_it_was_recorded(tab, address):
    tab.open(address)
    tab.by("card").first.wait_for()
    option = tab.frame.locator("option[value=disagreement]")
    assert option.is_disabled()
    assert "Agreement()" in option.get_attribute("title")


@pytest.mark.browser
def test_disagreement_orders_by_what_was_recorded(made_once, opened):
    run = made_once[0]
    (key,) = (key for key in run.keys if run.specs[key].method == "agreement")
    pairs = [str(pair).split(" ~ ") for pair in run.specs[key].labels["metric"]]
    own = [at for at, pair in enumerate(pairs) if CAM in pair] or list(range(len(pairs)))
    likeness = run.load(key, STEP).reshape(PROBES, -1)[:, own].astype(np.float64)
    expect_order(opened(sort="disagreement"), descending(1 - likeness.mean(axis=1)))


@pytest.mark.browser
def test_arrows_go_from_card_to_card_and_steps_only_outside_the_grid(opened):
    tab = opened(x=0)
    grid = tab.frame.get_by_role("grid")
    columns = int(grid.get_attribute("aria-colcount"))
    tab.frame.locator("[data-cell='0'] button").first.focus()

    def focused():
        script = "grid => grid.ownerDocument.activeElement.closest('[data-cell]')?.dataset.cell"
        return grid.evaluate(script)

    for key, cell in [
        ("ArrowRight", 1),
        ("ArrowDown", 1 + columns),
        ("ArrowLeft", columns),
        ("End", PROBES - 1),
        ("Home", 0),
    ]:
        tab.page.keyboard.press(key)
        tab.frame.locator(f"[data-probe='{cell}'].selected").wait_for()
        tab.page.wait_for_timeout(100)
        assert focused() == str(cell)
    assert tab.step == STEP
    # One stop for the tab key in the whole grid.
    assert grid.locator("button[tabindex='0']").count() == 1
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("p")
    expect_order(tab, [1, 0, *range(2, PROBES)])
    tab.page.wait_for_function("() => location.hash.includes('keras_explain.p=1')")
    tab.page.keyboard.press("Enter")
    tab.frame.get_by_role("heading", name="Example 1", exact=True).wait_for()
    tab.page.keyboard.press("Escape")
    expect_order(tab, [1, 0, *range(2, PROBES)])
    tab.page.keyboard.press("ArrowLeft")
    assert tab.step == STEP - 1


@pytest.mark.browser
def test_a_map_that_is_scaled_by_itself_says_so(opened):
    tab = opened(s="map")
    tab.by("self-scaled").first.wait_for()
    assert tab.by("self-scaled").count() == tab.by("card").count()


@pytest.mark.browser
def test_a_missing_map_is_hatched_with_its_cause(opened):
    tab = opened(e=1)
    tab.by("missing").first.wait_for()
    assert tab.by("missing").count() == tab.by("card").count()
    assert "not recorded" in tab.by("missing").first.inner_text()
