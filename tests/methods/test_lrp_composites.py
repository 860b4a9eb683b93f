"""LRP: what has no rule is named, what a user adds holds, wrong options are refused."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_explain.callbacks import Explain
from keras_explain.methods import LRP
from keras_explain.rules import (
    ByLayer,
    Epsilon,
    EpsilonEverywhere,
    EpsilonGammaBox,
    Flat,
    Gradient,
    LayerRule,
    Z,
    register_rule,
    with_gradient,
)
from tests.methods.relevance import (
    Functional,
    Residual,
    assert_conserves,
    begin,
    explained,
    images,
    relevance,
    sequence,
)


@pytest.fixture(autouse=True)
def seeded():
    begin()


class Doubled(layers.Layer):
    def call(self, x):
        return 2 * x


class Squared(layers.Layer):
    def call(self, x):
        return x * x


class Shares(LayerRule):
    """Half to each factor of a square."""

    def through(self, layer, call, x):
        return with_gradient(call(x), 0.5 * call(x))


class Bent(layers.Layer):
    def call(self, x):
        return ops.exp(x)


def test_a_layer_without_a_rule_is_named_before_training(tmp_path):
    model = sequence(layers.LSTM(5, return_sequences=True, name="memory"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = images(6, 4), np.array([0, 1, 0])
    with pytest.raises(ValueError, match=r"LRP has no rule for layer 'memory'.*Received: LSTM"):
        model.fit(x, y, callbacks=[Explain(tmp_path, (x, y), ["lrp"])])
    with pytest.raises(ValueError, match=r"register_rule\(Bent, Gradient\(\)\).*Bent"):
        explained(sequence(Bent(name="bend")), x)
    # Behind it, relevance is found.
    assert explained(model, x, layer="memory")["lrp/memory"].shape == (3, 6, 5)


class Gated(keras.Model):
    def __init__(self, gate):
        super().__init__()
        self.values, self.weights_of = layers.Dense(4), layers.Dense(4, activation="sigmoid")
        self.out, self.gate = layers.Dense(2), gate

    def call(self, x):
        return self.out(self.gate([self.values(x), self.weights_of(x)]))


def test_what_is_not_linear_between_layers_is_named_too():
    x = images(5)
    for gate, named in ((lambda pair: ops.exp(pair[0]) + pair[1], r"Exp \("),):
        model = Gated(gate)
        model(x)
        with pytest.raises(ValueError, match=rf"such as keras.layers.Multiply.*without.*{named}"):
            explained(model, x)
    for gate in (
        layers.Multiply(),
        lambda pair: pair[0] * pair[1],
        lambda pair: ops.multiply(*pair),
        lambda pair: pair[0] / ops.sqrt(ops.sum(pair[0] ** 2, -1, keepdims=True)),
        lambda pair: ops.maximum(*pair) - 0.5 * ops.relu(pair[0]) + ops.tanh(pair[1]),
        lambda pair: ops.where(pair[0] > 0, pair[0], ops.abs(pair[1])),
    ):
        model = Gated(gate)
        model(x)
        assert_conserves(model, x, composite=EpsilonEverywhere(1e-9))


def test_rules_can_be_registered_and_named():
    x = images(6, 4)
    model = sequence(Doubled(name="twice"), Squared(name="square"))
    given = {"twice": Gradient(), "square": Shares()}
    named = assert_conserves(model, x, composite=given)["lrp"]
    register_rule(Doubled, Gradient())
    register_rule(Squared, Shares())
    np.testing.assert_array_equal(relevance(model, x), named)
    with pytest.raises(ValueError, match="`rule` must be a rule. Received: 'gradient'"):
        register_rule(Doubled, "gradient")


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`composite` must be one of epsilon, epsilon_plus"):
        LRP(composite="zplus")
    with pytest.raises(ValueError, match="must have rules as its values.*Received: 'flat'"):
        LRP(composite={"conv": "flat"})
    with pytest.raises(ValueError, match="layers' names or classes as its keys. Received: 3"):
        LRP(composite={3: Z()})
    model, x = Functional(Residual()), images()
    with pytest.raises(ValueError, match=r"Flat to a layer that an input goes into.*'dense"):
        explained(model, x, composite={model.layers[-1].name: Flat()})
    with pytest.raises(ValueError, match=r"not linear, such as Gradient\(\).*Epsilon.*for ReLU"):
        explained(model, x, composite={layers.ReLU: Epsilon()})
    with pytest.raises(ValueError, match=r"`composite` names no layer.*Received: 'convv'"):
        explained(model, x, composite={"convv": Z()})
    hidden = keras.Sequential([keras.Input((8, 8, 3)), Squared(), layers.Conv2D(2, 3)])
    rules = {Squared: Gradient()}
    with pytest.raises(ValueError, match="the inputs go into, but none"):
        explained(hidden, x, composite=ByLayer(rules, EpsilonGammaBox(0, 1)))
    with pytest.raises(ValueError, match=r"does not broadcast|[Bb]roadcast"):
        explained(model, x, composite=EpsilonGammaBox(np.zeros(2), 1))


def test_its_options_are_kept_in_plain_words():
    box = EpsilonGammaBox(np.zeros(3), np.ones((9, 9, 3)))
    kept = LRP(composite=box).options()["composite"]
    assert (kept["kind"], kept["low"]) == ("EpsilonGammaBox", [0, 0, 0])
    assert kept["high"].startswith("array (9, 9, 3)")
    rules = {"conv": Flat(), (layers.Dense, layers.EinsumDense): Z()}
    assert LRP(composite=rules).options()["composite"] == {
        "conv": {"kind": "Flat", "stabilizer": 1e-6},
        "Dense, EinsumDense": {"kind": "Z"},
    }
