"""Attention norms: the vectors add up to the layer's output, and their lengths are right."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import AttentionNorms
from tests.agreement import agrees
from tests.methods.transformers import stack, text, vision
from tests.reference.attention_reference import LAYERS, TABLE

RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 6, 8)).astype("float32")


def vectors(attention, values, kernel):
    """What each key adds to each query by each head, `(rows, heads, queries, keys, channels)`."""
    heads, own = attention.shape[1], values.shape[2]
    values = np.repeat(np.asarray(values, "f8"), heads // own, axis=2)
    return np.einsum("bhqk,bkhd,hdm->bhqkm", attention.astype("f8"), values, np.asarray(kernel))


def assert_right(found, name, parts, against):
    norm = np.linalg.norm
    agrees("attention_norms", against, found[f"attention_norms/{name}/heads"], norm(parts, axis=-1))
    agrees("attention_norms", against, found[f"attention_norms/{name}"],
           norm(parts.sum(axis=1), axis=-1))  # fmt: skip


@pytest.mark.parametrize("kind", ["plain", "causal"])
def test_it_is_right_on_pytorchs_weights(kind):
    given = dict(np.load(TABLE))
    model, x = stack(given, kind == "causal"), given["inputs"]
    found = keras_explain.explain(model, x, "attention_norms")
    for i in range(LAYERS):
        values = np.einsum("btm,mhd->bthd", x, given[f"value{i}"]) + given[f"value_bias{i}"]
        parts = vectors(given[kind][i], values, given[f"output{i}"])
        assert_right(found, f"layer{i}", parts, "NumPy on PyTorch's weights")
        x = x + parts.sum(axis=(1, 3)) + given[f"output_bias{i}"]


MAKES = {
    "plain": lambda: layers.MultiHeadAttention(2, 4, name="mha"),
    "dropout": lambda: layers.MultiHeadAttention(2, 4, dropout=0.2, name="mha"),
    "values of their own size": lambda: layers.MultiHeadAttention(2, 4, value_dim=3, name="mha"),
    "other outputs": lambda: layers.MultiHeadAttention(2, 4, output_shape=5, name="mha"),
    "grouped": lambda: layers.GroupQueryAttention(3, 4, 2, name="mha"),
}


@pytest.mark.parametrize("trainable", [True, False])
@pytest.mark.parametrize("kind", MAKES)
def test_the_vectors_add_up_to_the_layers_output(kind, trainable):
    layer = MAKES[kind]()
    x = keras.Input((6, 8))
    model = keras.Model(x, layers.Dense(3)(layers.Flatten()(layer(x, x))))
    layer.trainable = trainable
    for part in (layer._value_dense, layer._output_dense):
        part.bias.assign(RNG.normal(size=part.bias.shape))
    attention = np.asarray(layer(X, X, return_attention_scores=True)[1])
    values, output = layer._value_dense(X), layer._output_dense
    parts = vectors(attention, values, output.kernel)
    np.testing.assert_allclose(
        parts.sum(axis=(1, 3)), np.asarray(layer(X, X)) - np.asarray(output.bias), atol=1e-5
    )
    found = keras_explain.explain(model, X, AttentionNorms(heads=None))
    assert_right(found, "mha", parts, "NumPy")


@pytest.mark.parametrize("kind", [layers.Attention, layers.AdditiveAttention])
def test_without_projections_the_values_themselves_are_mixed(kind):
    layer, x = kind(name="mha"), keras.Input((6, 8))
    model = keras.Model(x, layers.Dense(3)(layers.Flatten()(layer([x, x]))))
    found = keras_explain.explain(model, X, "attention_norms")
    attention = np.asarray(layer([X, X], return_attention_scores=True)[1])[:, None]
    assert_right(found, "mha", attention[..., None] * X[:, None, None], "NumPy")


def test_a_key_with_a_value_of_zero_adds_nothing():
    """Though it is looked at as much as the others."""
    x = keras.Input((3, 2))
    layer = layers.MultiHeadAttention(1, 2, name="mha")
    model = keras.Model(x, layers.Dense(1)(layers.Flatten()(layer(x, x))))
    nothing, itself = np.zeros((2, 1, 2)), np.eye(2)[:, None]
    bias = np.zeros((1, 2))
    layer.set_weights([nothing, bias, nothing, bias, itself, bias, np.eye(2)[None], np.ones(2)])
    found = keras_explain.explain(
        model, np.array([[[0.0, 0.0], [3.0, 4.0], [0.0, -6.0]]], "f4"), "attention_norms"
    )
    by_hand = np.tile([0, 5 / 3, 2], (1, 3, 1))
    agrees("attention_norms", "closed form", found["attention_norms/mha"], by_hand)
    agrees("attention_norms", "closed form", found["attention_norms/mha/heads"][:, 0], by_hand)


def test_long_sequences_are_kept_short():
    pictures = RNG.normal(size=(2, 8, 12, 3)).astype("f4")
    model = vision(depth=1)
    whole = keras_explain.explain(model, pictures, "attention_norms")
    found = keras_explain.explain(model, pictures, "attention_norms", tokens=5)
    name = "attention_norms/attention0"
    assert found[f"{name}/heads"].shape == (2, 2, 5, 5)
    grouped = whole[name].reshape(2, 5, 5, 5, 5).mean(axis=2).sum(axis=3)
    np.testing.assert_allclose(found[name], grouped, rtol=1e-5)


def test_what_cannot_be_taken_apart_is_refused():
    x = keras.Input((6, 8))
    gated = layers.MultiHeadAttention(2, 4, use_gate=True, name="gated")(x, x)
    plain = layers.MultiHeadAttention(2, 4, name="plain")(gated, gated)
    alone, both = (keras.Model(x, layers.Dense(3)(layers.Flatten()(y))) for y in (gated, plain))
    with pytest.raises(ValueError, match="no gate. Known: none. Received: gated"):
        keras_explain.explain(alone, X, "attention_norms")
    with pytest.raises(ValueError, match="no gate. Known: plain. Received: gated"):
        keras_explain.explain(both, X, "attention_norms", layers="gated")
    found = keras_explain.explain(both, X, "attention_norms")
    assert list(found) == ["attention_norms/plain", "attention_norms/plain/heads"]


def test_fit_keeps_them(tmp_path):
    model, ids = text(), RNG.integers(1, 20, (32, 10))
    model.compile("adam", "sparse_categorical_crossentropy")
    callback = Explain(tmp_path, (ids[:3], ids[:3, 0] % 3), [AttentionNorms()], strict=True)
    model.fit(ids, ids[:, 0] % 3, epochs=2, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    for key, now in keras_explain.explain(model, ids[:3], "attention_norms").items():
        np.testing.assert_allclose(run.load(key, 1), now, atol=1e-3 * now.max())
