"""DeepLIFT: the paper's examples, and other implementations."""

import importlib.util

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_explain
from tests.agreement import agrees
from tests.methods.lifted import RNG, TINY, begin, convolutional, dense, lifted
from tests.reference.rules_reference import ACTIVATIONS, TABLE, attributions, weights


@pytest.fixture(autouse=True)
def same_weights():
    begin()


# The paper's examples.


def test_a_saturated_unit_still_counts():
    # 1 - relu(1 - a - b) is 1 from a + b = 1 on, with a gradient of zero (figure 1).
    model = dense(([[-1], [-1]], [1]), ([[-1]], [1]))
    found = lifted(model, np.array([[1, 1], [2, 1]], "f4"))
    agrees("deep_lift", "closed form", found["deep_lift"], [[0.5, 0.5], [2 / 3, 1 / 3]])


def test_a_jump_at_a_threshold_is_shared():
    # relu(a - 10): gradient times input says 10 + epsilon and a bias of -10 (figure 2).
    model = dense(([[1]], [-10]), ([[1]], [0]))
    found = lifted(model, np.array([[10.5], [9.5], [12]], "f4"))
    agrees("deep_lift", "closed form", found["deep_lift"], [[0.5], [0], [2]])


@pytest.mark.parametrize("a", [3.0, 5.0, 7.0])
def test_reveal_cancel_shares_a_minimum(a):
    # min(a, b) = a - relu(a - b). Rescale gives all of it to the smaller (section 3.4).
    model = dense(([[1, 1], [-1, 0]], [0, 0]), ([[-1], [1]], [0]))
    x, least = np.array([[a, 4.0]], "f4"), min(a, 4.0)
    found = lifted(model, x, rule="reveal_cancel")
    agrees("deep_lift", "closed form", found["deep_lift"], [[least / 2, least / 2]])
    rescaled = lifted(model, x)["deep_lift"]
    np.testing.assert_allclose(rescaled, [[least, 0]] if a < 4 else [[0, least]], atol=1e-6)


def test_reveal_cancel_shares_an_and():
    # relu(a + b - 1) of two bits is their AND; so is a sum of them that has to beat a veto.
    model = dense(([[1], [1]], [-1]), ([[1]], [0]))
    found = lifted(model, np.array([[1, 1]], "f4"), rule="reveal_cancel")
    agrees("deep_lift", "closed form", found["deep_lift"], [[0.5, 0.5]])
    # relu(a - b) at a = b = 1: nothing comes out, but each of the two on its own matters.
    model = dense(([[1], [-1]], [0]), ([[1]], [0]))
    found = lifted(model, np.array([[1, 1]], "f4"), rule="reveal_cancel")
    agrees("deep_lift", "closed form", found["deep_lift"], [[0.5, -0.5]])
    assert not lifted(model, np.array([[1, 1]], "f4"))["deep_lift"].any()


def test_a_product_is_shared_alike():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    model = keras.Model([a, b], layers.Dense(1, use_bias=False)(layers.Multiply()([a, b])))
    model.set_weights([np.ones((3, 1))])
    x = [RNG.normal(size=(4, 3)).astype("f4") for _ in range(2)]
    found = lifted(model, x, {"a": 0.0, "b": 1.0})
    # d(a b) = da mean(b) + mean(a) db
    agrees("deep_lift", "closed form", found["deep_lift/a"], x[0] * (x[1] + 1) / 2)
    agrees("deep_lift", "closed form", found["deep_lift/b"], x[0] / 2 * (x[1] - 1))


# Other implementations.


def reveal_cancel_by_hand(x, x0, parameters, function):
    """Equations 5 to 12 for a dense network, one row and unit at a time."""
    seen, z, z0 = [], x, x0
    for kernel, bias in parameters[:-1]:
        before, before0 = z @ kernel + bias, z0 @ kernel + bias
        seen.append((z - z0, kernel, before0))
        z, z0 = function(before), function(before0)
    multipliers = parameters[-1][0][:, 0]
    for difference, kernel, start in seen[::-1]:
        contributions = difference[:, None] * kernel
        up = np.where(contributions > 0, contributions, 0).sum(axis=0) + TINY
        down = np.where(contributions < 0, contributions, 0).sum(axis=0) - TINY
        f = function
        of_up = (f(start + up) - f(start) + f(start + down + up) - f(start + down)) / 2
        of_down = (f(start + down) - f(start) + f(start + up + down) - f(start + up)) / 2
        rates = np.where(contributions > 0, of_up / up, of_down / down)
        # What does not differ belongs half to either.
        rates = np.where(contributions == 0, (of_up / up + of_down / down) / 2, rates)
        multipliers = (kernel * rates) @ multipliers
    return multipliers * (x - x0)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_reveal_cancel_agrees_with_numpy(activation):
    function = {
        "relu": lambda z: np.maximum(z, 0),
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "tanh": np.tanh,
    }[activation]
    shapes = (6, 8), (8, 5), (5, 1)
    parameters = [(RNG.normal(size=s) / 2, RNG.normal(size=s[1]) / 2) for s in shapes]
    x, x0 = RNG.normal(size=(2, 5, 6))
    model = dense(*parameters, activation=activation)
    found = lifted(model, x.astype("f4"), x0.astype("f4"), "reveal_cancel")["deep_lift"]
    expected = [reveal_cancel_by_hand(*ends, parameters, function) for ends in zip(x, x0)]  # noqa: B905
    agrees("deep_lift", "NumPy (reveal-cancel)", found, expected)


