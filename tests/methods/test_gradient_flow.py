"""Gradient flow: chain rule by hand, the order of the layers, and vanishing gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import GradientFlow, Saliency
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from tests.agreement import agrees
from tests.seeds import seed

RNG = np.random.default_rng(21)


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(seed(4))


def dense(*sizes):
    stack = []
    for size in sizes[1:-1]:
        stack += [layers.Dense(size), layers.ReLU()]
    return keras.Sequential([keras.Input((sizes[0],)), *stack, layers.Dense(sizes[-1], "softmax")])


def names_of(model, x):
    made = Pass(model, Probes.of((x,)), [GradientFlow()], 0)
    return made.built.plans[0].specs["gradient_flow"].labels["layer"]


def test_a_dense_network_s_norms_are_the_chain_rule_s():
    model, x = dense(6, 5, 4, 3), RNG.normal(size=(7, 6)).astype("f4")
    targets = RNG.integers(0, 3, 7)
    found = keras_explain.explain(model, x, "gradient_flow", target=targets)
    first, second, last = (layer.get_weights() for layer in model.layers[::2])
    below = x.astype("f8") @ first[0] + first[1]
    above = np.maximum(below, 0) @ second[0] + second[1]
    at_relu_2 = last[0].T[targets]
    at_dense_2 = at_relu_2 * (above > 0)
    at_relu_1 = at_dense_2 @ second[0].T
    at_dense_1 = at_relu_1 * (below > 0)
    gradients = [at_dense_1, at_relu_1, at_dense_2, at_relu_2]
    agrees("gradient_flow", "closed form", found["gradient_flow"],
           np.stack([np.linalg.norm(g, axis=1) for g in gradients], axis=1))  # fmt: skip
    agrees("gradient_flow", "closed form", found["gradient_flow/zeros"],
           np.stack([(g == 0).mean(axis=1) for g in gradients], axis=1))  # fmt: skip


def test_a_convolutional_network_s_norms_are_the_tape_s():
    joint = keras.Input((8, 8, 2))
    a = layers.Conv2D(4, 3, padding="same", activation="relu", name="a")(joint)
    b = layers.BatchNormalization(name="b")(a)
    c = layers.Add(name="c")([a, layers.Conv2D(4, 1, name="side")(b)])
    model = keras.Model(joint, layers.Dense(3, name="out")(layers.Flatten(name="flat")(c)))
    x = RNG.normal(size=(4, 8, 8, 2)).astype("f4")
    found = keras_explain.explain(model, x, GradientFlow(), target=1)["gradient_flow"]
    names = names_of(model, x)
    assert names == ("a", "b", "side", "c", "flat")
    watched = keras.Model(joint, [*(model.get_layer(n).output for n in names), model.output])
    with tf.GradientTape() as tape:
        start = tf.Variable(x)
        *values, out = watched(start)
        score = tf.reduce_sum(out[:, 1])
    gradients = tape.gradient(score, values)
    expected = [np.linalg.norm(np.reshape(g, (4, -1)).astype("f8"), axis=1) for g in gradients]
    agrees("gradient_flow", "GradientTape", found, np.stack(expected, axis=1))


def test_layers_inside_of_others_are_named_and_the_head_is_left_out():
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(5, name="d")], name="inner")
    model = keras.Sequential(
        [
            keras.Input((6,)),
            inner,
            layers.Dropout(0.5, name="drop"),
            layers.Dense(2, name="out"),
            layers.Activation("softmax", name="soft"),
        ]
    )
    assert names_of(model, np.zeros((1, 6), "f4")) == ("inner/d", "drop")


def test_what_vanishes_is_measured_not_lost():
    model, x = dense(6, 5, 4, 3), RNG.normal(size=(3, 6)).astype("f4")
    usual = keras_explain.explain(model, x, GradientFlow(), target=0)["gradient_flow"]
    model.layers[-1].kernel.assign(model.layers[-1].kernel * 1e-25)
    small = keras_explain.explain(model, x, GradientFlow(), target=0)["gradient_flow"]
    np.testing.assert_allclose(small * 1e25, usual, rtol=1e-4)


def test_a_layer_that_the_score_ignores_gets_nothing():
    model, x = dense(6, 5, 3), RNG.normal(size=(3, 6)).astype("f4")
    model.layers[0].bias.assign([-100.0] * 5)  # behind it every ReLU is off
    found = keras_explain.explain(model, x, GradientFlow(), target=0)
    np.testing.assert_array_equal(found["gradient_flow"][:, 0], 0)
    np.testing.assert_array_equal(found["gradient_flow/zeros"], [[1, 0]] * 3)


def test_token_ids_and_a_model_without_inner_layers():
    model = keras.Sequential(
        [
            keras.Input((8,), dtype="int32"),
            layers.Embedding(20, 6, name="words"),
            layers.GlobalAveragePooling1D(name="mean"),
            layers.Dense(3, name="out"),
        ]
    )
    ids = RNG.integers(0, 20, (4, 8))
    found = keras_explain.explain(model, ids, GradientFlow(), target=1)["gradient_flow"]
    size = np.linalg.norm(model.layers[-1].kernel[:, 1])
    np.testing.assert_allclose(found, [[size / np.sqrt(8), size]] * 4, rtol=1e-5)
    only = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="only")])
    with pytest.raises(ValueError, match="needs a layer before the one that makes.*Known: only"):
        keras_explain.explain(only, np.zeros((1, 3), "f4"), GradientFlow())


def test_it_is_kept_at_every_epoch(tmp_path):
    model, x = dense(6, 5, 4, 3), RNG.normal(size=(8, 6)).astype("f4")
    y = RNG.integers(0, 3, 8)
    model.compile("sgd", "sparse_categorical_crossentropy")
    callback = Explain(tmp_path, (x[:4], y[:4]), [GradientFlow(), Saliency()])
    model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    assert not run.failures
    expected = keras_explain.explain(model, x[:4], GradientFlow(), labels=y[:4])
    for key in ("gradient_flow", "gradient_flow/zeros"):
        np.testing.assert_allclose(run.load(key, 1), expected[key], rtol=1e-5, atol=1e-7)
        assert run.specs[key].axes == ("layer",)
