"""A training explained after the fact."""

import contextlib
import os
import shutil
import warnings

import joblib
import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain import methods
from keras_explain.callbacks import Explain
from keras_explain.checkpoints.models import Models
from keras_explain.checkpoints.names import checkpoints_in
from keras_explain.checkpoints.replay import read_probes
from keras_explain.store import RECORDS
from tests.faults.disk import Disk
from tests.fixtures.replayed import build, data, train

from .conftest import assert_same, written

EPOCHS = 3
STEPS = tuple(range(-1, EPOCHS))
METHODS = [
    methods.Saliency(),
    methods.WeightGradients(),  # looks back one step
    methods.Projection(),  # looks back to the first
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A training with its checkpoints, and its replay."""
    folder = tmp_path_factory.mktemp("training")
    further = [
        keras.callbacks.ModelCheckpoint(
            folder / "weights" / "w.{epoch:02d}.weights.h5", save_weights_only=True
        )
    ]
    with contextlib.suppress(AttributeError, ImportError):  # not in this Keras, or without Orbax
        further.append(
            keras.callbacks.OrbaxCheckpoint(
                folder / "orbax", max_to_keep=None, save_on_background=False
            )
        )
    train(folder, EPOCHS, METHODS, further)
    replayed(folder, folder / "run")
    return folder


def replayed(place, log_dir, checkpoints=None, **options):
    given = {"probes": place / "probes.npz", "methods": METHODS, "build": build, **options}
    return keras_explain.replay(checkpoints or place / "keras", log_dir, **given)


def events(log_dir):
    return list((log_dir / "explain").glob("events.out.tfevents.*"))


def test_it_has_the_records_of_the_training_bit_for_bit(place):
    live, after = written(place / "live"), written(place / "run")
    assert tuple(live) == tuple(after) == STEPS
    for step in STEPS:
        assert_same(live[step][1], after[step][1])
        was, now = live[step][0], after[step][0]
        assert (was.targets, was.target, was.score) == (now.targets, now.target, now.score)
        assert was.epoch == now.epoch
        assert was.logs["probe_loss"] == now.logs["probe_loss"]


@keras.saving.register_keras_serializable("tests")
class Own(keras.Model):
    """Builds its layers when it is called."""

    def __init__(self, **options):
        super().__init__(**options)
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        self.body = keras.Sequential([layers.Dense(4, name="first")], name="body")
        self.top = layers.Dense(3, name="top")

    def call(self, x):
        return keras.ops.softmax(self.scale * self.top(self.body(x)))


def unbuilt():
    """Two of Keras's own, one in the other, with the names that it gives."""
    body = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(4)])
    return keras.Sequential([body, layers.Dense(3, activation="softmax")])


@pytest.mark.parametrize("kind", [unbuilt, Own])
def test_what_is_built_when_it_is_called_has_the_same_names_once_it_is_loaded(tmp_path, kind):
    x, y = np.random.default_rng(0).random((16, 6), "float32"), np.arange(16) % 3
    model, asked = kind(), ["saliency", "weight_gradients"]
    model.compile("sgd", "sparse_categorical_crossentropy")
    watch = Explain(tmp_path / "live", (x[:4], y[:4]), asked, strict=True)
    saving = keras.callbacks.ModelCheckpoint(tmp_path / "w.{epoch:02d}.keras")
    model.fit(x, y, epochs=3, verbose=0, callbacks=[watch, saving])
    keras_explain.replay(tmp_path, tmp_path / "run", (x[:4], y[:4]), asked)
    live, after = written(tmp_path / "live"), written(tmp_path / "run")
    # The first step of the checkpoints follows none, and the update of the second is from there.
    assert_same(live[2][1], after[2][1])
    (histogram,) = (r.spec for r in after[2][1] if r.spec.key == "weight_gradients/histogram")
    if kind is Own:
        inner = ("body/first", "top")
        assert set(histogram.rows) == {
            "scale",
            *(f"{name}/{part}" for name in inner for part in ("kernel", "bias")),
        }


def test_it_is_a_run_for_the_tab(place):
    run = keras_explain.Run(place / "run")
    assert run.steps == STEPS
    assert run.problems == run.failures == ()
    assert run.probes.hash == keras_explain.Run(place / "live").probes.hash
    (path,) = events(place / "run")
    assert announced(path) == set(STEPS)


