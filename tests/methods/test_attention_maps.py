"""Attention maps: what the layers say themselves, what PyTorch says, and what is kept."""

import importlib.util

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import AttentionMaps
from tests.agreement import agrees
from tests.methods.transformers import stack, text, vision
from tests.reference.attention_reference import LAYERS, TABLE, attentions, weights
from tests.seeds import seed

RNG = np.random.default_rng(2)
PICTURES = RNG.normal(size=(4, 8, 12, 3)).astype("float32")
IDS = np.array([[3, 1, 4, 1, 5, 9, 2, 6, 0, 0], [2, 7, 1, 8, 0, 0, 0, 0, 0, 0]])


def assert_agrees_with_torch(given, expected, causal):
    found = keras_explain.explain(stack(given, causal), given["inputs"], "attention_maps")
    for layer in range(LAYERS):
        agrees("attention_maps", "PyTorch", found[f"attention_maps/layer{layer}"], expected[layer])


@pytest.mark.parametrize("kind", ["plain", "causal"])
def test_agrees_with_the_table_of_pytorch(kind):
    table = dict(np.load(TABLE))
    assert_agrees_with_torch(table, table[kind], kind == "causal")


@pytest.mark.live
@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed")
@pytest.mark.parametrize("causal", [False, True])
def test_agrees_with_pytorch_on_new_weights(causal):
    given = weights(seed=11)
    assert_agrees_with_torch(given, attentions(given, causal), causal)


def test_two_tokens_by_hand():
    x = keras.Input((2, 1))
    layer = layers.MultiHeadAttention(1, 1, name="mha")
    model = keras.Model(x, layers.Dense(1)(layers.Flatten()(layer(x, x))))
    one, none = np.ones((1, 1, 1)), np.zeros((1, 1))
    layer.set_weights([one, none, one, none, one, none, one, np.zeros(1)])
    # The logits are the products of the tokens: ln 3 times 0 or ln 3 times 1, so odds of 1 or 3.
    tokens = np.array([[[0.0], [1.0]], [[np.log(3)], [1.0]]], "f4")
    found = keras_explain.explain(model, tokens, "attention_maps")
    e = np.e
    by_hand = [[[1 / 2, 1 / 2], [1 / (1 + e), e / (1 + e)]],
               [[3 ** np.log(3) / (3 ** np.log(3) + 3), 3 / (3 ** np.log(3) + 3)],
                [3 / (3 + e), e / (3 + e)]]]  # fmt: skip
    agrees("attention_maps", "closed form", found[:, 0], by_hand)


@pytest.mark.parametrize("tokens", [None, 96, 24, 7, 1])
def test_rows_sum_to_one_however_little_is_kept(tokens):
    model = vision()
    found = keras_explain.explain(model, PICTURES, "attention_maps", tokens=tokens)
    assert list(found) == ["attention_maps/attention0", "attention_maps/attention1"]
    for attention in found.values():
        np.testing.assert_allclose(attention.sum(axis=-1), 1, atol=1e-6)


def test_neighbours_stand_together_in_a_long_sequence():
    whole = keras_explain.explain(vision_one(), PICTURES, "attention_maps", tokens=None)
    found = keras_explain.explain(vision_one(), PICTURES, "attention_maps", tokens=9)
    assert found.shape == (4, 2, 9, 9)  # 25 tokens, three together, and the last alone
    parts = np.split(whole, range(3, 25, 3), axis=-1)
    keys = np.stack([part.sum(axis=-1) for part in parts], axis=-1)
    parts = np.split(keys, range(3, 25, 3), axis=-2)
    expected = np.stack([part.mean(axis=-2) for part in parts], axis=-2)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def vision_one():
    keras.utils.set_random_seed(seed(1))
    return vision(depth=1)


def test_layers_and_heads_are_chosen():
    model = vision(depth=9)
    whole = keras_explain.explain(model, PICTURES, AttentionMaps(layers="all"))
    few = keras_explain.explain(model, PICTURES, AttentionMaps(heads=[1]))
    assert [key[-1] for key in whole] == list("012345678")
    assert [key[-1] for key in few] == list("023568")
    for key, attention in few.items():
        np.testing.assert_allclose(attention, whole[key][:, 1:], atol=1e-6)
    named = keras_explain.explain(model, PICTURES, AttentionMaps(layers=["attention4"], heads=1))
    np.testing.assert_allclose(named, whole["attention_maps/attention4"][:, 1:], atol=1e-6)


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`tokens` must be at least 1, or None"):
        AttentionMaps(tokens=0)
    for heads in (0, "first", [], [0.5]):
        with pytest.raises(ValueError, match="`heads` must be how many are kept"):
            AttentionMaps(heads=heads)
    with pytest.raises(ValueError, match="`heads` must name heads of 'attention0/attention', 0 to"):
        keras_explain.explain(vision(), PICTURES, AttentionMaps(heads=[2]))
    with pytest.raises(ValueError, match="names no attention layer .* Known: attention0, atten.*1"):
        keras_explain.explain(vision(), PICTURES, AttentionMaps(layers="patches"))
    plain = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    with pytest.raises(ValueError, match="the model has no attention"):
        keras_explain.explain(plain, np.zeros((1, 4), "f4"), "attention_maps")


