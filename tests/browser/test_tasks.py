"""What people see of each task of an output is what NumPy makes of `model.predict`.

Eight kinds of trainings; every expectation is computed here, from the predictions and the labels
alone. An answer that hangs on the last bits of a float is not judged.
"""

import re

import numpy as np
import pytest

import keras_explain

from . import trained
from .conftest import served
from .test_tab import pixels

pytestmark = pytest.mark.browser

LAST, FIRST = trained.EPOCHS - 1, 0
JUDGED = ["softmax", "logits", "one_logit", "detector_kind"]
MARGIN = 1e-3
MOST_LISTED = 16  # numbers that are told one by one
PALETTE = [(0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167)]


@pytest.fixture(scope="session")
def trainings(tmp_path_factory):
    """All trainings by name, and the address that serves them."""
    place = tmp_path_factory.mktemp("trainings")
    runs = {name: trained.train(name, place / name) for name in trained.TRAININGS}
    with served(place) as address:
        yield runs, address


@pytest.fixture
def shown(trainings, tab):
    """Open a training's run: `shown(name, **state)` gives the tab."""

    def open_on(name, **state):
        at = {"run": f"{name}/explain", "m": "saliency", "e": LAST, "cs": 110, **state}
        return tab.open(trainings[1], **at)

    return open_on


READ = """cards => cards.map(card => {
  const of = name => [...card.querySelectorAll(name)];
  return {
    probe: Number(card.dataset.probe),
    verdicts: of('[data-testid=verdict]').map(verdict => ({
      text: verdict.innerText.replace(/\\s+/g, ' ').trim(),
      right: verdict.classList.contains('right'),
      wrong: verdict.classList.contains('wrong'),
      labels: [...verdict.querySelectorAll('[data-label]')].map(one => (
        [one.dataset.label, one.dataset.said === 'true', one.dataset.right === 'true'])),
      numbers: [...verdict.querySelectorAll('[data-figure]')].map(one => (
        [Number(one.dataset.figure), Number(one.dataset.truth)])),
    })),
  };
})"""


def cards(tab, name="card"):
    """What the cards say, in the order in which they are listed."""
    tab.by(name).first.locator("[data-testid=verdict]").first.wait_for()
    return tab.by(name).evaluate_all(READ)


def number(text):
    return float(text.replace("\N{MINUS SIGN}", "-").replace("+", ""))


def chances(name, outputs):
    """Probabilities of classes or labels, as the loss takes the outputs."""
    outputs = outputs.astype(np.float64)
    if name == "one_logit":
        one = 1 / (1 + np.exp(-outputs))
        return np.concatenate([1 - one, one], axis=-1)
    if name in ("logits", "segmentation"):
        powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)
    return outputs


def sure(values):
    """Where the largest is the largest by more than the last bits."""
    ordered = np.sort(values, axis=-1)
    return ordered[..., -1] - ordered[..., -2] > MARGIN


def expect_class(verdict, run, name, step, probe):
    of_classes = chances(name, run.outputs[step])[probe]
    if not sure(of_classes):
        return
    names, truth, predicted = run.training.names, int(run.truth[probe]), int(of_classes.argmax())
    is_right = predicted == truth
    assert (verdict["right"], verdict["wrong"]) == (is_right, not is_right)
    said = (
        names[predicted] if is_right else f"{names[truth]} \N{RIGHTWARDS ARROW} {names[predicted]}"
    )
    assert said in verdict["text"]
    percent = re.search(r"(<?)(\d+) %$", verdict["text"])
    assert abs(int(percent[2]) - 100 * of_classes[predicted]) <= 0.51


def expect_labels(verdict, run, step, probe, every):
    chance, truth = run.outputs[step][probe], run.truth[probe] > 0
    said = chance > 0.5
    if (np.abs(chance - 0.5) < MARGIN).any():
        return
    listed = [
        [label, bool(said[at]), bool(said[at] == truth[at])]
        for at, label in enumerate(run.training.names)
        if every or said[at] or truth[at]
    ]
    assert verdict["labels"] == listed


