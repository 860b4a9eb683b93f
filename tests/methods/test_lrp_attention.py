"""LRP through attention, and at the embedding of token ids."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_explain.rules import (
    EpsilonEverywhere,
)
from tests.agreement import agrees
from tests.methods.relevance import (
    RNG,
    begin,
    explained,
    images,
    relevance,
)


@pytest.fixture(autouse=True)
def seeded():
    begin()


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("dropout", [0.0, 0.1])  # fused, and in steps
def test_attention_is_attn_lrp(dropout):
    x = images(6, 5)
    inputs = keras.Input((6, 5))
    attention = layers.MultiHeadAttention(1, 4, use_bias=False, dropout=dropout, name="mha")
    y = layers.LayerNormalization(center=False, epsilon=1e-9, name="norm")(
        attention(inputs, inputs)
    )
    last = layers.Dense(1, use_bias=False)
    model = keras.Model(inputs, last(layers.Flatten()(y)))
    gamma = RNG.uniform(0.5, 2, 5)
    model.get_layer("norm").gamma.assign(gamma)
    # In the order of Keras: query, key, value, output.
    wq, wk, wv, wo = (np.asarray(w, "f8").reshape(w.shape[0], -1) for w in attention.get_weights())
    wo = np.asarray(attention.get_weights()[3], "f8").reshape(4, 5)

    found = relevance(model, x, composite=EpsilonEverywhere(1e-12))
    for one, expected in zip(found, x.astype("f8"), strict=True):
        q, k, v = expected @ wq, expected @ wk, expected @ wv
        s = q @ k.T / 2
        a = softmax(s)
        o = a @ v
        y = o @ wo
        scale = gamma / y.std(axis=1, keepdims=True)
        centred = (y - y.mean(axis=1, keepdims=True)) * scale
        r = centred * np.asarray(last.kernel, "f8").reshape(6, 5)
        # Normalisation, its scale held: output j gets (1 - 1/5) of input j and -1/5 of the others.
        mixes = (np.eye(5) - 1 / 5)[None] * scale[:, None, :]
        r_y = y * np.einsum("tij,tj->ti", mixes, r / centred)
        r_o = o * ((r_y / y) @ wo.T)
        r_a = np.einsum("ts,sc,tc->ts", a, v, r_o / o) / 2
        r_v = np.einsum("ts,sc,tc->sc", a, v, r_o / o) / 2
        r_s = s * (r_a - a * r_a.sum(axis=1, keepdims=True))
        r_q = np.einsum("td,sd,ts->td", q, k, r_s / (2 * s)) / 2
        r_k = np.einsum("td,sd,ts->sd", q, k, r_s / (2 * s)) / 2
        r_x = sum(
            expected * ((r / z) @ w.T) for r, z, w in ((r_q, q, wq), (r_k, k, wk), (r_v, v, wv))
        )
        np.testing.assert_allclose(r_a.sum() + r_v.sum(), r_o.sum())
        agrees("lrp", "NumPy", one, r_x)


def encoder(flavour="functional"):
    ids = keras.Input((7,), dtype="int32")
    x = layers.Embedding(20, 8, name="words")(ids)
    if flavour == "plain":
        y = layers.Attention()([x, x])
    elif flavour == "added":
        y = layers.AdditiveAttention()([x, x])
    elif flavour == "grouped":
        y = layers.GroupQueryAttention(4, 4, 2)(x, x)
    elif flavour == "gated":
        y = layers.MultiHeadAttention(2, 4, use_gate=True)(x, x)
    else:
        y = layers.MultiHeadAttention(2, 4, name="mha")(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    y = layers.Dense(8)(layers.Dense(16, activation="gelu")(x))
    x = layers.LayerNormalization()(x + y)
    return keras.Model(ids, layers.Dense(3, activation="softmax")(x[:, 0]))


@pytest.mark.parametrize("flavour", ["functional", "plain", "added", "grouped", "gated"])
def test_token_ids_are_explained_at_their_embedding(flavour):
    model, ids = encoder(flavour), RNG.integers(0, 20, (3, 7))
    found = explained(model, ids)
    assert found["lrp/words"].shape == (3, 7, 8)
    assert np.isfinite(found["lrp/words"]).all()
    assert np.abs(found["lrp/words"]).max() > 0


def test_what_attention_does_not_hang_on_queries_and_keys_is_conserved_by_half():
    inputs = keras.Input((6, 5))
    attention = layers.MultiHeadAttention(2, 4, use_bias=False)
    last = layers.Dense(1, use_bias=False)
    model = keras.Model(inputs, last(layers.Flatten()(attention(inputs, inputs))))
    query, *others = attention.get_weights()
    attention.set_weights([np.zeros_like(query), *others])
    # All logits are zero, so that softmax keeps its half.
    lost = explained(model, images(6, 5), composite="epsilon")["lrp/conservation"]
    np.testing.assert_allclose(np.abs(lost), 0.5, atol=1e-4)