def hub_models():
    hub = pytest.importorskip("keras_hub")
    ids, mask = keras.Input((10,), dtype="int32"), keras.Input((10,), dtype="int32")
    x = hub.layers.TokenAndPositionEmbedding(20, 10, 8, mask_zero=True)(ids)
    x = hub.layers.TransformerEncoder(16, 2, name="encoder")(x)
    x = hub.layers.TransformerDecoder(16, 2, name="decoder")(x)
    out = layers.Dense(3)(layers.GlobalAveragePooling1D()(x))
    yield keras.Model(ids, out), IDS, {"encoder/self_attention_layer", "decoder/self_attention"}
    bert = hub.models.BertBackbone(
        vocabulary_size=20, num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=16,
        max_sequence_length=10, name="bert",
    )  # fmt: skip
    llama = hub.models.LlamaBackbone(20, 2, 4, 8, 16, 2, name="llama")
    gemma = hub.models.GemmaBackbone(20, 2, 4, 2, 8, 16, 4, name="gemma")
    for name, backbone, inner in (
        ("bert", bert, "transformer_layer_{}/self_attention_layer"),
        ("llama", llama, "transformer_layer_{}/self_attention"),
        ("gemma", gemma, "decoder_block_{}/attention"),
    ):
        x = {"token_ids": ids, "padding_mask": mask}
        fed = {"token_ids": IDS, "padding_mask": IDS > 0}
        if name == "bert":
            x["segment_ids"] = keras.Input((10,), dtype="int32")
            fed["segment_ids"] = 0 * IDS
        out = backbone(x)
        out = out["sequence_output"] if name == "bert" else out
        out = layers.Dense(3)(layers.GlobalAveragePooling1D()(out))
        yield keras.Model(x, out), fed, {f"{name}/{inner.format(i)}" for i in range(2)}


def test_layers_of_keras_hub_are_heard():
    for model, fed, names in hub_models():
        found = keras_explain.explain(model, fed, "attention_maps", heads=None)
        assert {key.removeprefix("attention_maps/") for key in found} == names
        causal = not any("encoder" in name or "bert" in name for name in names)
        for key, attention in found.items():
            for row, there in enumerate(IDS > 0):
                own = attention[row][:, there]
                np.testing.assert_allclose(own.sum(axis=-1), 1, atol=1e-6)
                assert own[..., ~there].max() < 1e-6
                if causal or "decoder" in key:
                    assert np.triu(attention[row][:, there][..., there], 1).max() < 1e-6


def test_bert_says_the_same_itself():
    model, fed, _ = list(hub_models())[1]
    bert = model.get_layer("bert")
    first = bert.get_layer("transformer_layer_0")
    found = keras_explain.explain(model, fed, "attention_maps")
    tokens = bert.get_layer("embeddings_dropout").output
    inside = keras.Model(bert.inputs, tokens)({**fed, "padding_mask": fed["padding_mask"] * 1})
    said = first(inside, padding_mask=IDS > 0, return_attention_scores=True)[1]
    key = "attention_maps/bert/transformer_layer_0/self_attention_layer"
    agrees("attention_maps", "Keras", found[key], said)


def test_fit_keeps_them(tmp_path):
    model = text()
    model.compile("adam", "sparse_categorical_crossentropy")
    x = RNG.integers(1, 20, (32, 10))
    callback = Explain(tmp_path, (IDS, np.array([0, 1])), [AttentionMaps(tokens=5)], strict=True)
    model.fit(x, x[:, 0] % 3, epochs=2, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    assert run.steps == (-1, 0, 1)
    kept = run.load("attention_maps/attention1", 1)
    now = keras_explain.explain(model, IDS, "attention_maps", tokens=5)
    np.testing.assert_allclose(kept, now["attention_maps/attention1"], atol=1e-3)
    assert np.abs(kept - run.load("attention_maps/attention1", 0)).max() > 1e-4