def expect_numbers(verdict, run, step, probe, brief):
    values, truth = (of.reshape(trained.PROBES, -1)[probe] for of in (run.outputs[step], run.truth))
    error = np.abs(values.astype(np.float64) - truth).mean()
    if len(values) > MOST_LISTED or (brief and len(values) > 1):
        found = re.fullmatch(r"mean \|error\| (\S+)", verdict["text"])
        assert number(found[1]) == pytest.approx(error, rel=0.01)
        return
    np.testing.assert_allclose(verdict["numbers"], np.stack([values, truth], 1), rtol=1e-4)
    assert "%" not in verdict["text"]
    told = re.findall(r"(\S+) \(true (\S+), error (\S+)\)", verdict["text"])
    for said, value, true in zip(told, values, truth, strict=True):
        for text, expected in zip(said, (value, true, value - true), strict=True):
            assert number(text) == pytest.approx(expected, rel=0.01, abs=1e-3)


def overlaps(run, step):
    """Share right `(probes,)`, and intersection over union `(probes, classes)`, of masks."""
    predicted, truth = run.outputs[step].argmax(axis=-1), run.truth
    count = len(run.training.names)
    found = np.full((trained.PROBES, count), np.nan)
    for at in range(count):
        one, other = predicted == at, truth == at
        either = (one | other).sum(axis=(1, 2))
        both = (one & other).sum(axis=(1, 2))
        found[:, at] = np.where(either > 0, both / np.maximum(either, 1), np.nan)
    return (predicted == truth).mean(axis=(1, 2)), found


def expect_places(verdict, run, step, probe):
    right, overlap = overlaps(run, step)
    found = re.fullmatch(r"(\d+) % right · IoU (\S+)", verdict["text"])
    assert abs(int(found[1]) - 100 * right[probe]) <= 1
    assert number(found[2]) == pytest.approx(np.nanmean(overlap[probe]), abs=0.02)


def expect_verdict(verdict, run, name, step, probe, brief=True):
    """What is said of an example is what NumPy says of it."""
    if name in JUDGED:
        expect_class(verdict, run, name, step, probe)
    elif name == "multi_label":
        expect_labels(verdict, run, step, probe, not brief)
    elif name == "segmentation":
        expect_places(verdict, run, step, probe)
    else:
        expect_numbers(verdict, run, step, probe, brief)


def answers(run, name, step):
    """The classes or labels said, `(probes, answers)`, and which probes' are sure."""
    if name == "multi_label":
        outputs = run.outputs[step]
        return outputs > 0.5, (np.abs(outputs - 0.5) > MARGIN).all(axis=1)
    of_classes = chances(name, run.outputs[step])
    return of_classes.argmax(axis=1)[:, None], sure(of_classes)


EVERY = list(trained.TRAININGS)