def announced(path):
    """The steps at which an event file says that there are records."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event

    found = [Event.FromString(raw) for raw in RawEventFileLoader(str(path)).Load()]
    return {e.step for e in found if any(v.tag == "keras_explain" for v in e.summary.value)}


def test_every_format_gives_the_network_that_was_saved(place):
    found, _ = checkpoints_in(place / "keras")
    models = {"keras": Models(None, True), "built": Models(build, True)}
    weights = [
        keras.tree.map_structure(np.array, models["keras"].at(c).get_weights()) for c in found
    ]
    for kind, folder in (("built", "keras"), ("built", "weights"), ("orbax", "orbax")):
        if folder == "orbax" and not (place / "orbax").exists():
            continue
        again, _ = checkpoints_in(place / folder)
        reader = models.get(kind) or Models(None, True)
        for checkpoint in again:
            expected = weights[checkpoint.step + 1]
            own = reader.at(checkpoint).get_weights()
            assert all(
                np.array_equal(a, b)
                for a, b in zip(own, expected, strict=True)
                if a.dtype.kind == "f"
            )
        assert [checkpoint.step for checkpoint in again][-EPOCHS:] == list(range(EPOCHS))


def test_what_is_there_is_kept_and_the_rest_is_explained_as_if_at_once(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    folder = tmp_path / "run" / "explain" / RECORDS
    (folder / "step-000-0000000002.safetensors").unlink()
    content = bytearray((folder / "step-000-0000000003.safetensors").read_bytes())
    content[-3] ^= 1  # a bit of the last step's values
    (folder / "step-000-0000000003.safetensors").write_bytes(content)
    told = []
    done = replayed(place, tmp_path / "run", progress=lambda *count: told.append(count))
    assert (done.explained, done.kept, done.failed) == ((1, 2), (-1, 0), {})
    assert told == [(1, 2), (2, 2)]
    before, after = written(place / "run"), written(tmp_path / "run")
    for step in STEPS:
        assert before[step][0] == after[step][0]
        assert_same(before[step][1], after[step][1])
    assert len(events(tmp_path / "run")) == 1


def test_every_file_comes_to_be_at_once(place, tmp_path):
    """Whoever is killed while it is written leaves none that is half there."""
    seen = {}

    def version(path):
        status = os.stat(path)
        return status.st_ino, status.st_mtime_ns

    def before(number, call):
        if call.name == "replace":
            seen[call.to] = version(call.path)

    with Disk(tmp_path, before):
        replayed(place, tmp_path / "run", place / "keras" / "w.0[01].keras", summaries=False)
    files = [*(tmp_path / "run" / "explain" / RECORDS).iterdir()]
    assert len(files) == 4  # two steps, the probes and the ledger
    assert {str(path): version(path) for path in files} == seen


def test_an_engine_that_hands_all_back_at_the_end_does_as_well(place, tmp_path):
    class Slow(joblib.parallel.ThreadingBackend):
        """As Ray's."""

        supports_return_generator = False

    joblib.register_parallel_backend("slow", Slow)
    with joblib.parallel_config(backend="slow"):
        done = replayed(place, tmp_path / "run", jobs=2)
    assert done.explained == STEPS
    before, after = written(place / "run"), written(tmp_path / "run")
    for step in STEPS:
        assert before[step][0] == after[step][0]
        assert_same(before[step][1], after[step][1])


def test_a_whole_run_is_left_alone(place):
    (path,) = events(place / "run")
    was = path.stat()
    done = replayed(place, place / "run")
    assert (done.explained, done.kept) == ((), STEPS)
    assert path.stat() == was


