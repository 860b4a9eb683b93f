"""A failure of ours never stops a training, and is counted and told."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain import methods
from keras_explain.callbacks import Explain
from keras_explain.callbacks.recorder import ExplanationWarning
from keras_explain.passes import Pass
from keras_explain.store import Writer
from keras_explain.summaries import Summaries

X = np.random.default_rng(0).random((32, 10, 10, 3), "float32")
Y = np.random.default_rng(1).integers(0, 3, 32)
EPOCHS = 4


class InjectedError(Exception):
    pass


def fit(callback, epochs=EPOCHS):
    model = keras.Sequential(
        [
            keras.Input((10, 10, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model.fit(X, Y, epochs=epochs, batch_size=16, verbose=0, callbacks=[callback])


def failing_at(monkeypatch, owner, name, call):
    """Make the `call`-th call of a method raise, the first being 0."""
    original, calls = getattr(owner, name), []

    def wrapper(*args, **kwargs):
        calls.append(1)
        if len(calls) - 1 == call:
            raise InjectedError(f"at call {call}")
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, wrapper)


PLACES = [
    (Pass, "run", "pass"),
    (methods.Saliency, "records", "saliency"),
    (methods.GradCAM, "records", "grad_cam"),
    (methods.Activations, "records", "activations"),
    (methods.WeightGradients, "records", "weight_gradients"),
    (Writer, "write", "store"),
    (Summaries, "add", "event file"),
]


@pytest.mark.parametrize("call", range(EPOCHS + 1))
@pytest.mark.parametrize(("owner", "name", "source"), PLACES, ids=[p[2] for p in PLACES])
def test_a_failure_at_any_step_leaves_training_complete(
    monkeypatch, tmp_path, owner, name, source, call
):
    failing_at(monkeypatch, owner, name, call)
    callback = Explain(tmp_path, (X[:4], Y[:4]))
    with pytest.warns(ExplanationWarning, match=f"{source} failed at step {call - 1}") as told:
        history = fit(callback)
    assert len(history.history["loss"]) == EPOCHS
    assert len([w for w in told if w.category is ExplanationWarning]) == 1
    assert len(callback.failures) == 1
    run = keras_explain.Run(tmp_path)
    lost = {call - 1} if source == "store" else set()
    assert set(run.steps) == set(range(-1, EPOCHS)) - lost
    if call < EPOCHS or source != "store":  # nothing is left to tell of the last write
        (kept,) = run.failures
        assert (kept.step, kept.source) == (call - 1, source)
        assert "InjectedError" in kept.error


@pytest.mark.parametrize("method", ["saliency", "grad_cam", "activations", "weight_gradients"])
def test_a_method_that_fails_in_the_graph_leaves_the_others(monkeypatch, tmp_path, method):
    failing_at(monkeypatch, methods.registered()[method], "read", 0)
    callback = Explain(tmp_path, (X[:4], Y[:4]))
    with pytest.warns(ExplanationWarning, match=method):
        fit(callback)
    run = keras_explain.Run(tmp_path)
    left = {run.specs[key].method for key in run.keys}
    assert left == {
        "saliency", "grad_cam", "activations", "weight_gradients", "predictions", "scores",
    } - {method}  # fmt: skip
    assert len(run.failures) == EPOCHS + 1


@pytest.mark.parametrize(("owner", "name", "source"), PLACES, ids=[p[2] for p in PLACES])
def test_strict_raises(monkeypatch, tmp_path, owner, name, source):
    failing_at(monkeypatch, owner, name, 1)
    with pytest.raises(InjectedError):
        fit(Explain(tmp_path, (X[:4], Y[:4]), strict=True))


def test_repeated_failures_are_counted_and_told_once(monkeypatch, tmp_path):
    def broken(*args, **kwargs):
        raise InjectedError("always")

    monkeypatch.setattr(Writer, "write", broken)
    callback = Explain(tmp_path, (X[:4], Y[:4]))
    with pytest.warns(ExplanationWarning) as told:
        history = fit(callback)
    assert len(history.history["loss"]) == EPOCHS
    assert len(callback.failures) == EPOCHS + 1
    assert len([w for w in told if w.category is ExplanationWarning]) == 1


def test_an_interrupt_is_not_swallowed(monkeypatch, tmp_path):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Pass, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(Explain(tmp_path, (X[:4], Y[:4])))


@pytest.mark.filterwarnings("error")
def test_training_goes_on_where_warnings_are_errors(monkeypatch, tmp_path):
    failing_at(monkeypatch, Pass, "run", 1)
    failing_at(monkeypatch, methods.Saliency, "records", 1)
    history = fit(Explain(tmp_path, (X[:4], Y[:4])))
    assert len(history.history["loss"]) == EPOCHS
    assert len(keras_explain.Run(tmp_path).failures) == 2
