"""Several inputs of one example beside each other, words of several tokens, slices of a volume."""

import numpy as np
import pytest

import keras_explain
from tests.fixtures import kinds

from .conftest import served
from .test_pictures import bent_table, entries
from .test_tab import pixels

STEP = 2


@pytest.fixture(scope="module")
def run_of_kinds(tmp_path_factory):
    place = tmp_path_factory.mktemp("kinds")
    run = keras_explain.Run(kinds.make_kinds(place / "run"))
    kinds.make_kinds(place / "scans", ["scan"])
    with served(place) as address:
        yield run, address


def shown(run, name, probe):
    """What the tab shows of a row: summed over the channels, in float32."""
    spec = kinds.SPECS[name]
    values = run.load(spec.key, STEP)[probe]
    return values if spec.axes == ("feature",) else values.sum(axis=-1, dtype=np.float64)


def numbers(tab, name, attribute):
    return [float(text) for text in tab.data(name, attribute)]


@pytest.mark.browser
def test_all_inputs_of_an_example_stand_side_by_side_on_one_scale(run_of_kinds, tab):
    run, address = run_of_kinds
    tab.open(address, run="run", v="detail", m=kinds.SPECS["row"].key, x=1, e=STEP, r="minmax")
    tab.by("across").nth(3).wait_for()
    tab.frame.locator("[data-testid=across] canvas.map").nth(1).wait_for()
    tab.expect(lambda: tab.data("across", "data-input"), list(kinds.SPECS))
    maps = {name: shown(run, name, 1) for name in kinds.SPECS}
    sizes = np.array([np.abs(values).sum() for values in maps.values()])
    tab.expect(lambda: "NaN" in tab.data("across", "data-share"), False)
    np.testing.assert_allclose(numbers(tab, "across", "data-share"), sizes / sizes.sum(), rtol=1e-4)
    sums = [values.sum() for values in maps.values()]
    np.testing.assert_allclose(numbers(tab, "across", "data-sum"), sums, rtol=1e-3, atol=1e-4)
    # One scale: the largest number of this example on any input at any step.
    everywhere = [
        np.abs(run.load(spec.key, step)[1] if name == "row"
               else run.load(spec.key, step)[1].sum(axis=-1)).max()
        for name, spec in kinds.SPECS.items() for step in run.steps
    ]  # fmt: skip
    shared = float(tab.by("across-scale").get_attribute("data-hi"))
    assert shared == pytest.approx(max(everywhere), rel=1e-3)
    canvases = tab.frame.locator("[data-testid=across] canvas.map")
    assert {float(one.get_attribute("data-hi")) for one in canvases.all()} == {shared}
    assert "of the scale" in tab.by("across-faint").first.inner_text()
    assert tab.frame.get_by_text("slice 4 of 6, where it says most").count() == 1


@pytest.mark.browser
def test_each_input_has_its_own_numbers_on_its_own_example(run_of_kinds, tab):
    run, address = run_of_kinds
    key = kinds.SPECS["row"].key
    tab.open(address, run="run", v="detail", m=key, x=1, e=STEP, r="minmax", o="map")
    part = "[data-testid=across][data-input={}] {}".format
    drawn = tab.frame.locator(part("photo", "canvas.map[data-mode=map]"))
    drawn.wait_for()
    table = bent_table("PuOr", "even", signed=True)
    slices = shown(run, "scan", 1)
    for name, values in (("photo", shown(run, "photo", 1)), ("scan", slices[4])):
        canvas = tab.frame.locator(part(name, "canvas.map"))
        np.testing.assert_array_equal(pixels(canvas), table[entries(values, canvas)])
    bars = tab.frame.locator(part("row", ".bar-line"))
    found = {
        bar.locator(".name").inner_text(): bar.get_attribute("data-value") for bar in bars.all()
    }
    truth = dict(zip(kinds.COLUMNS, shown(run, "row", 1), strict=True))
    assert {name: float(value) for name, value in found.items()} == pytest.approx(truth, rel=1e-3)
    words = tab.frame.locator(part("text", "[data-testid=tokens]"))
    assert words.inner_text().split() == kinds.WORDS[1]
    titles = [one.get_attribute("title") for one in words.locator(".token").all()]
    numbers_of = [float(title.rpartition(": ")[2].replace("−", "-")) for title in titles]
    sums = np.add.reduceat(shown(run, "text", 1), [0, 1, 4, 6, 7])
    np.testing.assert_allclose(numbers_of, sums, rtol=5e-3, atol=1e-3)
    tab.go(run="run", v="detail", m=key, x=1, e=STEP, o="input")
    below = tab.frame.locator(part("photo", "canvas.input"))
    below.wait_for()
    truth = np.floor(255 * np.clip(run.probes.inputs["photo"][1], 0, 1) + 0.5)
    np.testing.assert_allclose(pixels(below)[..., :3], truth, atol=2)


@pytest.fixture(scope="module")
def run_of_units(tmp_path_factory):
    """A training with two inputs, watched by methods whose numbers have different units."""
    import keras

    from keras_explain.callbacks import Explain
    from keras_explain.methods import Counterfactual, Gradient, GradientTimesInput, SmoothGrad

    place = tmp_path_factory.mktemp("units")
    keras.utils.set_random_seed(1)
    age, income = (keras.Input((3,), name=name) for name in ("age", "income"))
    both = keras.layers.Concatenate()([age, income])
    model = keras.Model([age, income], keras.layers.Dense(2, activation="softmax")(both))
    model.compile("sgd", "sparse_categorical_crossentropy")
    random = np.random.default_rng(0)
    x = [random.normal(size=(4, 3)).astype("f4") for _ in "12"]
    y = np.array([0, 1, 1, 0])
    methods = [Counterfactual(steps=2), SmoothGrad(Gradient(), samples=2), GradientTimesInput()]
    callback = Explain(place / "run", (x, y), methods, strict=True, summaries=False)
    model.fit(x, y, verbose=0, callbacks=[callback])
    with served(place) as address:
        yield address


