"""What the routes answer, against the numbers that `keras_explain.Run` reads."""

import gzip
import json
import shutil

import numpy as np
import pytest

import keras_explain
from keras_explain.store.schema import STATS
from keras_explain.store.statistics import as_shown
from keras_explain.tensorboard_plugin import maps as maps_module
from tests.fixtures.make_run import make_run
from tests.fixtures.unbundle import unbundle

from .conftest import RUNS, Provider, ask, client_of

RUN = "a/explain"


@pytest.fixture(scope="module")
def run(logdir):
    return keras_explain.Run(logdir / "a")


def bundle_of(client, route, **query):
    reply = ask(client, route, **query)
    assert reply.status_code == 200, reply.text
    assert reply.content_type == "application/octet-stream"
    return unbundle(reply.data)


def shown(run, key, step):
    spec = run.specs[key]
    return as_shown(run.load(key, step), spec.axes, spec.shown)


def test_runs_have_the_names_that_people_use(client, logdir):
    reply = ask(client, "runs").get_json()
    assert reply["logdir"] == str(logdir)
    assert [(run["run"], run["name"], run["steps"], run["last"]) for run in reply["runs"]] == [
        ("a/explain", "a", 5, 3),
        ("group/b/explain", "group/b", 2, 0),
    ]


@pytest.mark.parametrize(("below", "name"), [("a", "explain"), ("a/explain", ".")])
def test_a_log_directory_that_is_the_run_is_called_by_its_folder(logdir, below, name):
    client = client_of(Provider(name), logdir / below)
    (run,) = ask(client, "runs").get_json()["runs"]
    assert (run["run"], run["name"], run["steps"]) == (name, "a", 5)


def test_a_logdir_spec_names_its_groups(logdir):
    spec = f"one:{logdir / 'a'},{logdir / 'group'}"
    client = client_of(Provider("one/explain", "b/explain"), spec=spec)
    runs = ask(client, "runs").get_json()["runs"]
    assert [(run["name"], run["steps"]) for run in runs] == [("b", 2), ("one", 5)]


def test_the_manifest_tells_everything_but_the_numbers(client, run):
    manifest = ask(client, "manifest", run=RUN).get_json()
    assert manifest["schema"] == 1
    assert manifest["name"] == "a"
    assert manifest["steps"] == list(run.steps) == manifest["epochs"]
    assert manifest["logs"]["loss"] == [None, *run.logs["loss"][1:]]
    assert manifest["missing"] == {"grad_cam/conv5": [1]}
    assert manifest["probes"]["hash"] == run.probes.hash
    assert manifest["probes"]["labels"] == run.probes.labels.tolist()
    assert manifest["probes"]["inputs"][0]["shape"] == [48, 48, 3]
    assert manifest["failures"][-1]["source"] == "smooth_grad"
    assert manifest["problems"] == []
    assert manifest["share"] == pytest.approx(0.21 / 30)
    assert manifest["totals"]["left_out"] == 0
    records = {record["key"]: record for record in manifest["records"]}
    assert list(records) == list(run.keys)
    assert records["saliency"]["shape"] == [48, 48, 3]
    assert records["saliency"]["shown"] == "max"
    assert records["weight_gradients/histogram"]["row_count"] == 4
    assert len(records["weight_gradients/histogram"]["labels"]["bin"]) == 114


def test_a_loss_that_is_not_finite_is_null(tmp_path):
    from tests.store.conftest import probe_set, step_info

    writer = keras_explain.store.Writer(tmp_path / "plugins/keras_explain", probe_set(), 0)
    for step, loss in enumerate([1.0, float("nan"), float("inf")]):
        writer.write(step_info(step, logs={"loss": loss}), [])
    client = client_of(Provider("."), tmp_path)
    assert ask(client, "manifest", run=".").get_json()["logs"]["loss"] == [1.0, None, None]


def test_columns_are_the_statistics(client, run):
    arrays, extras = bundle_of(client, "columns", run=RUN, key="grad_cam/conv5")
    assert tuple(arrays) == STATS
    assert extras == {"steps": [-1, 0, 1, 2, 3], "key": "grad_cam/conv5"}
    for name, figures in run.stats("grad_cam/conv5").items():
        np.testing.assert_array_equal(arrays[name], figures)
    assert np.isnan(arrays["max"][2]).all()  # the record is missing at step 1


