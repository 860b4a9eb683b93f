"""Every rule against its formula, written out over all pairs of an input and an output."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import LRP
from keras_explain.rules import AlphaBeta, Epsilon, Flat, Gamma, WSquare, Z, ZBox, ZPlus
from tests.agreement import agrees

RNG = np.random.default_rng(11)
X = RNG.normal(size=(4, 6)).astype("f4")
X[:, 2] = 0
KERNEL, BIAS = RNG.normal(size=(6, 5)), RNG.normal(size=5)
OUT = RNG.normal(size=(5, 1))


def up(values):
    return np.maximum(values, 0)


def down(values):
    return np.minimum(values, 0)


def stabilized(values, epsilon=1e-6):
    return values + np.where(values < 0, -epsilon, epsilon)


def handed_out(share, relevance):
    """`share` is `(rows, inputs, outputs)`."""
    return (share * relevance[:, None]).sum(axis=-1)


def z(p, r, bias):
    return handed_out(p / (p.sum(axis=1) + bias)[:, None], r)


def epsilon(p, r, bias):
    return handed_out(p / stabilized(p.sum(axis=1) + bias, 0.3)[:, None], r)


def z_plus(p, r, bias):
    return handed_out(up(p) / stabilized(up(p).sum(axis=1) + up(bias))[:, None], r)


def alpha_beta(p, r, bias):
    against = down(p) / stabilized(down(p).sum(axis=1) + down(bias))[:, None]
    return 3 * z_plus(p, r, bias) - 2 * handed_out(against, r)


def gamma(p, r, bias):
    found = 0
    for part, sign in ((up, 1), (down, -1)):
        # The part of a product that has the output's sign counts more.
        more = p + 0.4 * part(p)
        share = more / stabilized(more.sum(axis=1) + bias + 0.4 * part(bias))[:, None]
        found = found + handed_out(share, np.where(sign * (p.sum(axis=1) + bias) > 0, r, 0))
    return found


def z_box(p, r, bias):
    pushed = p + 2 * up(KERNEL) - 3 * down(KERNEL)
    return handed_out(pushed / stabilized(pushed.sum(axis=1))[:, None], r)


def flat(p, r, bias):
    return handed_out(np.full_like(p, 1 / 6), r)


def w_square(p, r, bias):
    return handed_out(np.broadcast_to(KERNEL**2 / (KERNEL**2).sum(axis=0), p.shape), r)


RULES = {
    z: Z(),
    epsilon: Epsilon(0.3),
    z_plus: ZPlus(),
    alpha_beta: AlphaBeta(3, 2),
    gamma: Gamma(0.4),
    z_box: ZBox(-2, 3),
    flat: Flat(),
    w_square: WSquare(),
}


def network(bias=BIAS):
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, activation="relu", name="hidden"),
            layers.Dense(1, use_bias=False, name="out"),
        ]
    )
    model.set_weights([KERNEL, bias, OUT])
    return model


@pytest.mark.parametrize("formula", RULES, ids=lambda formula: formula.__name__)
def test_a_rule_is_its_formula(formula):
    composite = {"hidden": RULES[formula], "out": Z()}
    found = keras_explain.explain(network(), X, LRP(composite=composite), target=0)["lrp"]
    products = X[:, :, None].astype("f8") * KERNEL
    relevance = up(products.sum(axis=1) + BIAS) * OUT[:, 0]
    agrees("lrp", "NumPy", found, formula(products, relevance, BIAS))
    assert (np.abs(found[:, 2]).max() > 0) == (formula in (z_box, flat, w_square))


@pytest.mark.parametrize("formula", RULES, ids=lambda formula: formula.__name__)
def test_a_rule_conserves_relevance_without_biases(formula):
    rule = Epsilon(0) if formula is epsilon else RULES[formula]
    model = network(np.zeros(5))
    found = keras_explain.explain(model, X, LRP(composite={"hidden": rule, "out": Z()}), target=0)
    np.testing.assert_allclose(found["lrp"].sum(axis=1), np.asarray(model(X))[:, 0], rtol=1e-4)
    assert np.abs(found["lrp/conservation"]).max() < 1e-4


def test_the_example_of_a_hand():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, use_bias=False, name="out")])
    model.set_weights([np.array([[3.0], [-1.0]])])
    x = np.array([[1.0, 2.0]], "f4")  # products 3 and -2, score 1
    for rule, expected in (
        (Z(), [3, -2]),
        (Epsilon(1.0), [1.5, -1]),
        (ZPlus(), [1, 0]),
        (AlphaBeta(2, 1), [2, -1]),
        (Gamma(1.0), [6 / 4, -2 / 4]),
        (Flat(), [0.5, 0.5]),
        (WSquare(), [0.9, 0.1]),
        (ZBox(0, 4), [3 / 5, 2 / 5]),  # 1 * 3 - 0 and 2 * -1 - 4 * -1
    ):
        found = keras_explain.explain(model, x, LRP(composite={"out": rule}), target=0)["lrp"]
        agrees("lrp", "closed form", found, [expected])


def test_where_there_is_nothing_there_is_no_relevance():
    x = X.copy()
    x[1] = 0
    model = network(np.zeros(5))
    for rule in (Z(), Epsilon(0), ZPlus(0), Gamma(0.1, 0), AlphaBeta(2, 1, 0)):
        found = keras_explain.explain(model, x, LRP(composite={"hidden": rule}), target=0)
        assert np.isfinite(found["lrp"]).all()
        assert not found["lrp"][1].any()


def test_wrong_options_of_rules_are_named():
    with pytest.raises(ValueError, match=r"`alpha - beta` must be 1. Received: alpha=2, beta=2"):
        AlphaBeta(2, 2)
    with pytest.raises(ValueError, match="`epsilon` must be at least 0. Received: -1"):
        Epsilon(-1)
    with pytest.raises(ValueError, match="`gamma` must be at least 0. Received: -0.1"):
        Gamma(-0.1)