def test_reveal_cancel_sees_through_batch_normalisation():
    kernel, last = RNG.normal(size=(5, 4)), RNG.normal(size=(4, 1))
    bias, gamma, beta, mean = RNG.normal(size=(4, 4))
    variance = RNG.uniform(0.5, 2, 4)
    normal = layers.BatchNormalization(epsilon=0.0)
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(4), normal, layers.ReLU(), layers.Dense(1)]
    )
    model.layers[0].set_weights([kernel, bias])
    normal.set_weights([gamma, beta, mean, variance])
    model.layers[3].set_weights([last, np.zeros(1)])
    scale = gamma / np.sqrt(variance)
    folded = dense((kernel * scale, (bias - mean) * scale + beta), (last, [0]))
    x = RNG.normal(size=(3, 5)).astype("f4")
    found, expected = (lifted(m, x, 0.2, "reveal_cancel")["deep_lift"] for m in (model, folded))
    assert np.abs(lifted(model, x, 0.2)["deep_lift"] - expected).max() > 1e-2
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def max_pool_by_hand(x, x0, kernel):
    """A maximum of pairs, then a dense layer: where each gain and each loss comes from."""
    found = np.zeros_like(x)
    for row in range(len(x)):
        for window, weight in enumerate(kernel):
            at = slice(2 * window, 2 * window + 2)
            most, most0 = x[row, at].max(), x0[row, at].max()
            highest = max(most, most0)
            found[row, 2 * window + x[row, at].argmax()] += (highest - most0) * weight
            found[row, 2 * window + x0[row, at].argmax()] += (most - highest) * weight
    return found


@pytest.mark.parametrize("pool", ["layer", "ops.max", "ops.maximum", "minimum"])
def test_maxima_agree_with_numpy(pool):
    x = inputs = keras.Input((8, 1))
    if pool == "layer":
        x = layers.MaxPooling1D(2)(x)
    elif pool == "ops.max":
        x = ops.max(ops.reshape(x, (-1, 4, 2)), axis=-1)
    elif pool == "ops.maximum":
        x = ops.maximum(x[:, ::2], x[:, 1::2])
    else:
        x = -ops.minimum(-x[:, ::2], -x[:, 1::2])
    model = keras.Model(inputs, layers.Dense(1, use_bias=False)(layers.Flatten()(x)))
    kernel = RNG.normal(size=4)
    model.set_weights([kernel[:, None]])
    ends = RNG.normal(size=(2, 5, 8)).astype("f4")
    found = lifted(model, ends[0, ..., None], ends[1, ..., None])["deep_lift"][..., 0]
    agrees("deep_lift", "NumPy (maxima)", found, max_pool_by_hand(*ends, kernel))


def assert_agrees(given, expected, activation):
    model = convolutional(given, activation)
    found = lifted(model, given["inputs"], given["baseline"], target=given["targets"])
    agrees("deep_lift", "Captum", found["deep_lift"], expected)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_agrees_with_the_table_of_captum(activation):
    table = dict(np.load(TABLE))
    assert_agrees(table, table[f"captum/deep_lift/{activation}"], activation)


@pytest.mark.live
@pytest.mark.skipif(not importlib.util.find_spec("captum"), reason="captum is not installed")
def test_agrees_with_captum_on_new_weights():
    given = weights(seed=5)
    expected = attributions(given)
    for activation in ("relu", "tanh"):
        assert_agrees(given, expected[f"deep_lift/{activation}"], activation)


@pytest.mark.every_backend
@pytest.mark.parametrize(
    "convolution",
    [
        layers.Conv2D(6, 3, groups=3),
        layers.Conv2D(4, 2, groups=2, strides=2, padding="same"),
        layers.DepthwiseConv2D(3, depth_multiplier=2),
    ],
    ids=["grouped", "grouped with strides", "depthwise"],
)
def test_a_convolution_by_groups_is_linear(convolution):
    """So the multipliers are its gradient."""
    x = RNG.normal(size=(3, 8, 8, 6)).astype("f4")
    inputs = keras.Input((8, 8, 6))
    pooled = layers.GlobalAveragePooling2D()(convolution(inputs))
    model = keras.Model(inputs, layers.Dense(2)(pooled))
    found = lifted(model, x)
    expected = keras_explain.explain(model, x, "gradient_times_input", target=0)
    np.testing.assert_allclose(found["deep_lift"], expected, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_allclose(found["deep_lift/gap"], 0, atol=1e-4)
