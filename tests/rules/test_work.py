"""What the rules of LRP compute beside a forward and a backward pass, counted by hand."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_explain.answers import Call
from keras_explain.methods.lrp import LRP
from keras_explain.passes import Pass
from keras_explain.probes import Probes

FIRST, SECOND = 4 * 6, 6 * 2
"""Products of weights and inputs in the two layers."""


def calls(composite):
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(6, activation="relu"), layers.Dense(2)]
    )
    made = Pass(model, Probes.of((np.ones((3, 4), "float32"), np.zeros(3, int))), [LRP(composite)])
    made.run()
    made.run()
    return made.calls()


def test_epsilon_costs_nothing_beside_the_gradient():
    assert calls("epsilon") == {Call(3, False): 1, Call(3, True): 1}


def test_zplus_runs_layers_again_twice_where_inputs_have_both_signs():
    from keras_explain.rules import ZPlus

    found = calls({layers.Dense: ZPlus()})
    whole = FIRST + SECOND
    forward, backward = (2 * FIRST + SECOND) / whole, FIRST / whole
    assert found[Call(3, False)] == pytest.approx(1 + forward - backward)
    assert found[Call(3, True)] == pytest.approx(1 + backward)
