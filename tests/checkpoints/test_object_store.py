"""A replay on an object store: the checkpoints are there, and so is the run."""

import os
import tempfile

import numpy as np
import pytest

import keras_explain
from keras_explain import cli
from keras_explain.store import RECORDS
from keras_explain.store.place import place_of
from tests.fixtures.make_run import make_run
from tests.fixtures.object_store import BUCKET, ObjectStore
from tests.fixtures.replayed import METHODS, build, train

from .conftest import assert_same, written

EPOCHS = 2
STEPS = (-1, 0, 1)
ROOT = f"s3://{BUCKET}"
LAST = "step-000-0000000002.safetensors"


@pytest.fixture(scope="module")
def store():
    server = ObjectStore()
    yield server
    server.shut()


@pytest.fixture(scope="module")
def place(tmp_path_factory, store):
    """A training whose checkpoints are on a disk and on the store, and its replay in both."""
    folder = tmp_path_factory.mktemp("training")
    train(folder, EPOCHS)
    model = build()
    for path in sorted((folder / "keras").iterdir()):
        upload(path, f"keras/{path.name}")
        model.load_weights(path)
        weights = folder / path.name.replace(".keras", ".weights.h5")
        model.save_weights(weights)
        upload(weights, f"weights/{weights.name}")
    upload(folder / "probes.npz", "probes.npz")
    replayed(folder / "near", folder / "keras", folder / "probes.npz")
    replayed(f"{ROOT}/far")
    return folder


def upload(path, name):
    place_of(f"{ROOT}/{name}").write_bytes(path.read_bytes())


def replayed(log_dir, checkpoints=f"{ROOT}/keras", probes=f"{ROOT}/probes.npz", **options):
    return keras_explain.replay(checkpoints, log_dir, probes, METHODS, **options)


def assert_as_on_disk(place, log_dir):
    near, far = written(place / "near"), written(place_of(log_dir))
    assert tuple(near) == tuple(far) == STEPS
    for step in STEPS:
        assert_same(near[step][1], far[step][1])
        was, now = near[step][0], far[step][0]
        assert (was.targets, was.score, was.logs) == (now.targets, now.score, now.logs)


def test_its_records_are_those_of_a_disk_bit_for_bit(place):
    assert_as_on_disk(place, f"{ROOT}/far")
    run = keras_explain.Run(f"{ROOT}/far")
    assert (run.problems, run.failures) == ((), ())
    assert run.probes.hash == keras_explain.Run(place / "near").probes.hash
    entry = place_of(f"{ROOT}/keras/w.02.keras").entry()
    assert written(place_of(f"{ROOT}/far"))[1][0].wall_time == entry.written / 1e9 > 1.6e9


def test_one_checkpoint_at_a_time_is_on_the_disk(place, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    fetched = []

    def fetching():
        model = build()
        load = model.load_weights

        def seen(path, *args, **options):
            (file,) = (one for one in tmp_path.rglob("*") if one.is_file())
            assert file == path
            fetched.append(file.name)
            return load(path, *args, **options)

        model.load_weights = seen
        return model

    replayed("memory://weights/run", f"{ROOT}/weights/w.*.weights.h5", build=fetching)
    assert set(fetched) == {f"w.{epoch:02d}.weights.h5" for epoch in range(EPOCHS + 1)}
    assert list(tmp_path.iterdir()) == []
    assert_as_on_disk(place, "memory://weights/run")


def test_what_is_there_is_kept_and_what_has_changed_is_explained_anew(place, store):
    store.asked.clear()
    done = replayed(f"{ROOT}/far")
    assert (done.explained, done.kept) == ((), STEPS)
    assert store.requests("PUT", "step-") == store.requests("PUT", "events.out") == []
    (place_of(f"{ROOT}/far") / "explain" / RECORDS / LAST).unlink()
    again = place_of(f"{ROOT}/keras/w.00.keras")
    again.write_bytes(again.read_bytes())  # the same network
    assert replayed(f"{ROOT}/far").kept == (-1, 0)
    other = place_of(f"{ROOT}/keras/w.01.keras")
    was = other.read_bytes()
    other.write_bytes(again.read_bytes())
    assert replayed(f"{ROOT}/far").explained == (0,)
    other.write_bytes(was)
    assert replayed(f"{ROOT}/far").explained == (0,)
    assert_as_on_disk(place, f"{ROOT}/far")
    assert len([*(place_of(f"{ROOT}/far") / "explain").glob("events.out.*")]) == 1


def test_what_cannot_be_read_costs_its_own_step(place):
    for name in ("w.00.keras", "w.01.keras"):
        upload(place / "keras" / name, f"damaged/{name}")
    place_of(f"{ROOT}/damaged/w.02.keras").write_bytes(b"no archive")
    done = replayed("memory://damaged/run", f"{ROOT}/damaged", summaries=False)
    assert done.explained == (-1, 0)
    assert list(done.failed) == [1]
    assert "w.02.keras cannot be loaded" in done.failed[1]


def test_what_does_not_fit_is_refused(place):
    with pytest.raises(ValueError, match=f"Found none. Received: '{ROOT}/nowhere'"):
        replayed(f"{ROOT}/new", f"{ROOT}/nowhere")
    with pytest.raises(ValueError, match="Found none"):
        replayed(f"{ROOT}/new", [f"{ROOT}/keras/w.09.keras"])
    with pytest.raises(ValueError, match="give `build`"):
        replayed(f"{ROOT}/new", f"{ROOT}/weights")
    with pytest.raises(ValueError, match="`probes` must be an .npz .*There is no such file"):
        replayed(f"{ROOT}/new", probes=f"{ROOT}/none.npz")
    with pytest.raises(ValueError, match="nonsense:// cannot be used here"):
        replayed("nonsense://new")
    make_run(place_of(f"{ROOT}/trained"), steps=1)
    with pytest.raises(ValueError, match=f"folder of its own.*Received: '{ROOT}/trained"):
        replayed(f"{ROOT}/trained")
    assert not place_of(f"{ROOT}/new").exists()


def test_the_command_takes_urls_and_tells_of_a_store_that_is_down(
    place, store, capsys, monkeypatch
):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    given = ["replay", f"{ROOT}/keras", "--probes", f"{ROOT}/probes.npz", "--log-dir"]
    options = [f"{ROOT}/command", "--methods", "saliency", "--no-summaries"]
    assert cli.main([*given, *options]) == 0
    shown = capsys.readouterr()
    assert "Explained: 3 steps, -1 to 1." in shown.out
    assert f"tensorboard --logdir {ROOT}/command" in shown.out
    near, far = (keras_explain.Run(at) for at in (place / "near", f"{ROOT}/command"))
    np.testing.assert_array_equal(near.load("saliency", 1), far.load("saliency", 1))
    store.stop()
    try:
        assert cli.main([*given, *options]) == 1
    finally:
        store.start()
    assert "The store did not do it" in capsys.readouterr().err
