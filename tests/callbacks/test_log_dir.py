"""One folder, several trainings: who goes on keeps the figures, who starts again says so."""

import copy
import errno
import json
import os
import subprocess
import sys
import tempfile
import uuid
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_explain
from keras_explain.callbacks import Explain, ExplanationWarning
from keras_explain.store import RECORDS
from keras_explain.store.writable import refusal
from tests.fixtures.object_store import BUCKET, ObjectStore

from . import resumed

X = np.random.default_rng(0).random((32, 6), "float32")
Y = np.arange(32) % 3
PROBES = (X[:4], Y[:4])


def network():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def explain(log_dir, probes=PROBES, **options):
    return Explain(log_dir, probes, "saliency", summaries=False, **options)


def fit(model, callback, epochs, initial_epoch=0, **options):
    """The figures of each epoch, and what was said of the folder before the first batch."""
    told, at_first_batch = [], []

    def ours():
        return [str(each.message) for each in told if each.category is ExplanationWarning]

    class Watch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if not at_first_batch:
                at_first_batch.append(ours())

    options = {"epochs": epochs, "initial_epoch": initial_epoch, "verbose": 0, **options}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        told = caught
        history = model.fit(X, Y, callbacks=[callback, Watch()], **options).history
    assert at_first_batch == [ours()]
    return history, ours()


@pytest.fixture(scope="module")
def store():
    server = ObjectStore()
    yield server
    server.shut()


@pytest.fixture(params=["disk", "s3"])
def log_dir(request, tmp_path):
    """A folder that does not exist yet, here and on a store."""
    if request.param == "disk":
        return tmp_path / "logs" / "run"
    request.getfixturevalue("store")
    return f"s3://{BUCKET}/{uuid.uuid4().hex}/run"


@pytest.mark.every_backend
def test_a_new_callback_goes_on_with_the_figures_of_the_last_step(log_dir):
    model = network()
    first, _ = fit(model, explain(log_dir), 3)
    again, said = fit(model, explain(log_dir), 6, initial_epoch=3)
    run = keras_explain.Run(log_dir)
    assert run.steps == (-1, 0, 1, 2, 3, 4, 5)
    for name in ("loss", "accuracy"):
        np.testing.assert_array_equal(run.logs[name][1:], first[name] + again[name])
    # Its drift is measured from the step before, as if nobody had stopped.
    assert np.isfinite(run.stats("saliency")["drift"][1:]).all()
    assert said == []
    assert len(run.attempts) == 1


@pytest.mark.parametrize("with_new_callback", [True, False])
@pytest.mark.parametrize("unit", ["epoch", "batch"])
def test_so_does_one_epoch_a_call_in_a_notebook(tmp_path, with_new_callback, unit):
    model, losses = network(), []
    callback = explain(tmp_path, unit=unit)
    for epoch in range(4):
        if with_new_callback:
            callback = explain(tmp_path, unit=unit)
        history, said = fit(model, callback, epoch + 1, epoch, batch_size=32)
        assert said == []
        losses += history["loss"]
    run = keras_explain.Run(tmp_path)
    assert run.steps == (-1, 0, 1, 2, 3)
    np.testing.assert_array_equal(run.logs["loss"][1:], losses)
    assert run.attempts == (0,)


def test_so_does_a_training_that_goes_back_to_an_earlier_checkpoint(tmp_path):
    model = network()
    first, _ = fit(model, explain(tmp_path), 4)
    again, (said,) = fit(model, explain(tmp_path), 3, initial_epoch=2)
    run = keras_explain.Run(tmp_path)
    assert run.steps == (-1, 0, 1, 2)
    np.testing.assert_array_equal(run.logs["loss"][1:], first["loss"][:2] + again["loss"])
    assert "already holds steps 2 to 3 of another training" in said
    before = keras_explain.Run(tmp_path, attempt=run.attempts[0])
    np.testing.assert_array_equal(before.logs["loss"][1:], first["loss"])


def test_so_does_another_process_with_backup_and_restore(tmp_path):
    asked = [sys.executable, "-m", resumed.__name__, tmp_path / "backup", tmp_path / "run"]
    root = Path(__file__).parents[2]
    losses = {}
    for dies_at, code in (("3", 9), ("-1", 0)):
        done = subprocess.run([*asked, dies_at], cwd=root, stdout=subprocess.PIPE, text=True)
        assert done.returncode == code
        losses |= dict(json.loads(line) for line in done.stdout.splitlines())
    run = keras_explain.Run(tmp_path / "run")
    assert run.steps == (-1, *range(resumed.EPOCHS))
    np.testing.assert_array_equal(
        run.logs["loss"][1:], [losses[epoch] for epoch in range(resumed.EPOCHS)]
    )
    assert run.attempts == (0,)