@pytest.mark.browser
@pytest.mark.parametrize(
    ("key", "unit", "adds"),
    [
        ("gradient_times_input/age", "score units", True),
        ("counterfactual/age", "input units", False),
        ("smooth_grad/gradient/age", "score units per input unit", False),
    ],
)
def test_only_parts_of_the_score_are_said_to_add_to_it(run_of_units, tab, key, unit, adds):
    tab.open(run_of_units, run="run", v="detail", m=key, x=0)
    tab.by("across").nth(1).wait_for()
    tab.by("unit").first.wait_for()
    assert tab.by("unit").first.inner_text() == unit
    across = tab.frame.locator(".across")
    compares = "sizes compare" if adds else "sizes do not compare"
    assert f"{unit}: {compares} from one to another" in across.inner_text()
    assert (across.get_by_title("what it adds to the score").count() > 0) is adds


@pytest.mark.browser
def test_each_input_can_have_its_own_scale_and_be_looked_at(run_of_kinds, tab):
    run, address = run_of_kinds
    tab.open(address, run="run", v="detail", m=kinds.SPECS["row"].key, x=1, e=STEP, r="minmax")
    tab.by("across").nth(3).wait_for()
    tab.frame.get_by_role("radio", name="Each its own").check()
    photo = tab.frame.locator("[data-testid=across][data-input=photo]")
    own = max(np.abs(run.load(kinds.SPECS["photo"].key, step)[1].sum(axis=-1)).max()
              for step in run.steps)  # fmt: skip
    high = photo.locator("canvas.map").get_attribute("data-hi")
    assert float(high) == pytest.approx(own, rel=1e-3)
    assert tab.by("across-scale").count() == 0
    photo.click()
    tab.frame.locator("[data-testid=across][data-input=photo][aria-pressed=true]").wait_for()
    tab.frame.locator(
        "[data-map=stage], canvas.map[data-key='integrated_gradients/photo']"
    ).first.wait_for()


@pytest.mark.browser
def test_a_word_has_the_sum_of_its_tokens(run_of_kinds, tab):
    run, address = run_of_kinds
    tab.open(address, run="run", v="detail", m=kinds.SPECS["text"].key, x=1, e=STEP)
    tab.by("bar-row").first.wait_for()
    tab.expect(lambda: tab.data("bar-row", "data-name"), kinds.WORDS[1])
    found = numbers(tab, "bar-row", "data-value")
    assert tab.by("tokens").last.inner_text().split() == kinds.WORDS[1]
    tab.frame.get_by_role("radio", name="Subwords").check()
    names = [kinds.PIECES[one] for one in kinds.TEXTS[1]]
    tab.expect(lambda: tab.data("bar-row", "data-name"), names)
    pieces = np.array(numbers(tab, "bar-row", "data-value"))
    np.testing.assert_allclose(pieces, shown(run, "text", 1), rtol=1e-3)  # sent in 16 bits
    sums = np.add.reduceat(pieces, [0, 1, 4, 6, 7])
    np.testing.assert_allclose(found, sums, rtol=1e-6)
    tab.go(run="run", v="evolve", m=kinds.SPECS["text"].key, e=STEP)
    first = tab.frame.locator("[data-testid=card] [data-testid=tokens][data-row='0']")
    tab.expect(lambda: first.inner_text().split(), kinds.WORDS[0])


@pytest.mark.browser
def test_a_volume_is_shown_slice_by_slice_on_itself(run_of_kinds, tab):
    run, address = run_of_kinds
    key = kinds.SPECS["scan"].key
    tab.open(address, run="run", v="layers", l=key, x=3, e=STEP, chs="mean_abs", o="input")
    tab.by("channel").nth(kinds.DEPTH - 1).wait_for()
    slices = np.abs(shown(run, "scan", 3)).mean(axis=(1, 2))
    order = [str(at) for at in np.argsort(-slices)]
    tab.expect(lambda: tab.data("channel", "data-channel"), order)
    assert tab.frame.get_by_role("alert").count() == 0
    below = tab.frame.locator("[data-channel='4'] canvas.input")
    below.wait_for()
    scan = run.probes.inputs["scan"][3, ..., 0].astype(np.float64)
    grey = np.floor(255 * (scan[4] - scan.min()) / (scan.max() - scan.min()))
    np.testing.assert_allclose(pixels(below)[..., 0], grey, atol=1)
    tab.go(run="run", v="layers", l=key, x=3, e=STEP, ch=4)
    tab.by("channel-detail").wait_for()
    tab.frame.locator("[data-testid=filmstrip] canvas.map").first.wait_for()
    assert tab.by("channel-detail").get_attribute("data-channel-shown") == "4"
    assert tab.frame.get_by_role("alert").count() == 0


@pytest.mark.browser
def test_a_run_of_volumes_alone_opens_on_its_slices(run_of_kinds, tab):
    tab.open(run_of_kinds[1], run="scans")
    tab.by("channel").nth(kinds.DEPTH - 1).wait_for()
    assert tab.frame.locator("nav .on, [aria-current=page]").first.inner_text() == "Layers"
