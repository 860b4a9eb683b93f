"""Saliency and gradient x input: closed forms and axioms."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import Gradient, GradientTimesInput, Saliency
from tests.agreement import agrees

RNG = np.random.default_rng(5)


def linear(weights):
    """score_c = sum over the input of weights[..., c] * input, then a softmax."""
    model = keras.Sequential(
        [
            keras.Input(weights.shape[:-1]),
            layers.Flatten(),
            layers.Dense(weights.shape[-1], use_bias=False, activation="softmax"),
        ]
    )
    model.set_weights([weights.reshape(-1, weights.shape[-1])])
    return model


def test_saliency_of_a_linear_model_is_the_size_of_its_weights():
    weights = RNG.normal(size=(4, 5, 2, 3)).astype("float32")
    x = RNG.normal(size=(2, 4, 5, 2)).astype("float32")
    found = keras_explain.explain(linear(weights), x, "saliency", target=[2, 0])
    # d(sum of w*x)/dx = w, whatever x: the softmax is looked through.
    np.testing.assert_allclose(found, np.abs([weights[..., 2], weights[..., 0]]), rtol=1e-6)


def test_the_gradient_of_a_linear_model_is_its_weights():
    weights = RNG.normal(size=(4, 5, 2, 3)).astype("float32")
    x = RNG.normal(size=(2, 4, 5, 2)).astype("float32")
    found = keras_explain.explain(linear(weights), x, "gradient", target=[2, 0])
    agrees("gradient", "closed form", found, [weights[..., 2], weights[..., 0]])


def test_gradient_times_input_of_a_linear_model_is_each_term_of_the_score():
    weights = RNG.normal(size=(4, 5, 2, 3)).astype("float32")
    x = RNG.normal(size=(2, 4, 5, 2)).astype("float32")
    found = keras_explain.explain(linear(weights), x, GradientTimesInput(), target=1)
    np.testing.assert_allclose(found, weights[None, ..., 1] * x, rtol=1e-6)


def relu_net(bias):
    model = keras.Sequential(
        [
            keras.Input((9, 9, 2)),
            layers.Conv2D(6, 3, activation="relu", use_bias=bias, name="conv"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(4, use_bias=bias),
        ]
    )
    return model


@pytest.mark.parametrize("layer", [None, "conv"])
def test_gradient_times_input_is_complete_without_biases(layer):
    # A network of ReLUs and maxima without biases is homogeneous: f(x) = f'(x) x (Euler).
    model, x = relu_net(bias=False), RNG.normal(size=(5, 9, 9, 2)).astype("float32")
    found = keras_explain.explain(model, x, "gradient_times_input", target=3, layer=layer)
    scores = np.asarray(model(x))[:, 3]
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)), scores, rtol=1e-4, atol=1e-6)


def test_at_a_layer_gradient_times_input_is_gradient_times_activation():
    model, x = relu_net(bias=True), RNG.normal(size=(3, 9, 9, 2)).astype("float32")
    model.layers[0].bias.assign(RNG.normal(size=6))
    found = keras_explain.explain(model, x, GradientTimesInput(layer="conv"), target=1)
    activation = np.asarray(keras.Model(model.inputs[0], model.layers[0].output)(x))
    gradient = keras_explain.explain(model, x, Saliency(layer="conv"), target=1)
    np.testing.assert_allclose(np.abs(found), gradient * activation, rtol=1e-5)
    assert (found[activation == 0] == 0).all()


def test_an_input_that_is_not_used_gets_zero():
    weights = RNG.normal(size=(4, 5, 2, 3)).astype("float32")
    weights[1:3, 2] = 0
    x = RNG.normal(size=(1, 4, 5, 2)).astype("float32")
    for method in (Gradient(), Saliency(), GradientTimesInput()):
        found = keras_explain.explain(linear(weights), x, method, target=0)
        assert (found[0, 1:3, 2] == 0).all()
        assert (found[0, 0] != 0).all()


def test_saliency_agrees_with_differences():
    model, x = relu_net(bias=True), RNG.normal(size=(1, 9, 9, 2)).astype("float64")
    keras_model = keras.models.clone_model(model)
    keras_model.set_weights(model.get_weights())
    found = keras_explain.explain(model, x.astype("float32"), "saliency", target=0)[0]
    step = 1e-2
    for place in [(0, 0, 0), (4, 4, 1), (8, 3, 0)]:
        up, down = x.copy(), x.copy()
        up[(0, *place)] += step
        down[(0, *place)] -= step
        scores = np.asarray(keras_model(np.concatenate([up, down]).astype("float32")))[:, 0]
        assert abs(scores[0] - scores[1]) / (2 * step) == pytest.approx(found[place], abs=2e-3)


def test_each_probe_has_its_own_target_and_is_alone():
    model, x = relu_net(bias=True), RNG.normal(size=(3, 9, 9, 2)).astype("float32")
    together = keras_explain.explain(model, x, "saliency", target=[0, 1, 2])
    for index in range(3):
        alone = keras_explain.explain(model, x[index : index + 1], "saliency", target=index)
        np.testing.assert_allclose(together[index], alone[0], rtol=1e-5, atol=1e-7)


def test_the_predicted_target_is_the_highest_output():
    model, x = relu_net(bias=True), RNG.normal(size=(6, 9, 9, 2)).astype("float32")
    highest = np.asarray(model(x)).argmax(axis=1)
    predicted = keras_explain.explain(model, x, "saliency", target="predicted")
    np.testing.assert_array_equal(
        predicted, keras_explain.explain(model, x, "saliency", target=highest)
    )