def test_a_checkpoint_that_has_changed_is_explained_anew(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    shutil.copytree(place / "keras", tmp_path / "keras")
    shutil.copy2(place / "keras" / "w.03.keras", tmp_path / "keras" / "w.02.keras")
    done = replayed(place, tmp_path / "run", tmp_path / "keras", methods=METHODS)
    assert done.explained == (1,)
    run = keras_explain.Run(tmp_path / "run")
    np.testing.assert_array_equal(run.load("saliency", 1), run.load("saliency", 2))
    assert np.nanmax(run.stats("saliency")["drift"][-1]) < 1e-6


def test_a_damaged_checkpoint_costs_its_own_step(place, tmp_path):
    shutil.copytree(place / "keras", tmp_path / "keras")
    (tmp_path / "keras" / "w.02.keras").write_bytes(b"no archive")
    done = replayed(place, tmp_path / "run", tmp_path / "keras", summaries=False)
    assert done.explained == (-1, 0, 2)
    assert list(done.failed) == [1]
    assert "w.02.keras cannot be loaded" in done.failed[1]
    # A later step is what the training would have found, had it not logged that one.
    update = keras_explain.Run(tmp_path / "run").load("weight_gradients/statistics", 2)[:, -1]
    assert np.isfinite(update).all()


def test_what_does_not_fit_is_refused_before_anything_is_written(place, tmp_path):
    x, y = data()
    for options, says in (
        ({"methods": [methods.GradCAM(layer="conv9")]}, "conv9"),
        ({"methods": ["grad_camm"]}, "Did you mean 'grad_cam'"),
        ({"probes": (x[:4, :5], y[:4])}, "."),
        ({"jobs": 0}, "`jobs` must be a whole number from 1 on, or -1. Received: 0"),
        ({"build": "tests.fixtures.replayed:nothing"}, "must be 'module:function'"),
        ({"build": lambda: 3}, "must return a built Keras model. Received: 3"),
        ({"checkpoints": place / "weights", "build": None}, "give `build`"),
        ({"probes": place / "keras" / "w.00.keras"}, "must be an .npz of numbers"),
    ):
        with pytest.raises(ValueError, match=says):
            replayed(place, tmp_path / "run", **options)
        assert not (tmp_path / "run").exists()


def test_another_run_s_folder_is_refused(place):
    with pytest.raises(ValueError, match="must be a folder of its own"):
        replayed(place, place / "live")
    with pytest.raises(ValueError, match="asked something else.*Different: methods"):
        replayed(place, place / "run", methods=["saliency"])


@pytest.mark.parametrize("begin", [0, EPOCHS], ids=["begins again", "goes on"])
def test_a_replay_removes_nothing_that_a_training_wrote_later(place, tmp_path, begin):
    shutil.copytree(place / "run", tmp_path / "run")
    x, y = data()
    probes, _ = read_probes(place / "probes.npz")
    callback = Explain(tmp_path / "run", probes, METHODS, before_training=False)
    options = {"epochs": begin + 2, "initial_epoch": begin, "verbose": 0, "callbacks": [callback]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        build().fit(x, y, **options)
    files = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    said = f"a training has written steps {begin} to {begin + 1} there since"
    with pytest.raises(ValueError, match=said):
        replayed(place, tmp_path / "run")
    for path, content in files.items():
        assert path.read_bytes() == content
    assert keras_explain.Run(tmp_path / "run").steps[-2:] == (begin, begin + 1)


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x * 2)])
    model.save(tmp_path / "w.01.keras")
    probes = np.zeros((2, 3), "float32")
    with pytest.raises(ValueError, match=r"No checkpoint can be read.*[Ll]ambda"):
        keras_explain.replay(tmp_path, tmp_path / "run", (probes,), ["saliency"], target=0)


def test_probes_are_read_without_running_anything(tmp_path):
    path = tmp_path / "p.npz"
    np.savez(path, x_a=np.zeros(2), x_b=np.ones(2), y=np.arange(2), names=np.array(["cat", "dog"]))
    (x, y), names = read_probes(path)
    assert set(x) == {"a", "b"}
    assert names == ["cat", "dog"]
    np.testing.assert_array_equal(y, [0, 1])
    np.savez(path, x=np.array([{}], object))
    with pytest.raises(ValueError, match="an .npz of numbers"):
        read_probes(path)
    np.savez(path, z=np.zeros(2))
    with pytest.raises(ValueError, match="Received: .* with z"):
        read_probes(path)


def test_the_command_says_what_became_of_each(place, tmp_path, capsys, monkeypatch):
    from keras_explain import cli

    monkeypatch.setattr(os, "environ", dict(os.environ))
    shutil.copytree(place / "keras", tmp_path / "keras")
    (tmp_path / "keras" / "w.02.keras").write_bytes(b"no archive")
    given = ["--log-dir", str(tmp_path / "run"), "--probes", str(place / "probes.npz")]
    options = [str(tmp_path / "keras"), *given, "--methods", "saliency", "--no-summaries"]
    assert cli.main(["replay", *options]) == 1
    shown = capsys.readouterr()
    assert "Steps are the numbers in the names (the first epoch is 1 there" in shown.out
    assert "Explained: 3 steps, -1 to 2." in shown.out
    assert "step 1: w.02.keras cannot be loaded" in shown.err
    assert cli.main(["replay", str(tmp_path / "none"), *given]) == 2
    assert "`checkpoints` must be a folder of .keras" in capsys.readouterr().err
