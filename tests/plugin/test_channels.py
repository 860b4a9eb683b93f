"""Figures of channels and layers, against NumPy on the maps that `keras_explain.Run` reads."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

import keras_explain
from keras_explain.store.similarity import cosine_distance
from keras_explain.tensorboard_plugin import channels as channels_module
from keras_explain.tensorboard_plugin.channels import Kept

from .conftest import Provider, ask, client_of
from .test_routes import RUN, bundle_of

LAYERS = ("activations/conv1", "activations/conv2", "activations/conv3")


@pytest.fixture(scope="module")
def run(logdir):
    return keras_explain.Run(logdir / "a")


def flat(run, key, step, axis=-1):
    maps = np.moveaxis(run.load(key, step), axis, 1)
    return maps.reshape(*maps.shape[:2], -1)


@pytest.mark.parametrize(
    ("key", "axis"), [("activations/conv3", 3), ("attention_maps/encoder1", 1)]
)
def test_figures_are_those_of_numpy(client, run, key, axis):
    arrays, extras = bundle_of(client, "channels", run=RUN, key=key, steps="3,-1")
    assert extras == {"key": key, "steps": [3, -1]}
    assert tuple(arrays) == ("mean_abs", "zero", "peak")
    for place, step in enumerate((3, -1)):
        maps = flat(run, key, step, axis)
        np.testing.assert_allclose(arrays["mean_abs"][place], np.abs(maps).mean(axis=2), rtol=1e-5)
        np.testing.assert_array_equal(arrays["zero"][place], (maps == 0).mean(axis=2, dtype="f4"))
        np.testing.assert_array_equal(arrays["peak"][place], maps.max(axis=2))


def test_drift_is_the_angle_to_the_step_named(client, run):
    key = "activations/conv3"
    arrays, _ = bundle_of(client, "channels", run=RUN, key=key, steps="3,2", since="2")
    old, new = flat(run, key, 2), flat(run, key, 3)
    expected = cosine_distance(old.reshape(-1, old.shape[2]), new.reshape(-1, old.shape[2]))
    np.testing.assert_allclose(arrays["drift"][0], expected.reshape(16, 16), atol=1e-6)
    dead = (new == 0).all(axis=2)
    assert dead.any()
    np.testing.assert_array_equal(np.isnan(arrays["drift"][0]), dead | (old == 0).all(axis=2))
    np.testing.assert_allclose(arrays["drift"][1][~(old == 0).all(axis=2)], 0, atol=1e-6)


def test_a_step_that_is_gone_has_no_figures(client):
    arrays, _ = bundle_of(client, "channels", run=RUN, key=LAYERS[0], steps="999,0", since="998")
    assert np.isnan(arrays["mean_abs"][0]).all()
    assert np.isfinite(arrays["mean_abs"][1]).all()
    assert np.isnan(arrays["drift"]).all()


def test_a_damaged_row_has_no_figures(logdir, tmp_path):
    shutil.copytree(logdir / "a", tmp_path / "a")
    client = client_of(Provider(RUN), tmp_path)
    step = keras_explain.Run(tmp_path / "a")._index.steps[1]
    tensor = step.layout[LAYERS[2]].values
    content = bytearray(step.path.read_bytes())
    content[step.start + tensor.begin + 2 * tensor.row_bytes] ^= 1
    step.path.write_bytes(content)
    query = {"run": RUN, "key": LAYERS[2], "steps": "0", "since": "1"}
    arrays, _ = bundle_of(client, "channels", **query)
    for name in ("mean_abs", "drift"):
        assert np.isnan(arrays[name][0]).all(axis=1).tolist() == [row == 2 for row in range(16)]


def test_it_does_not_depend_on_how_much_is_read_at_once(client, logdir, monkeypatch):
    query = {"run": RUN, "key": LAYERS[1], "steps": "1", "since": "0"}
    once, _ = bundle_of(client, "channels", **query)
    monkeypatch.setattr(channels_module, "CHUNK", 3 * 24 * 24 * 16 * 2)
    in_parts, _ = bundle_of(client_of(Provider(RUN), logdir), "channels", **query)
    for name, table in once.items():
        np.testing.assert_array_equal(table, in_parts[name])


def test_a_step_logged_again_is_read_again(tmp_path):
    from tests.store.conftest import probe_set, step_info

    spec = keras_explain.store.RecordSpec("a/x", "a", ("width", "channel"), False, layer="x")
    writer = keras_explain.store.Writer(tmp_path / "plugins/keras_explain", probe_set(), 0)
    client = client_of(Provider("."), tmp_path)
    for value in (1, 2):
        info = replace(step_info(0), wall_time=float(value))
        writer.write(info, [(spec, np.full((3, 4, 2), value, "f4"))])
        arrays, _ = bundle_of(client, "channels", run=".", key="a/x", steps="0")
        assert (arrays["peak"] == value).all()


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"key": "saliency", "steps": "0"}, "with one of channel, head, depth"),
        ({"key": LAYERS[0]}, "`steps` must be given"),
        ({"key": LAYERS[0], "steps": "0", "since": "x"}, "`since` must be integers"),
    ],
)
def test_a_wrong_question_is_refused(client, query, says):
    reply = ask(client, "channels", run=RUN, **query)
    assert reply.status_code == 400
    assert says in reply.text


def test_too_much_is_not_read_or_sent(client, monkeypatch):
    row = 16 * 24 * 24 * 16 * 2
    monkeypatch.setattr(channels_module, "MAX_READ", 2 * row)  # two steps of this layer
    query = {"run": RUN, "key": LAYERS[0]}
    assert ask(client, "channels", **query, steps="0,1").status_code == 200
    assert "at once: 2. Received: 3" in ask(client, "channels", **query, steps="0,1,2").text
    assert ask(client, "channels", **query, steps="0,1", since="0").status_code == 400
    everything = {"run": RUN, "of": "activations", "step": "0"}
    assert ask(client, "layers", **everything, figures="dead").status_code == 400
    assert ask(client, "layers", **everything, figures="dead", at="0").status_code == 200
    assert ask(client, "layers", **everything, figures="drift").status_code == 200
    monkeypatch.setattr(channels_module, "MAX_REPLY", 3 * 4 * 16 * 16)
    assert ask(client, "channels", **query, steps="0").status_code == 200
    assert ask(client, "channels", **query, steps="0,1").status_code == 400


def test_a_layer_is_told_by_its_figures(client, run):
    arrays, extras = bundle_of(client, "layers", run=RUN, of="activations", step="3")
    assert tuple(extras["keys"]) == LAYERS
    for place, key in enumerate(LAYERS):
        maps, stats = flat(run, key, 3), run.stats(key)
        at = run.steps.index(3)
        assert arrays["mean_abs"][place] == pytest.approx(np.abs(maps).mean(), rel=1e-5)
        assert arrays["zero"][place] == pytest.approx((maps == 0).mean(), rel=1e-5)
        assert arrays["dead"][place] == (maps == 0).all(axis=(0, 2)).mean(dtype="f4")
        assert arrays["drift"][place] == np.nanmedian(stats["drift"][at])
    assert arrays["dead"].tolist() == [0, 0, 3 / 16]


def test_some_layers_and_figures_can_be_chosen(client):
    query = {"run": RUN, "of": "activations", "step": "3"}
    every, _ = bundle_of(client, "layers", **query)
    some, extras = bundle_of(client, "layers", **query, figures="dead,zero", at="2,0")
    assert extras["keys"] == [LAYERS[2], LAYERS[0]]
    assert {name: table.tolist() for name, table in some.items()} == {
        name: every[name][[2, 0]].tolist() for name in ("dead", "zero")
    }


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"of": "nothing"}, 400, "`of` must name a method with records"),
        ({"step": None}, 400, "`step` must be given"),
        ({"step": "77"}, 404, "`step` must be one of"),
        ({"figures": "size"}, 400, "`figures` must be of zero, drift, dead, mean_abs"),
        ({"at": "3"}, 400, "`at` must be from 0 to 2"),
    ],
)
def test_a_wrong_question_about_layers_is_refused(client, change, code, says):
    query = {"run": RUN, "of": "activations", "step": "0", **change}
    reply = ask(client, "layers", **query)
    assert reply.status_code == code
    assert says in reply.text


def test_what_is_kept_is_bounded():
    kept, made = Kept(capacity=100), []

    def table(name):
        made.append(name)
        return np.zeros(10, np.float32)

    for name in (1, 2, 1, 3, 1, 2):
        kept.get((name,), lambda name=name: table(name))
    assert made == [1, 2, 3, 2]


def test_slices_of_a_volume_are_reduced_as_they_are_shown(tmp_path):
    from tests.fixtures import kinds

    run = keras_explain.Run(kinds.make_kinds(tmp_path / "a"))
    client = client_of(Provider("a/explain"), tmp_path)
    key = kinds.SPECS["scan"].key
    query = {"run": "a/explain", "key": key, "steps": "2", "since": "1"}
    arrays, _ = bundle_of(client, "channels", **query)
    now, before = (run.load(key, step).sum(axis=-1) for step in (2, 1))
    mean = np.abs(now).mean(axis=(2, 3))
    np.testing.assert_allclose(arrays["mean_abs"][0], mean, rtol=1e-5)
    flat = (maps.reshape(kinds.PROBES * kinds.DEPTH, -1) for maps in (before, now))
    expected = cosine_distance(*flat).reshape(kinds.PROBES, kinds.DEPTH)
    np.testing.assert_allclose(arrays["drift"][0], expected, atol=1e-6)
