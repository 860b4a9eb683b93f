"""Attention rollout: the product of the layers, and where its row lies."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import AttentionRollout
from keras_explain.methods.attention_rollout import patches_of
from keras_explain.model_view import Place
from tests.agreement import agrees
from tests.methods.transformers import stack, text, vision
from tests.reference.attention_reference import LAYERS, TABLE

RNG = np.random.default_rng(3)
PICTURES = RNG.normal(size=(4, 8, 12, 3)).astype("float32")
IDS = np.array([[3, 1, 4, 1, 5, 9, 2, 6, 0, 0], [2, 7, 1, 8, 0, 0, 0, 0, 0, 0]])


def rolled(attentions):
    """The paper's formula, row by row: `(layers, rows, heads, queries, keys)`."""
    product = []
    for row in range(attentions.shape[1]):
        one = np.eye(attentions.shape[-1])
        for layer in attentions[:, row].astype("f8"):
            one = (0.5 * layer.mean(axis=0) + 0.5 * np.eye(len(one))) @ one
        product.append(one)
    return np.stack(product)


@pytest.mark.parametrize("kind", ["plain", "causal"])
def test_it_is_the_product_of_pytorchs_weights(kind):
    given = dict(np.load(TABLE))
    found = keras_explain.explain(
        stack(given, kind == "causal"), given["inputs"], "attention_rollout"
    )
    expected = rolled(given[kind])
    assert len(given[kind]) == LAYERS
    agrees(
        "attention_rollout",
        "NumPy on PyTorch's weights",
        found["attention_rollout/tokens"],
        expected,
    )
    agrees(
        "attention_rollout",
        "NumPy on PyTorch's weights",
        found["attention_rollout"],
        expected.mean(axis=1),
    )


def uniform():
    """Two layers whose heads look at all tokens alike."""
    x = tokens = keras.Input((4, 2))
    for _ in range(2):
        layer = layers.MultiHeadAttention(1, 2)
        x = x + layer(x, x)
        layer.query_dense.kernel.assign(0 * layer.query_dense.kernel)
    return keras.Model(tokens, layers.Dense(2)(layers.Flatten()(x)))


def test_two_layers_that_look_everywhere_by_hand():
    x = RNG.normal(size=(2, 4, 2)).astype("f4")
    found = keras_explain.explain(uniform(), x, "attention_rollout", token=0)
    # (U + I)^2 / 4 with U the mean over four tokens, of which U U = U: (3 U + I) / 4.
    by_hand = np.broadcast_to((3 * np.full((4, 4), 1 / 4) + np.eye(4)) / 4, (2, 4, 4))
    agrees("attention_rollout", "closed form", found["attention_rollout/tokens"], by_hand)
    agrees("attention_rollout", "closed form", found["attention_rollout"], by_hand[:, 0])


def test_rows_sum_to_one_and_causal_ones_see_no_future():
    given = dict(np.load(TABLE))
    found = keras_explain.explain(stack(given, True), given["inputs"], "attention_rollout", token=2)
    np.testing.assert_allclose(found["attention_rollout/tokens"].sum(axis=-1), 1, atol=1e-6)
    assert found["attention_rollout"][:, 3:].max() == 0
    assert found["attention_rollout"][:, :3].min() > 0


@pytest.mark.parametrize("class_token", [True, False])
def test_the_row_lies_on_the_patches_of_a_picture(class_token):
    model = vision(class_token=class_token)
    found = keras_explain.explain(model, PICTURES, "attention_rollout", token=0)
    assert found["attention_rollout"].shape == (4, 4, 6)
    row = found["attention_rollout/tokens"][:, 0]
    row = row[:, 1:] if class_token else row
    np.testing.assert_allclose(found["attention_rollout"].reshape(4, 24), row, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "tokens", "patches"),
    [
        ((224, 224, 3), 197, (14, 14)),
        ((32, 32, 3), 64, (8, 8)),
        ((32, 64, 1), 33, (4, 8)),
        ((32, 32, 3), 63, None),
        ((32, 32, 3), 1, (1, 1)),
    ],
)
def test_patches_are_square_and_fill_the_picture(shape, tokens, patches):
    assert patches_of(Place("x", ("height", "width", "channel"), shape), tokens) == patches


@pytest.mark.parametrize("token", [0, None])
def test_masked_tokens_add_nothing(token):
    found = keras_explain.explain(text(), IDS, "attention_rollout", token=token)
    assert found["attention_rollout"].shape == (2, 10)
    assert found["attention_rollout"][IDS == 0].max() < 1e-6
    np.testing.assert_allclose(found["attention_rollout"].sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_masked_token_stays_itself(dropout):
    x = ids = keras.Input((10,), dtype="int32")
    x = layers.Embedding(20, 8, mask_zero=True)(x)
    x = layers.MultiHeadAttention(2, 4, dropout=dropout)(x, x)
    model = keras.Model(ids, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))
    found = keras_explain.explain(model, IDS, "attention_rollout")["attention_rollout/tokens"]
    np.testing.assert_allclose(found[IDS == 0], np.eye(10)[np.nonzero(IDS == 0)[1]], atol=1e-6)


def test_other_models_are_refused():
    x, other = keras.Input((6, 8)), keras.Input((5, 8))
    model = keras.Model([x, other], layers.Dense(3)(layers.Flatten()(
        layers.MultiHeadAttention(2, 4, name="across")(x, other))))  # fmt: skip
    fed = [np.zeros((2, 6, 8), "f4"), np.zeros((2, 5, 8), "f4")]
    with pytest.raises(
        ValueError, match=r"self-attention of equal length.*across \(cross-att.*6 q"
    ):
        keras_explain.explain(model, fed, "attention_rollout")
    with pytest.raises(ValueError, match="`token` must be None or one of 25"):
        keras_explain.explain(vision(), PICTURES, AttentionRollout(token=25))


def test_layers_that_are_named_are_followed_alone():
    model = vision(depth=3)
    maps = keras_explain.explain(model, PICTURES, "attention_maps")
    some = AttentionRollout(["attention2", "attention0"])
    found = keras_explain.explain(model, PICTURES, some)["attention_rollout/tokens"]
    both = np.stack([maps["attention_maps/attention0"], maps["attention_maps/attention2"]])
    np.testing.assert_allclose(found, rolled(both), atol=1e-6)


def test_fit_keeps_it(tmp_path):
    model = vision()
    model.compile("adam", "sparse_categorical_crossentropy")
    x = RNG.normal(size=(16, 8, 12, 3)).astype("f4")
    callback = Explain(tmp_path, (PICTURES, np.arange(4) % 3), [AttentionRollout()], strict=True)
    model.fit(x, np.arange(16) % 3, epochs=2, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    now = keras_explain.explain(model, PICTURES, "attention_rollout")
    for key in ("attention_rollout", "attention_rollout/tokens"):
        np.testing.assert_allclose(run.load(key, 1), now[key], rtol=1e-3)
