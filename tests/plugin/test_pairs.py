"""Comparing two sides over all examples, against NumPy and `keras_explain.Run`."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import keras_explain
from keras_explain.store import RecordSpec
from keras_explain.store.similarity import diff
from keras_explain.store.statistics import as_shown
from keras_explain.tensorboard_plugin import pairs as pairs_module
from keras_explain.tensorboard_plugin.grids import area_mean, common_grid
from keras_explain.tensorboard_plugin.queries import BadRequest
from tests.fixtures.make_run import make_run
from tests.fixtures.unbundle import unbundle

from .conftest import Provider, ask, client_of

RUNS = ("one/explain", "two/explain", "else/explain")
ONE, TWO, ELSE = RUNS
CAM = "grad_cam/conv5"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("pairs")
    make_run(place / "one", steps=4)
    make_run(place / "two", steps=4, seed=3)
    make_run(place / "else", steps=2, scenes=5)
    return place


@pytest.fixture(scope="module")
def both(place):
    return client_of(Provider(*RUNS), place)


@pytest.fixture(scope="module")
def one(place):
    return keras_explain.Run(place / "one")


@pytest.fixture(scope="module")
def two(place):
    return keras_explain.Run(place / "two")


def pair(client, **query):
    reply = ask(client, "pair", **{"run": ONE, "key": CAM, "steps": "2", **query})
    assert reply.status_code == 200, reply.text
    return unbundle(reply.data)


def refusal(client, **query):
    reply = ask(client, "pair", **{"run": ONE, "key": CAM, "steps": "2", **query})
    assert reply.status_code == 400
    return reply.text


def shown(run, key, step):
    return as_shown(run.load(key, step), run.specs[key].axes, run.specs[key].shown)


def assert_figures(found, expected, at=0):
    for name in ("cosine", "spearman", "top10"):
        np.testing.assert_array_equal(found[name][at], getattr(expected, name).astype("f4"))


@pytest.mark.parametrize("key", [CAM, "saliency", "gradient_times_input", "activations/conv2"])
def test_two_steps_have_the_figures_of_run_diff(both, one, key):
    found, header = pair(both, key=key, steps="0", stepsb="2")
    assert header["of"] == "stored"
    assert (header["steps"], header["stepsb"], header["rows"]) == ([0], [2], list(range(16)))
    assert_figures(found, one.diff(key, 0, 2))


def test_two_runs_are_compared_example_by_example(both, one, two):
    found, _ = pair(both, runb=TWO, steps="0,2", stepsb="0,-1")
    assert_figures(found, diff(one.load(CAM, 0), two.load(CAM, 0)), at=0)
    assert_figures(found, diff(one.load(CAM, 2), two.load(CAM, -1)), at=1)
    assert (found["cosine"][0] > 0.01).any()


def test_a_side_against_itself_does_not_differ(both):
    found, _ = pair(both, steps="2")
    assert np.allclose(found["cosine"], 0, atol=1e-6)
    assert np.allclose(found["spearman"], 0, atol=1e-6)
    assert (found["top10"] == 1).all()
    assert (found["flipped"] == 0).all()


def test_the_size_of_each_side_is_its_99th_percentile_as_shown(both, one, two):
    key = "gradient_times_input"
    found, _ = pair(both, key=key, runb=TWO, steps="0")
    for name, run in (("p99_a", one), ("p99_b", two)):
        maps = np.abs(shown(run, key, 0)).reshape(16, -1)
        expected = np.percentile(maps.astype("f8"), 99, axis=1)
        np.testing.assert_allclose(found[name][0], expected, rtol=1e-6)


def test_flipped_are_those_that_are_taken_for_another_class(both, one, two):
    found, _ = pair(both, runb=TWO, steps="-1,2")
    for at, step in enumerate((-1, 2)):
        said = [run.predictions(step).argmax(axis=1) for run in (one, two)]
        np.testing.assert_array_equal(found["flipped"][at], said[0] != said[1])
    assert found["flipped"].any()


def test_a_method_on_a_finer_grid_is_averaged(both, one):
    found, header = pair(both, key=CAM, keyb="saliency")
    assert (header["of"], header["finer"], header["factors"]) == ("shown", "b", [4, 4])
    fine = shown(one, "saliency", 2).astype("f8")
    coarse = sum(fine[:, y::4, x::4] for y in range(4) for x in range(4)) / 16
    expected = diff(one.load(CAM, 2), coarse.astype("f4"))
    for name in ("cosine", "spearman", "top10"):
        np.testing.assert_allclose(found[name][0], getattr(expected, name), atol=2e-3)
    back, swapped = pair(both, key="saliency", keyb=CAM)
    assert swapped["finer"] == "a"
    np.testing.assert_allclose(back["cosine"], found["cosine"], atol=1e-6)


def test_methods_of_one_grid_are_compared_as_they_are_shown(both, one):
    found, header = pair(both, key="saliency", keyb="gradient_times_input", steps="0")
    assert (header["of"], header["finer"]) == ("shown", None)
    maps = [shown(one, key, 0) for key in ("saliency", "gradient_times_input")]
    assert_figures(found, diff(*maps))


def test_what_has_no_common_grid_is_refused_in_words(both):
    assert "no common grid" in refusal(both, keyb="gradient_flow")
    signal = refusal(both, key="integrated_gradients/embedding", keyb="integrated_gradients/signal")
    assert "lies on the input" in signal
    other_layer = refusal(both, key="activations/conv1", keyb="activations/conv3")
    assert "other channels" in other_layer


def stored(*shape, axes=("height", "width")):
    spec = RecordSpec("map", "method", axes, signed=False)
    return SimpleNamespace(spec=spec, row_shape=shape)


@pytest.mark.parametrize(
    ("a", "b", "meant"),
    [((12, 12), (4, 6), ("a", (3, 2))), ((4, 6), (12, 12), ("b", (3, 2)))],
)
def test_a_grid_is_shared_where_every_ratio_is_whole(a, b, meant):
    grid = common_grid(stored(*a), stored(*b))
    assert (grid.finer, grid.factors) == meant


@pytest.mark.parametrize(("a", "b"), [((10, 10), (4, 4)), ((8, 2), (4, 4)), ((3, 9), (9, 3))])
def test_a_ratio_that_is_not_whole_is_refused(a, b):
    with pytest.raises(BadRequest, match=f"{a[0]}×{a[1]} values a map and B {b[0]}×{b[1]}"):
        common_grid(stored(*a), stored(*b))


def test_features_are_not_averaged():
    with pytest.raises(BadRequest, match="no whole multiple"):
        common_grid(stored(8, axes=("feature",)), stored(4, axes=("feature",)))


def test_the_mean_of_blocks_is_numpy_s():
    values = np.random.default_rng(0).normal(size=(3, 6, 8)).astype("f4")
    expected = [[[values[r, 3 * y : 3 * y + 3, 2 * x : 2 * x + 2].astype("f8").mean()
                  for x in range(4)] for y in range(2)] for r in range(3)]  # fmt: skip
    np.testing.assert_allclose(area_mean(values, (3, 2)), expected, rtol=1e-6)


def test_rows_and_figures_can_be_chosen(both, one):
    found, header = pair(both, rows="5,1", figures="spearman", steps="0", stepsb="2")
    assert header["rows"] == [5, 1]
    assert "cosine" not in found
    expected = one.diff(CAM, 0, 2).spearman[[5, 1]]
    np.testing.assert_array_equal(found["spearman"][0], expected.astype("f4"))


def test_a_step_without_the_record_is_missing_and_a_row_that_is_not_finite_is_said(both):
    found, _ = pair(both, steps="1,77", stepsb="2,2")
    assert (found["status_a"] == 1).all()
    assert (found["status_b"] == 0).all()
    assert np.isnan(found["cosine"]).all()
    assert (found["flipped"][0] >= 0).all()
    assert (found["flipped"][1] == -1).all()
    found, _ = pair(both, key="saliency", steps="1", stepsb="2")
    assert found["status_a"][0].tolist() == [0, 0, 0, 3] + [0] * 12
    assert np.flatnonzero(np.isnan(found["cosine"][0])).tolist() == [3]
    assert np.isfinite(found["p99_a"]).all()


def test_a_damaged_row_costs_only_itself(place, tmp_path):
    shutil.copytree(place / "one", tmp_path / "one")
    client = client_of(Provider(ONE), tmp_path)
    step = keras_explain.Run(tmp_path / "one")._index.steps[-1]
    tensor = step.layout[CAM].values
    content = bytearray(step.path.read_bytes())
    content[step.start + tensor.begin + 2 * tensor.row_bytes] ^= 1
    step.path.write_bytes(content)
    found, _ = pair(client, steps="0", stepsb="2")
    assert found["status_b"][0].tolist() == [0, 0, 2] + [0] * 13
    assert np.flatnonzero(np.isnan(found["spearman"][0])).tolist() == [2]


def test_other_examples_are_refused_and_the_reason_is_given(both, place):
    hashes = [keras_explain.Run(place / name).probes.hash[:8] for name in ("one", "else")]
    text = refusal(both, runb=ELSE, steps="0")
    assert "different examples" in text
    assert all(hash in text for hash in hashes)
    listed = {run["run"]: run["probes"] for run in ask(both, "runs").get_json()["runs"]}
    assert listed[ONE] == listed[TWO] != listed[ELSE]


def test_records_whose_rows_are_no_examples_are_refused(both):
    text = refusal(both, key="weight_gradients/histogram")
    assert text.startswith("Only records with a row for each example are compared.")


def test_the_work_for_a_reply_is_bounded(both, monkeypatch):
    monkeypatch.setattr(pairs_module, "MAX_VALUES", 2 * 144 * 20)
    pair(both, rows=",".join(map(str, range(10))), steps="0,2")
    assert "20 rows of one pair" in refusal(both, steps="0,2")


def test_the_chunks_make_no_difference(both, monkeypatch):
    whole, _ = pair(both, key="saliency", steps="0", stepsb="2")
    monkeypatch.setattr(pairs_module, "CHUNK", 4 * 2 * 48 * 48 * 3 * 5)
    parts, _ = pair(both, key="saliency", steps="0", stepsb="2")
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values)