@pytest.mark.parametrize("name", EVERY)
def test_what_is_kept_is_what_predict_says(trainings, name):
    run = trainings[0][name]
    kept = keras_explain.Run(run.folder)
    for step, outputs in enumerate(run.outputs):
        np.testing.assert_allclose(kept.predictions(step), outputs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", EVERY)
def test_every_card_says_what_predict_says(trainings, shown, name):
    run = trainings[0][name]
    for step in (FIRST, LAST):
        found = cards(shown(name, e=step))
        assert [card["probe"] for card in found] == list(range(trained.PROBES))
        for card in found:
            expect_verdict(card["verdicts"][0], run, name, step, card["probe"])


@pytest.mark.parametrize("name", EVERY)
def test_an_example_s_page_says_it_in_full(trainings, shown, name):
    run = trainings[0][name]
    for probe in (1, 4):
        tab = shown(name, v="detail", x=probe)
        detail = tab.frame.get_by_role("region", name=f"Example {probe}", exact=True)
        detail.locator("[data-testid=verdict]").first.wait_for()
        (card,) = detail.evaluate_all(READ)
        expect_verdict(card["verdicts"][0], run, name, LAST, probe, brief=False)
    chart = {
        "multi_label": "share right", "segmentation": "share right", "regression": "value (true",
        "detector_box": "mean |error|", "autoencoder": "mean |error|",
    }.get(name, "P(")  # fmt: skip
    assert chart in tab.frame.locator(".over-time").inner_text()


@pytest.mark.parametrize("name", EVERY)
def test_both_sides_of_a_pair_say_it(trainings, shown, name):
    run = trainings[0][name]
    tab = shown(name, v="compare", a=FIRST)
    found = cards(tab, "pair-card")
    for card in found:
        for verdict, step in zip(card["verdicts"], (FIRST, LAST), strict=True):
            expect_verdict(verdict, run, name, step, card["probe"])
    flips = tab.frame.get_by_label("flipped only")
    if name not in [*JUDGED, "multi_label"]:
        assert flips.count() == 0
        assert "flipped" not in tab.frame.get_by_role("main").inner_text()
        return
    (one, is_sure), (other, too) = (answers(run, name, step) for step in (FIRST, LAST))
    flipped = (one != other).any(axis=1)
    told = dict(
        zip(
            [card["probe"] for card in found],
            [text == "true" for text in tab.data("pair-card", "data-flipped")],
            strict=True,
        )
    )
    for probe in np.flatnonzero(is_sure & too):
        assert told[int(probe)] == flipped[probe]
    flips.check()
    tab.expect(lambda: tab.by("pair-card").count(), sum(told.values()))


@pytest.mark.parametrize("name", [*JUDGED, "multi_label"])
def test_filters_keep_what_is_wrong(trainings, shown, name):
    run = trainings[0][name]
    said, is_sure = answers(run, name, LAST)
    wrong = (said != run.truth.reshape(trained.PROBES, -1)).any(axis=1)
    every = "misclassified" if name in JUDGED else "a label wrong"
    tab = shown(name)
    cards(tab)
    tab.frame.get_by_label(every).check()
    tab.page.wait_for_function("() => location.hash.includes('keras_explain.w=true')")
    listed = {int(probe) for probe in tab.data("card", "data-probe")}
    assert {p for p in listed if is_sure[p]} == set(np.flatnonzero(wrong & is_sure))


@pytest.mark.parametrize("name", ["regression", "detector_box", "autoencoder", "segmentation"])
def test_what_is_no_class_has_no_filters_of_classes(shown, name):
    tab = shown(name, w="true", ff="true", f=1 if name != "segmentation" else None)
    assert len(cards(tab)) == trained.PROBES
    for label in ("misclassified", "a label wrong", "flipped"):
        assert tab.frame.get_by_label(label).count() == 0
    options = tab.frame.get_by_role("combobox", name="Sort").locator("option").all_inner_texts()
    assert not {"wrong", "newly wrong", "confidence"} & set(options)
    assert ("|error|" in options) == (name != "segmentation")


def losses(run, name):
    """The loss of each example, as far as an order of them goes."""
    if name in ("regression", "detector_box", "autoencoder"):
        error = np.abs(
            run.outputs[LAST].astype(np.float64) - run.truth.reshape(run.outputs[LAST].shape)
        )
        return error.reshape(trained.PROBES, -1).mean(axis=1)
    if name == "multi_label":
        chance = run.outputs[LAST].astype(np.float64)
        return -np.log(np.where(run.truth > 0, chance, 1 - chance)).mean(axis=1)
    of_true = np.take_along_axis(
        chances(name, run.outputs[LAST]), run.truth.astype(int)[..., None], axis=-1
    )
    return -np.log(of_true).reshape(trained.PROBES, -1).mean(axis=1)


@pytest.mark.parametrize("name", EVERY)
def test_the_worst_come_first(trainings, shown, name):
    run = trainings[0][name]
    of_numbers = name in ("regression", "detector_box", "autoencoder")
    found = cards(shown(name, sort="error" if of_numbers else "loss"))
    ordered = losses(run, name)[[card["probe"] for card in found]]
    assert len(ordered) == trained.PROBES
    assert (np.diff(ordered) <= 1e-4 * np.abs(ordered[1:]) + 1e-6).all()


@pytest.mark.parametrize("name", JUDGED)
def test_health_counts_the_examples_that_are_right(trainings, shown, name):
    run = trainings[0][name]
    said, is_sure = answers(run, name, LAST)
    right = said[:, 0] == run.truth
    alert = keras_explain.Run(run.folder).alerts(region_mass=1)
    wrong_reason = [one for one in alert if one.rule == "wrong_reason" and one.until is None]
    assert bool(wrong_reason) == bool(right.any())
    tab = shown(name, v="health", h="region_mass:1")
    row = tab.frame.locator('[data-testid=alert][data-rule="wrong_reason"]').first
    row.wait_for()
    text = row.inner_text()
    (count,) = re.findall(r"Half of the (\d+) examples that are right", text)
    at = next(one.worst for one in alert if one.sentence in text)
    # Before the first step there is nothing of the test's own to compare with.
    outputs = keras_explain.Run(run.folder).predictions(at) if at < 0 else run.outputs[at]
    of_classes = chances(name, outputs.reshape(run.outputs[LAST].shape))
    is_sure = sure(of_classes)
    right = (of_classes.argmax(axis=1) == run.truth)[is_sure].sum()
    assert right <= int(count) <= right + (~is_sure).sum()


def test_find_acts_on_pairs_too(trainings, shown):
    run = trainings[0]["logits"]
    tab = shown("logits", v="compare", a=FIRST)
    cards(tab, "pair-card")
    tab.by("find").fill("cross")
    (one, is_sure), (other, too) = (answers(run, "logits", step) for step in (FIRST, LAST))
    at = trained.KINDS.index("cross")
    named = (run.truth == at) | (one[:, 0] == at) | (other[:, 0] == at)
    tab.page.wait_for_function("() => location.hash.includes('keras_explain.q=cross')")
    listed = {int(probe) for probe in tab.data("pair-card", "data-probe")}
    known = is_sure & too
    assert {p for p in listed if known[p]} == set(np.flatnonzero(named & known))


def test_the_predicted_mask_is_drawn_beside_the_true_one(trainings, shown):
    run = trainings[0]["segmentation"]
    tab = shown("segmentation", v="detail", x=2)
    pictures = tab.by("answer-picture")
    pictures.nth(2).wait_for()
    predicted = run.outputs[LAST][2].argmax(axis=-1)
    palette = np.array(PALETTE)
    for name, classes in (("predicted", predicted), ("true", run.truth[2])):
        drawn = pixels(tab.frame.locator(f"[data-testid=answer-picture][data-name={name}]"))
        near = sure(chances("segmentation", run.outputs[LAST][2])) | (name == "true")
        np.testing.assert_array_equal(drawn[near][:, :3], palette[classes][near])
    _, overlap = overlaps(run, LAST)
    legend = tab.by("answer-class")
    for at, label in enumerate(run.training.names):
        row = legend.nth(at)
        assert row.inner_text().startswith(label)
        if np.isfinite(overlap[2, at]):
            found = float(row.get_attribute("data-overlap"))
            assert found == pytest.approx(overlap[2, at], abs=0.01)
        share = float(row.get_attribute("data-share"))
        assert share == pytest.approx((run.truth[2] == at).mean(), abs=1e-5)
    legend.nth(0).get_by_role("button").click()
    tab.expect(lambda: legend.nth(0).get_by_role("button").get_attribute("aria-pressed"), "true")
    alone = pixels(tab.frame.locator("[data-testid=answer-picture][data-name=true]"))
    np.testing.assert_array_equal(alone[..., 3] > 0, run.truth[2] == 0)


def test_the_picture_that_an_autoencoder_makes_is_drawn(trainings, shown):
    run = trainings[0]["autoencoder"]
    tab = shown("autoencoder", v="detail", x=3)
    pictures = tab.by("answer-picture")
    pictures.nth(1).wait_for()
    output, truth = run.outputs[LAST][3, ..., 0], run.truth[3, ..., 0]
    lo, hi = min(output.min(), truth.min()), max(output.max(), truth.max())
    for name, values in (("output", output), ("true", truth)):
        drawn = pixels(tab.frame.locator(f"[data-testid=answer-picture][data-name={name}]"))
        expected = 255 * (values - lo) / (hi - lo)
        assert np.abs(drawn[..., 0].astype(float) - expected).max() <= 1


@pytest.mark.parametrize(
    ("name", "words"),
    [("logits", "logit"), ("regression", "value"), ("detector_box", "value of box"),
     ("detector_kind", "logit of kind")],
)  # fmt: skip
def test_the_status_line_says_what_is_explained(shown, name, words):
    tab = shown(name)
    cards(tab)
    assert f"explains the {words}" in tab.by("status").inner_text()
