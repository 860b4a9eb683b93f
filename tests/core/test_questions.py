"""Methods that need more than the pass ask for scores and gradients of inputs of their own."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.callbacks.recorder import ExplanationWarning
from keras_explain.methods import Method, Saliency
from keras_explain.methods.base import Needs, Plan
from keras_explain.passes import Pass
from keras_explain.probes import Probes

RNG = np.random.default_rng(4)
X = RNG.normal(size=(5, 8, 8, 2)).astype("float32")
Y = RNG.integers(0, 3, 5)


@dataclass(frozen=True)
class PathSum(Method):
    """A user's own method: gradients along a straight path from zero, times the input."""

    points: int = 200
    fails_at: int = -1

    name = "path_sum"
    title = "Path sum"

    def plan(self, model):
        (place,) = model.inputs.values()
        spec = self.spec(model, place, "path_sum", signed=True, shown="sum")
        return Plan(Needs(), {spec.key: spec})

    def compute(self, ask, plan):
        calls.append(1)
        if len(calls) - 1 == self.fails_at:
            raise RuntimeError("on purpose")
        ((place, x),) = ask.values(list(ask.view.inputs.values())).items()
        share = (np.arange(self.points, dtype="float32") + 0.5) / self.points
        found = np.zeros_like(x)
        for row, _, some in ask.varied(
            self.points, lambda row, points: {place: np.multiply.outer(share[points], x[row])}
        ):
            np.add.at(found, row, some.gradients([place])[place])
        return {"path_sum": found / self.points * x}


calls: list[int] = []


@pytest.fixture(autouse=True)
def no_calls():
    calls.clear()


def network():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", name="out"),
        ]
    )
    model.layers[0].bias.assign(RNG.normal(size=4))
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_a_method_of_one_s_own_is_complete():
    model = network()
    found = keras_explain.explain(model, X, PathSum(), target=[0, 1, 2, 0, 1])
    logits = keras.Model(model.inputs[0], model.get_layer("out").input)
    kernel, bias = model.get_layer("out").get_weights()
    at = [np.asarray(logits(x)) @ kernel + bias for x in (X, np.zeros_like(X))]
    gained = (at[0] - at[1])[np.arange(5), [0, 1, 2, 0, 1]]
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)), gained, atol=2e-2)


@pytest.mark.parametrize("rows", [1, 4, 5, 11, 63, 64, 65, 192])
def test_any_number_of_rows_is_answered(rows):
    model, heard = network(), {}

    @dataclass(frozen=True)
    class Listens(PathSum):
        def compute(self, ask, plan):
            x = RNG.normal(size=(rows, 8, 8, 2)).astype("float32")
            targets = RNG.integers(0, 3, rows)
            heard["x"], heard["targets"] = x, targets
            (place,) = ask.view.inputs.values()
            some = ask.at({place: x}, np.zeros(rows, int)).towards(np.eye(3)[targets])
            heard["scores"] = some.scores()
            heard["gradients"] = some.gradients([place])[place]
            return {"path_sum": ask.inputs["input"]}

    keras_explain.explain(model, X, Listens(), target=0)
    assert heard["scores"].shape == (rows,)
    some = min(rows, 100)
    expected = keras_explain.explain(
        model, heard["x"][:some], Saliency(), target=heard["targets"][:some]
    )
    np.testing.assert_allclose(np.abs(heard["gradients"][:some]), expected, rtol=1e-4, atol=1e-6)


def test_it_asks_at_the_weights_of_the_step_and_is_traced_once(tmp_path):
    model = network()
    callback = Explain(tmp_path, (X, Y), [PathSum(points=8), Saliency()])
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    expected = keras_explain.explain(model, X, PathSum(points=8), labels=Y)
    np.testing.assert_allclose(run.load("path_sum", 2), expected, rtol=2e-3, atol=1e-4)
    assert np.abs(run.diff("path_sum", -1, 2).values).max() > 0
    made = Pass(model, Probes.of((X, Y)), [PathSum(points=8)])
    made.run()
    made.run()
    (graph,) = made._answers._graphs.values()
    assert graph.experimental_get_tracing_count() <= 3


def test_several_such_methods_ask_alike():
    @dataclass(frozen=True)
    class Again(PathSum):
        name = "again"

        def plan(self, model):
            (place,) = model.inputs.values()
            return Plan(Needs(), {"again": self.spec(model, place, "again", signed=True)})

        def compute(self, ask, plan):
            return {"again": super().compute(ask, plan)["path_sum"]}

    made = Pass(network(), Probes.of((X, Y)), [PathSum(points=4), Again(points=4)])
    outcome = made.run()
    assert not outcome.faults
    np.testing.assert_array_equal(outcome.readings[0]["path_sum"], outcome.readings[1]["again"])


def test_its_failure_leaves_the_others_and_the_next_step(tmp_path):
    callback = Explain(tmp_path, (X, Y), [PathSum(points=2, fails_at=1), Saliency()])
    with pytest.warns(ExplanationWarning, match="path_sum failed at step 0"):
        network().fit(X, Y, epochs=3, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    assert run.steps == (-1, 0, 1, 2)
    assert [failure.step for failure in run.failures] == [0]
    assert run.load("saliency", 0).shape == X.shape
    assert run.load("path_sum", 1).shape == X.shape
