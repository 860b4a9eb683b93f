"""Integrated gradients: completeness, and what is asked."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import IntegratedGradients
from tests.agreement import agrees

RNG = np.random.default_rng(6)


def network():
    model = keras.Sequential(
        [
            keras.Input((9, 9, 2)),
            layers.Conv2D(6, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.layers[0].bias.assign(RNG.normal(size=6))
    return model


def logits(model, x):
    inner = keras.Model(model.inputs[0], model.layers[-2].output)
    kernel, bias = model.layers[-1].get_weights()
    return np.asarray(inner(x)) @ kernel + bias


def test_the_gradient_of_a_product_is_integrated_exactly():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    score = layers.Lambda(lambda x: keras.ops.sum(x, axis=-1, keepdims=True))(
        layers.Multiply()([a, b])
    )
    model = keras.Model([a, b], score)
    x = [RNG.normal(size=(4, 3)).astype("f4") for _ in range(2)]
    found = keras_explain.explain(model, x, IntegratedGradients(steps=1), target=0)
    # Along t*(a, b) the gradient at a is t*b, whose mean is b/2: a and b share their product.
    for name in "ab":
        agrees("integrated_gradients", "closed form", found[f"integrated_gradients/{name}"],
               x[0] * x[1] / 2)  # fmt: skip


@pytest.mark.parametrize("baseline", [0.0, 0.5, RNG.normal(size=(9, 9, 2)).astype("f4")])
def test_integrated_gradients_is_complete(baseline):
    model, x = network(), RNG.normal(size=(5, 9, 9, 2)).astype("f4")
    target = [0, 1, 2, 3, 0]
    found = keras_explain.explain(
        model, x, IntegratedGradients(steps=256, baseline=baseline), target=target
    )
    gained = logits(model, x) - logits(model, np.broadcast_to(baseline, x.shape).astype("f4"))
    gained = gained[np.arange(5), target]
    attribution = found["integrated_gradients"].sum(axis=(1, 2, 3))
    np.testing.assert_allclose(attribution, gained, atol=1e-2)
    expected = (attribution - gained) / np.abs(gained)
    np.testing.assert_allclose(found["integrated_gradients/gap"], expected, atol=1e-4)


def test_it_lies_on_a_layer_if_one_is_named():
    model, x = network(), RNG.normal(size=(2, 9, 9, 2)).astype("f4")
    found = keras_explain.explain(model, x, "integrated_gradients", target=1, layer="conv")
    attribution = found["integrated_gradients/conv"]
    assert attribution.shape == (2, 7, 7, 6)
    nothing = np.asarray(model.layers[-1].bias)[1]
    gained = logits(model, x)[:, 1] - nothing
    np.testing.assert_allclose(attribution.sum(axis=(1, 2, 3)), gained, atol=1e-2)


def test_token_ids_are_explained_at_their_embedding():
    model = keras.Sequential(
        [
            keras.Input((8,), dtype="int32"),
            layers.Embedding(20, 6, name="words"),
            layers.Conv1D(4, 3, activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(3),
        ]
    )
    x = RNG.integers(0, 20, (3, 8))
    found = keras_explain.explain(model, x, "integrated_gradients", target=2)
    assert found["integrated_gradients/words"].shape == (3, 8, 6)
    assert np.abs(found["integrated_gradients/gap"]).max() < 0.05


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`steps` must be at least 1"):
        IntegratedGradients(steps=0)
    with pytest.raises(ValueError, match=r"`baseline` must broadcast to \(2, 9, 9, 2\)"):
        keras_explain.explain(
            network(), np.zeros((2, 9, 9, 2), "f4"), IntegratedGradients(baseline=[1, 2, 3])
        )
