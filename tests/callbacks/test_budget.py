"""Explaining keeps to its share of the training's time, by a clock that the tests set."""

import functools
import threading

import keras
import numpy as np
import pytest

import keras_explain
from keras_explain.callbacks import Explain, ExplanationWarning, explain
from keras_explain.callbacks.budget import Budget
from keras_explain.callbacks.recorder import Recorder
from keras_explain.passes import Pass
from keras_explain.store import writer

X = np.random.default_rng(0).random((8, 6), "float32")
Y = np.random.default_rng(1).integers(0, 3, 8)


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("cost", [0.001, 0.1, 1.0, 30.0])
def test_what_is_taken_is_within_the_share_and_one_step(share, cost):
    clock = Clock()
    budget = Budget(share, clock)
    taken, dearest, passed = 0.0, 0.0, 0.0
    chance = np.random.default_rng(0)
    logged = 0
    for step in range(2_000):
        allowed = budget.allows()
        assert allowed or step > 1
        if allowed:
            spent = 50 * cost if step == 0 else cost * chance.uniform(0.5, 2)
            with budget.spending():
                clock.now += spent
            logged += 1
            if step > 0:
                taken, dearest, passed = taken + spent, max(dearest, spent), passed + spent
        assert taken <= share * passed + dearest
        clock.now += 1.0
        passed += 1.0
    # What it may take, it takes: no step is left out without need.
    assert logged >= min(2_000, 0.9 * share * passed / (1.25 * cost))
    assert budget.seconds() == pytest.approx(
        {"pass": 0.0, "explaining": taken, "training": passed}, rel=1e-9
    )


def test_without_a_share_nothing_is_left_out():
    clock = Clock()
    budget = Budget(None, clock)
    for _ in range(3):
        assert budget.allows()
        with budget.spending():
            clock.now += 1e6


@pytest.mark.parametrize("given", [0, 1, -0.1, 5, "0.05", True, float("nan")])
def test_a_budget_is_a_share(tmp_path, given):
    with pytest.raises(ValueError, match=r"`budget` must be a share .* such as 0.05, or None"):
        Explain(tmp_path, (X[:2], Y[:2]), budget=given)


def fit(callbacks, epochs):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=epochs, verbose=0, callbacks=callbacks)


@pytest.fixture
def clock(monkeypatch):
    """A clock by which each pass takes half a second; the disk keeps up, whatever it is."""
    clock, run = Clock(), Pass.run

    def slow(self):
        clock.now += 0.5
        return run(self)

    monkeypatch.setattr(Pass, "run", slow)
    monkeypatch.setattr(Recorder, "has_room", lambda recorder: True)
    monkeypatch.setattr(explain, "Budget", functools.partial(Budget, clock=clock))
    return clock


class Hours(keras.callbacks.Callback):
    """Each epoch takes a second by the clock; at one of them, perhaps, the training stops."""

    def __init__(self, clock, stop=None):
        super().__init__()
        self.clock, self.stop = clock, stop

    def on_epoch_end(self, epoch, logs=None):
        self.clock.now += 1.0
        self.model.stop_training = epoch == self.stop


@pytest.mark.parametrize(("stop", "last"), [(None, 39), (17, 17)])
def test_steps_are_thinned_out_but_for_the_first_and_the_last(tmp_path, clock, stop, last):
    callback = Explain(tmp_path, (X[:2], Y[:2]), "saliency", budget=0.05, summaries=False)
    fit([Hours(clock, stop), callback], 40)
    run = keras_explain.Run(tmp_path)
    assert run.steps[0] == -1
    assert run.steps[-1] == last
    assert np.isfinite(run.logs["loss"][-1])
    assert run.totals["left_out"] == last + 2 - len(run.steps)
    assert len(run.steps) == (6 if stop is None else 3)
    share = run.seconds["explaining"] / np.maximum(run.seconds["training"], 1e-9)
    assert run.seconds["pass"] == pytest.approx(0.5)
    assert (share[2:-1] <= 0.05 + 1e-9).all()
    assert share[-1] == pytest.approx(0.5 * (len(run.steps) - 1) / run.seconds["training"][-1])
    assert callback.failures == []


def test_a_loop_of_ones_own_has_a_budget_too(tmp_path, clock):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    with Explain(
        tmp_path, (X[:2],), "saliency", target=0, budget=0.1, summaries=False
    ) as explainer:
        for step in range(21):
            explainer.log(model, step)
            clock.now += 1.0
    assert keras_explain.Run(tmp_path).steps == (0, 1, 9, 14, 18)


def test_a_disk_that_stands_still_holds_no_training_up(tmp_path, monkeypatch):
    moves, publish = threading.Event(), writer.publish

    def waiting(*arguments):
        assert moves.wait(60), "the training waited for the disk"
        publish(*arguments)

    monkeypatch.setattr(writer, "publish", waiting)
    monkeypatch.setattr(explain, "Budget", functools.partial(Budget, clock=Clock()))
    before_the_last = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: epoch == 9 and moves.set()
    )
    callback = Explain(tmp_path, (X[:2], Y[:2]), "saliency", budget=0.99, summaries=False)
    with pytest.warns(ExplanationWarning, match="The disk does not keep up: 2 steps") as told:
        fit([before_the_last, callback], 10)
    assert len(told) == 1
    run = keras_explain.Run(tmp_path)
    assert run.steps == (-1, 0, 9)
    assert run.totals == {"failures": 8, "dropped": 8, "left_out": 0}
    assert len(callback.failures) == 8
    assert [failure.step for failure in run.failures] == [*range(1, 9)]