def test_targets_say_what_the_model_said(client, run):
    arrays, extras = bundle_of(client, "targets", run=RUN)
    assert extras["steps"] == list(run.steps)
    for at, step in enumerate(run.steps):
        chances = run.predictions(step)
        np.testing.assert_array_equal(arrays["predicted"][at], chances.argmax(axis=1))
        np.testing.assert_array_equal(arrays["probability"][at], chances.max(axis=1))
        of_label = chances[np.arange(16), run.probes.labels]
        np.testing.assert_array_equal(arrays["true_probability"][at], of_label)
        np.testing.assert_array_equal(arrays["score"][at], run.load("scores", step))
    np.testing.assert_array_equal(arrays["target"][0], np.arange(16) % 10)


@pytest.mark.parametrize("route", ["columns", "targets"])
def test_figures_are_sent_of_some_steps(client, route):
    asked = {"run": RUN, **({"key": "grad_cam/conv5"} if route == "columns" else {})}
    every, _ = bundle_of(client, route, **asked)
    arrays, extras = bundle_of(client, route, **asked, steps="3,77,-1")
    assert extras["steps"] == [3, 77, -1]
    for name, values in every.items():
        np.testing.assert_array_equal(arrays[name][[0, 2]], values[[4, 0]])
    gone = np.concatenate([values[1] for values in arrays.values()])  # step 77 was never written
    assert set(gone[np.isfinite(gone)]) <= {-1}
    assert np.isnan(gone).any()


@pytest.mark.parametrize("key", ["saliency", "gradient_times_input", "grad_cam/conv5", "scores"])
def test_maps_are_the_numbers_as_shown(client, run, key):
    arrays, extras = bundle_of(client, "maps", run=RUN, key=key, steps="3,0,1", rows="2,5")
    values = arrays["maps"].astype(np.float32)
    values *= arrays["scale"].reshape(*arrays["scale"].shape, *[1] * (values.ndim - 2))
    assert extras["steps"] == [3, 0, 1]
    assert extras["rows"] == [2, 5]
    assert "channel" not in extras["axes"]
    for place, step in enumerate([3, 0] if key == "grad_cam/conv5" else [3, 0, 1]):
        truth = shown(run, key, step)[[2, 5]]
        atol = np.abs(truth).max() * 2.0**-12
        np.testing.assert_allclose(values[place], truth, rtol=2.0**-11, atol=atol)
        assert not arrays["status"][place].any()
    if key == "grad_cam/conv5":
        assert (arrays["status"][2] == 1).all()
        assert np.isnan(values[2]).all()


def test_channels_can_be_chosen_where_each_is_a_picture(client, run):
    query = {"run": RUN, "key": "activations/conv2", "steps": "2"}
    arrays, extras = bundle_of(client, "maps", **query, rows="4", channels="9,1")
    values = arrays["maps"].astype(np.float32) * arrays["scale"][0, 0]
    np.testing.assert_array_equal(values[0], run.load("activations/conv2", 2, [4])[..., [9, 1]])
    assert extras["axes"] == ["height", "width", "channel"]
    reply = ask(client, "maps", run=RUN, key="saliency", steps="2", channels="1")
    assert reply.status_code == 400
    assert reply.text == "`channels` can only be chosen where every channel is a picture."


def test_maps_say_where_values_are_not_finite(client):
    arrays, _ = bundle_of(client, "maps", run=RUN, key="saliency", steps="2", rows="2,3")
    assert arrays["status"].tolist() == [[0, 3]]
    assert np.isnan(arrays["maps"][0, 1, 10, 10])
    assert np.isinf(arrays["maps"][0, 1, 20, 20])


def test_a_step_that_is_gone_is_missing(client):
    arrays, _ = bundle_of(client, "maps", run=RUN, key="scores", steps="0,999")
    assert (arrays["status"] == [[0] * 16, [1] * 16]).all()


def test_a_damaged_row_is_never_drawn(logdir, tmp_path):
    shutil.copytree(logdir / "a", tmp_path / "a")
    client = client_of(Provider(RUN), tmp_path)
    run = keras_explain.Run(tmp_path / "a")
    step = run._index.steps[1]
    tensor = step.layout["saliency"].values
    content = bytearray(step.path.read_bytes())
    content[step.start + tensor.begin + 2 * tensor.row_bytes] ^= 1
    step.path.write_bytes(content)
    arrays, _ = bundle_of(client, "maps", run=RUN, key="saliency", steps="0")
    assert arrays["status"][0].tolist() == [0, 0, 2] + [0] * 13
    assert np.isnan(arrays["maps"][0, 2]).all()
    assert np.isfinite(arrays["maps"][0, 3]).all()