def test_so_does_a_loop_of_ones_own(tmp_path):
    model = network()
    for begin in (0, 2):
        with explain(tmp_path) as explainer:
            for step in range(begin, begin + 2):
                explainer.log(model, step, logs={"loss": float(step)})
    run = keras_explain.Run(tmp_path)
    assert run.steps == (0, 1, 2, 3)
    assert run.logs["loss"].tolist() == [0, 1, 2, 3]
    assert run.attempts == (0,)


@pytest.mark.every_backend
@pytest.mark.parametrize("before_training", [True, False])
def test_each_training_from_the_start_says_so_and_stays_readable(log_dir, before_training):
    """Five fits of one epoch each, with one callback: `initial_epoch` was forgotten."""
    model, callback, losses = network(), explain(log_dir, before_training=before_training), []
    for number in range(5):
        history, said = fit(model, callback, 1)
        losses += history["loss"]
        assert len(said) == (number > 0)
        for text in said:
            assert f"{str(log_dir)!r} already holds step" in text
            assert f"attempt={number - 1})" in text
            assert 'Explain(f"logs/fold{k}")' in text
            assert "initial_epoch=1" in text
    steps = (-1, 0) if before_training else (0,)
    run = keras_explain.Run(log_dir)
    assert run.steps == steps
    assert run.attempts == (0, 1, 2, 3, 4)
    for attempt, loss in enumerate(losses):
        one = keras_explain.Run(log_dir, attempt=attempt)
        assert one.steps == steps
        assert one.attempts == run.attempts
        assert one.logs["loss"][-1] == loss
    assert callback.failures == []


def test_no_training_shows_steps_that_only_another_has_logged(tmp_path):
    fit(network(), explain(tmp_path), 4)
    fit(network(), explain(tmp_path, before_training=False, every=2), 4)
    run = keras_explain.Run(tmp_path)
    assert run.steps == (1, 3)
    assert keras_explain.Run(tmp_path, attempt=0).steps == (-1, 0, 1, 2, 3)


def test_folds_with_probes_of_their_own_say_so(tmp_path):
    for fold in range(3):
        part = slice(4 * fold, 4 * fold + 4)
        _, said = fit(network(), explain(tmp_path, (X[part], Y[part])), 2)
        assert len(said) == (fold > 0)
        assert all("of another training, with other probes" in text for text in said)
    for fold in range(3):
        inputs = keras_explain.Run(tmp_path, attempt=fold).probes.inputs
        np.testing.assert_array_equal(*inputs.values(), X[4 * fold : 4 * fold + 4])
    # Also where the other probes come after the last step.
    _, (text,) = fit(network(), explain(tmp_path), 3, initial_epoch=2)
    assert "steps -1 to 1 of another training, with other probes" in text


def test_a_model_that_its_first_batch_builds_says_so_too(tmp_path):
    for number in range(2):
        model = keras.Sequential([keras.layers.Dense(3)])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        _, said = fit(model, explain(tmp_path), 2)
        assert len(said) == number


