"""Counterfactuals: the nearest point of the boundary, where it is known."""

import keras
import numpy as np
import pytest
from keras import layers
from scipy.optimize import minimize

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import Counterfactual
from tests.agreement import agrees
from tests.seeds import seed

RNG = np.random.default_rng(12)


def linear(outputs, activation=None):
    model = keras.Sequential([keras.Input((5,)), layers.Dense(outputs, activation=activation)])
    kernel = np.random.default_rng(1).normal(size=(5, outputs))
    kernel[2] = 0
    model.set_weights([kernel, np.random.default_rng(2).normal(size=outputs)])
    return model


def curved():
    keras.utils.set_random_seed(seed(4))
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(16, activation="tanh"), layers.Dense(3)]
    )


def test_of_a_linear_model_it_is_the_way_to_the_plane():
    model, x = linear(3, "softmax"), RNG.normal(size=(6, 5)).astype("f4")
    found = keras_explain.explain(model, x, "counterfactual", target=0)
    kernel, bias = model.get_weights()
    order = np.argsort(x @ kernel + bias, axis=1)
    normal = (kernel[:, order[:, -1]] - kernel[:, order[:, -2]]).T
    scores = np.sort(x @ kernel + bias, axis=1)
    length = (scores[:, -1] - scores[:, -2]) / (normal**2).sum(axis=1)
    agrees("counterfactual", "closed form", found["counterfactual"], -length[:, None] * normal)
    assert (found["counterfactual/flipped"] == 1).all()
    assert (found["counterfactual"][:, 2] == 0).all()  # an unused input
    distance = np.linalg.norm(found["counterfactual"], axis=1)
    np.testing.assert_allclose(found["counterfactual/distance"], distance, rtol=1e-5)


def test_one_output_crosses_its_threshold():
    model, x = linear(1, "sigmoid"), RNG.normal(size=(6, 5)).astype("f4")
    (kernel, bias), threshold = model.get_weights(), 0.4
    found = keras_explain.explain(model, x, Counterfactual(threshold=threshold), target=0)
    score = (x @ kernel + bias)[:, 0] - threshold
    expected = -score[:, None] * kernel[:, 0] / (kernel**2).sum()
    agrees("counterfactual", "closed form", found["counterfactual"], expected)


def test_the_decision_flips_and_no_nearer_point_is_known_to_scipy():
    model, x = curved(), RNG.normal(size=(4, 4)).astype("f4")
    found = keras_explain.explain(model, x, Counterfactual(steps=150), target=0)
    assert (found["counterfactual/flipped"] == 1).all()
    (first, bias), (second, offset) = (
        [w.astype("f8") for w in layer.get_weights()] for layer in model.layers
    )

    def logits(point):
        return np.tanh(point @ first + bias) @ second + offset

    nearest = []
    for row, change in zip(x.astype("f8"), found["counterfactual"], strict=True):
        now, other = np.argsort(logits(row))[[-1, -2]]
        constraint = {
            "type": "eq",
            "fun": lambda d, row=row, now=now, other=other: (
                logits(row + d)[now] - logits(row + d)[other]
            ),
        }
        result = minimize(
            lambda d: (d**2).sum(),
            change.astype("f8"),
            constraints=[constraint],
            tol=1e-14,
            method="SLSQP",
        )
        nearest.append(np.sqrt(result.fun))
        assert logits(row + 1.001 * change).argmax() != now
    agrees("counterfactual", "SciPy SLSQP", found["counterfactual/distance"], nearest)


def test_it_stays_in_its_range_and_goes_where_it_is_sent():
    model, x = linear(3), RNG.uniform(0.2, 0.8, size=(6, 5)).astype("f4")
    options = Counterfactual(low=0.0, high=1.0, towards=2)
    found = keras_explain.explain(model, x, options, target=0)
    changed = x + found["counterfactual"]
    assert changed.min() >= -1e-6
    assert changed.max() <= 1 + 1e-6
    now = np.asarray(model(x)).argmax(axis=1)
    free = keras_explain.explain(model, x, Counterfactual(towards=2), target=0)
    scores = np.asarray(model(x + 1.001 * free["counterfactual"]))
    rows = np.arange(6)
    assert (scores[rows, 2] >= scores[rows, now])[now != 2].all()


def test_token_ids_are_changed_at_their_embedding():
    model = keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            layers.Embedding(9, 3, name="words"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2),
        ]
    )
    found = keras_explain.explain(model, RNG.integers(0, 9, (3, 6)), "counterfactual", target=0)
    assert found["counterfactual/words"].shape == (3, 6, 3)
    assert (found["counterfactual/flipped"] == 1).all()


def test_options_are_checked():
    with pytest.raises(ValueError, match="`steps` must be at least 1"):
        Counterfactual(steps=0)
    with pytest.raises(ValueError, match="`low` must be below `high`"):
        Counterfactual(low=1.0, high=0.0)
    with pytest.raises(ValueError, match="`towards` must name one of the model's outputs, 0 to 2"):
        keras_explain.explain(linear(3), np.zeros((1, 5), "f4"), Counterfactual(towards=3))


def test_it_is_watched_while_the_network_learns(tmp_path):
    model, x = linear(3, "softmax"), RNG.normal(size=(8, 5)).astype("f4")
    y = RNG.integers(0, 3, 8)
    model.compile("sgd", "sparse_categorical_crossentropy")
    callback = Explain(tmp_path, (x, y), [Counterfactual()], strict=True)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
    expected = keras_explain.explain(model, x, "counterfactual", labels=y)["counterfactual"]
    kept = keras_explain.Run(tmp_path).load("counterfactual", 1)
    np.testing.assert_allclose(kept, expected, atol=2e-3 * np.abs(expected).max())