def test_too_large_a_reply_says_what_fits(client, monkeypatch):
    monkeypatch.setattr(maps_module, "MAX_REPLY", 3 * 2 * 16 * 48 * 48)
    assert ask(client, "maps", run=RUN, key="saliency", steps="0,1,2").status_code == 200
    reply = ask(client, "maps", run=RUN, key="saliency", steps="0,1,2,3")
    assert reply.status_code == 400
    assert "3 steps of these 16 rows. Received: 4 steps" in reply.text
    monkeypatch.setattr(maps_module, "MAX_REPLY", 5 * 2 * 48 * 48)
    reply = ask(client, "maps", run=RUN, key="saliency", steps="0")
    assert "one step of 5 rows. Received: 1 steps" in reply.text


def test_pictures_are_block_means(client, run):
    photos = run.probes.inputs["image"].astype(np.float64)
    arrays, extras = bundle_of(client, "inputs", run=RUN, input="image", rows="0,7")
    np.testing.assert_array_equal(arrays["pixels"], np.round(photos[[0, 7]] * 255))
    assert (extras["lo"], extras["hi"], extras["factor"]) == (0, 1, 1)
    arrays, extras = bundle_of(client, "inputs", run=RUN, input="image", size="24")
    means = photos.reshape(16, 24, 2, 24, 2, 3).mean(axis=(2, 4)) * 255
    np.testing.assert_allclose(arrays["pixels"], means, atol=0.5 + 1e-9)
    assert (extras["factor"], extras["height"], extras["width"]) == (2, 48, 48)
    arrays, _ = bundle_of(client, "inputs", run=RUN, input="image", rows="0", size="10")
    assert arrays["pixels"].shape == (1, 10, 10, 3)
    corner = photos[0, 45:, 45:].mean(axis=(0, 1)) * 255  # the last block is smaller
    np.testing.assert_allclose(arrays["pixels"][0, -1, -1], corner, atol=0.5 + 1e-9)


def test_values_are_the_raw_inputs(client, run):
    arrays, extras = bundle_of(client, "values", run=RUN, input="image", rows="7")
    np.testing.assert_array_equal(arrays["values"], run.probes.inputs["image"][[7]])
    assert extras == {"rows": [7], "axes": ["height", "width", "channel"]}


@pytest.mark.parametrize(
    ("route", "key"),
    [("manifest", None), ("targets", None), ("maps", "activations/conv1"), ("maps", "scores")],
)
def test_replies_are_packed_where_the_browser_takes_it(client, route, key):
    query = {"run": RUN, "key": key, "steps": "0,1,2"}
    plain = ask(client, route, **query)
    packed = ask(client, route, headers={"Accept-Encoding": "gzip, br"}, **query)
    assert plain.headers.get("Content-Encoding") is None
    assert int(packed.headers["Content-Length"]) == len(packed.data)
    if len(plain.data) > 1_024:
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == plain.data
    else:
        assert packed.data == plain.data


def test_noise_is_not_packed(client):
    packed = {"Accept-Encoding": "gzip"}
    reply = ask(client, "maps", headers=packed, run=RUN, key="saliency", steps="0,1,2,3")
    assert reply.headers.get("Content-Encoding") is None


def test_head_has_the_headers_alone(client):
    reply = ask(client, "manifest", method="HEAD", run=RUN)
    assert reply.status_code == 200
    assert reply.data == b""
    assert int(reply.headers["Content-Length"]) == len(ask(client, "manifest", run=RUN).data)


def test_new_steps_appear(tmp_path):
    make_run(tmp_path / "a", steps=1)
    client = client_of(Provider(RUN), tmp_path)
    assert ask(client, "manifest", run=RUN).get_json()["steps"] == [-1]
    make_run(tmp_path / "a", steps=2, first=0)
    assert ask(client, "manifest", run=RUN).get_json()["steps"] == [-1, 0, 1]


def test_a_run_without_steps_is_empty_and_no_error(tmp_path):
    (tmp_path / "a/explain/plugins/keras_explain").mkdir(parents=True)
    client = client_of(Provider(RUN), tmp_path)
    assert ask(client, "runs").get_json()["runs"][0]["steps"] == 0
    assert ask(client, "manifest", run=RUN).get_json()["steps"] == []
    assert bundle_of(client, "targets", run=RUN)[0]["target"].shape == (0, 0)
    assert ask(client, "inputs", run=RUN, input="image").status_code == 404


def test_manifest_is_strict_json(client):
    def refuse(name):
        raise AssertionError(name)

    for run in RUNS:
        json.loads(ask(client, "manifest", run=run).data, parse_constant=refuse)