def test_a_training_stops_at_no_such_warning(tmp_path):
    fit(network(), explain(tmp_path), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = network().fit(X, Y, epochs=2, verbose=0, callbacks=[explain(tmp_path)])
    assert len(history.history["loss"]) == 2


@pytest.mark.every_backend
def test_trials_get_the_first_free_number(log_dir):
    """As tuners do it: each trial has a copy of one callback."""
    template = f"{log_dir}-{{n}}"
    original, losses = explain(template), []
    for number in range(1, 4):
        callback = copy.deepcopy(original)
        history, said = fit(network(), callback, 2)
        assert said == []
        assert str(callback.run_dir) == f"{log_dir}-{number}"
        losses.append(history["loss"])
    # The same callback goes on where it was, and starts again elsewhere.
    again, said = fit(network(), callback, 3, initial_epoch=2)
    assert said == []
    losses[-1] = losses[-1] + again["loss"]
    fit(network(), callback, 1)
    assert str(callback.run_dir) == f"{log_dir}-4"
    assert str(original.log_dir) == template
    for number, loss in enumerate(losses, 1):
        run = keras_explain.Run(f"{log_dir}-{number}")
        np.testing.assert_array_equal(run.logs["loss"][1:], loss)


def nowhere(place):
    """By name, folders that cannot be made or written."""
    (place / "file").touch()
    (place / "run").mkdir()
    (place / "run" / "explain").touch()
    (place / "deep" / "explain").mkdir(parents=True)
    (place / "deep" / "explain" / "plugins").touch()
    (place / "dangling").symlink_to(place / "gone")
    (place / "round").symlink_to(place / "round")
    return {
        "a file": (place / "file", "file' is a file, not a folder"),
        "parent is a file": (place / "file" / "a" / "b", "file' is a file, not a folder"),
        "file within": (place / "run", "run/explain' is a file, not a folder"),
        "file deep within": (place / "deep", "plugins' is a file, not a folder"),
        "link to nothing": (place / "dangling", "dangling' is a link that leads nowhere"),
        "link to itself": (place / "round" / "a", "round' is a link that leads nowhere"),
        "too long": (place / ("x" * 300), "File name too long"),
        "null byte": (f"{place}/a\0b", "is no path"),
    }


KINDS = (
    "a file",
    "parent is a file",
    "file within",
    "file deep within",
    "link to nothing",
    "link to itself",
    "too long",
    "null byte",
)


@pytest.mark.every_backend
@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_cannot_be_made_is_refused_before_the_first_batch(tmp_path, kind, built):
    log_dir, why = nowhere(tmp_path)[kind]
    before = sorted(tmp_path.rglob("*"))
    model = network() if built else keras.Sequential([keras.layers.Dense(3)])
    if not built:
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    batches = []
    count = keras.callbacks.LambdaCallback(on_train_begin=batches.append)
    with pytest.raises(ValueError, match="`log_dir` must be a folder that can be written") as told:
        model.fit(X, Y, verbose=0, callbacks=[explain(log_dir), count])
    assert why in str(told.value)
    assert f"Received: {str(log_dir)!r}" in str(told.value)
    assert batches == []
    assert sorted(tmp_path.rglob("*")) == before
    with pytest.raises(ValueError, match="`log_dir` must be"), explain(log_dir) as explainer:
        explainer.log(network(), 0)


def test_so_is_a_bucket_that_is_not_there(store):
    with pytest.raises(ValueError, match="`log_dir` must be .*nothing can be put to 's3://nobody"):
        fit(network(), explain("s3://nobody/run"), 1)
    puts = [path for method, path, _ in store.asked if method == "PUT" and "nobody" in path]
    assert len(puts) == 1


@pytest.fixture
def open_to_all():
    """A folder that everybody may look at; those of pytest are its user's own."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        yield Path(place)


class Unprivileged:
    """Whoever may do everything is somebody else meanwhile."""

    def __enter__(self):
        self.is_root = os.geteuid() == 0
        if self.is_root:
            os.seteuid(65534)

    def __exit__(self, *_):
        if self.is_root:
            os.seteuid(0)


@pytest.mark.parametrize("folder", ["closed", "closed/run", "open"])
def test_a_folder_without_permission_is_refused(open_to_all, folder):
    (open_to_all / "closed").mkdir(0o555)
    (open_to_all / "open" / "explain" / RECORDS).mkdir(parents=True)
    (open_to_all / "open" / "explain" / RECORDS).chmod(0o555)
    with Unprivileged():
        why = refusal(open_to_all / folder / "explain", RECORDS)
    assert "Permission denied" in why
    assert str(open_to_all / folder.removesuffix("/run")) in why


@pytest.mark.parametrize(
    ("code", "is_refused"),
    [(errno.EROFS, True), (errno.ENOSPC, False), (errno.EIO, False), (errno.EDQUOT, False)],
)
def test_what_may_pass_is_no_reason(tmp_path, monkeypatch, code, is_refused):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "mkdir", refuse)
    why = refusal(tmp_path / "run", RECORDS)
    assert (why is not None) == is_refused
    assert not is_refused or os.strerror(code) in why


def test_a_training_that_is_refused_leaves_nothing_behind(tmp_path, log_dir):
    """For another reason than the folder, which could be made."""
    with pytest.raises(ValueError, match="`target` must"):
        fit(network(), explain(tmp_path / "new" / "run", target=7), 1)

    class Refuses(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            raise ValueError("not today")

    for place in (tmp_path / "new" / "run", tmp_path / "new-{n}", log_dir):
        with pytest.raises(ValueError, match="not today"):
            network().fit(X, Y, verbose=0, callbacks=[explain(place), Refuses()])
    assert [*tmp_path.iterdir()] == []
    with pytest.raises(keras_explain.store.errors.RecordsNotFound):
        keras_explain.Run(log_dir)
