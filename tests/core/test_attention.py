"""Attention is heard in every kind of layer, and nothing of the model changes."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import Activations, AttentionMaps, AttentionNorms, AttentionRollout
from keras_explain.methods.base import Method, Needs, Plan
from keras_explain.network.keras_internals import nn as backend_nn
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from tests.seeds import seed

RNG = np.random.default_rng(4)
X = RNG.normal(size=(3, 6, 8)).astype("float32")
OTHER = RNG.normal(size=(3, 5, 8)).astype("float32")
IDS = np.array([[3, 1, 4, 1, 0, 0], [5, 9, 2, 0, 0, 0], [6, 5, 3, 5, 8, 9]])


def mha(**options):
    return layers.MultiHeadAttention(2, 4, name="mha", **options)


def grouped(**options):
    return layers.GroupQueryAttention(4, 6, 3, name="mha", **options)


def explained_by(layer, **how):
    """A classifier over a layer's output, and what the layer itself says of its attention."""
    x = keras.Input((6, 8))
    model = keras.Model(x, layers.Dense(3)(layers.Flatten()(layer(x, x, **how))))
    return model, lambda x: layer(x, x, return_attention_scores=True, **how)[1]


def found(model, x=X, **options):
    return keras_explain.explain(model, x, "attention_maps", tokens=None, heads=None, **options)


@pytest.mark.parametrize("make", [mha, grouped])
@pytest.mark.parametrize(
    ("options", "how"),
    [
        ({}, {}),
        ({"dropout": 0.3}, {}),
        ({}, {"use_causal_mask": True}),
        ({"dropout": 0.3}, {"use_causal_mask": True}),
        ({"sliding_window": 2}, {}),
        ({"sliding_window": 3}, {"use_causal_mask": True}),
        ({"use_gate": True}, {}),
        ({"use_bias": False}, {"attention_mask": np.tri(6, dtype=bool)[None, ::-1, ::-1]}),
    ],
    ids=["plain", "dropout", "causal", "dropout causal", "window", "causal window", "gate", "mask"],
)
def test_it_is_what_the_layer_itself_returns(make, options, how):
    model, scores = explained_by(make(**options), **how)
    attention = found(model)
    np.testing.assert_allclose(attention, np.asarray(scores(X)), atol=1e-6)
    np.testing.assert_allclose(attention.sum(axis=-1), 1, atol=1e-6)


def test_masked_tokens_get_none():
    ids = keras.Input((6,), dtype="int32")
    embedding, layer = layers.Embedding(10, 8, mask_zero=True), mha()
    words = embedding(ids)
    pooled = layers.GlobalAveragePooling1D()(layer(words, words))
    model = keras.Model(ids, layers.Dense(3)(pooled))
    attention = found(model, IDS)
    words = embedding(IDS)
    scores = np.asarray(layer(words, words, return_attention_scores=True)[1])
    np.testing.assert_allclose(attention, scores, atol=1e-6)
    for row, kept in enumerate(IDS > 0):
        assert attention[row][..., ~kept].sum() == 0
        np.testing.assert_allclose(attention[row].sum(axis=-1), np.tile(kept, (2, 1)), atol=1e-6)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", [layers.Attention, layers.AdditiveAttention])
def test_attention_without_heads_has_one(kind, causal):
    layer = kind(name="mha", use_scale=True)
    x = keras.Input((6, 8))
    out = layer([x, x], use_causal_mask=causal)
    model = keras.Model(x, layers.Dense(3)(layers.Flatten()(out)))
    scores = layer([X, X], use_causal_mask=causal, return_attention_scores=True)[1]
    np.testing.assert_allclose(found(model)[:, 0], scores, atol=1e-6)


def test_attention_over_two_axes_is_flattened():
    x = keras.Input((3, 2, 8))
    layer = layers.MultiHeadAttention(2, 4, attention_axes=(1, 2), name="mha")
    model = keras.Model(x, layers.Dense(3)(layers.Flatten()(layer(x, x))))
    x = X.reshape(3, 3, 2, 8)
    scores = np.asarray(layer(x, x, return_attention_scores=True)[1])
    np.testing.assert_allclose(found(model, x), scores.reshape(3, 2, 6, 6), atol=1e-6)


def test_the_flash_kernel_keeps_its_call(monkeypatch):
    asked = []
    slow = backend_nn.dot_product_attention

    def flash(*args, flash_attention=None, **kwargs):
        asked.append(flash_attention)
        return slow(*args, **kwargs) * 1.0625  # to be told from what is computed beside it

    monkeypatch.setattr(backend_nn, "dot_product_attention", flash)
    fast, plain = mha(flash_attention=True), mha()
    model, (_, scores) = explained_by(fast)[0], explained_by(plain)
    plain.set_weights(fast.get_weights())
    asked.clear()
    np.testing.assert_allclose(found(model), np.asarray(scores(X)), atol=1e-6)
    assert set(asked) == {True}
    made = Pass(model, Probes.of((X, None)), [AttentionMaps()], 0)
    np.testing.assert_allclose(made.run().scores, np.asarray(model(X))[:, 0], rtol=1e-5)


class Block(layers.Layer):
    """A block as people write it."""

    def __init__(self, **options):
        super().__init__(**options)
        self.attention = layers.MultiHeadAttention(2, 4, name="attention")
        self.norm = layers.LayerNormalization()
        self.grow, self.shrink = layers.Dense(16, activation="gelu"), layers.Dense(8)

    def build(self, shape):
        self.attention.build(shape, shape)
        self.norm.build(shape)
        self.grow.build(shape)
        self.shrink.build((*shape[:-1], 16))

    def call(self, x):
        x = x + self.attention(x, x)
        return x + self.shrink(self.grow(self.norm(x)))


class Own(layers.Layer):
    """The public operation, called by a layer of any name."""

    def call(self, x):
        heads = ops.reshape(x, (-1, 6, 2, 4))
        return ops.reshape(ops.dot_product_attention(heads, heads, heads), (-1, 6, 8))


def test_it_is_heard_in_nested_subclassed_and_shared_layers():
    x = keras.Input((6, 8))
    block = Block(name="block")
    encoder = keras.Sequential([keras.Input((6, 8)), block, Own(name="own")], name="encoder")
    model = keras.Model(x, layers.Dense(2)(layers.Flatten()(encoder(encoder(x)))))
    attention = found(model)
    names = ["encoder/block/attention", "encoder/own"]
    assert list(attention) == [f"attention_maps/{n}{again}" for again in ("", "#2") for n in names]
    inside = X + np.asarray(block.attention(X, X))
    inside = inside + np.asarray(block.shrink(block.grow(block.norm(inside))))
    heads = inside.reshape(3, 6, 2, 4)
    logits = np.einsum("btnh,bsnh->bnts", heads, heads) / 2
    expected = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(attention["attention_maps/encoder/own"], expected, atol=1e-5)
    first = block.attention(X, X, return_attention_scores=True)[1]
    np.testing.assert_allclose(
        attention["attention_maps/encoder/block/attention"], first, atol=1e-6
    )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_rounds_the_logits_alone(policy):
    x = keras.Input((6, 8))
    layer = mha(dtype=policy)
    model = keras.Model(x, layers.Dense(3)(layers.Flatten()(layer(x, x))))
    attention = found(model)
    np.testing.assert_allclose(attention.sum(axis=-1), 1, atol=1e-6)
    scores = layer(X, X, return_attention_scores=True)[1]
    np.testing.assert_allclose(attention, np.asarray(scores, "f4"), atol=2e-2)
    # Keras cast the input twice; it is self-attention all the same.
    assert (
        not Pass(model, Probes.of((X, None)), [AttentionMaps()], 0)
        .built.view.attention["mha"]
        .crosses
    )


def test_cross_attention_is_known_as_such():
    x, other = keras.Input((6, 8)), keras.Input((5, 8))
    out = mha()(x, other)
    model = keras.Model([x, other], layers.Dense(3)(layers.Flatten()(out)))
    view = Pass(model, Probes.of(([X, OTHER], None)), [AttentionMaps()], 0).built.view
    assert view.attention["mha"].shape == (2, 6, 5)
    assert view.attention["mha"].crosses


class GradientAtAttention(Method):
    """Read off the pass."""

    name = "gradient_at_attention"
    title = "Gradient at attention"

    def plan(self, model):
        place = model.layer("mha/attention")
        spec = self.spec(model, place, self.name, signed=True)
        return Plan(Needs(gradients=frozenset({place})), {spec.key: spec}, {spec.key: place})

    def read(self, seen, plan):
        return {key: seen.gradients[place] for key, place in plan.places.items()}


@pytest.mark.parametrize("dropout", [0.0, 0.3], ids=["fused", "own softmax"])
def test_gradients_and_values_go_through_attention(dropout):
    model, _ = explained_by(mha(dropout=dropout))
    layer = model.get_layer("mha")
    value = np.asarray(layer.value_dense(X))
    kernel = np.asarray(model.layers[-1].kernel).reshape(6, 8, 3)[..., 1]
    back = np.einsum("tm,nhm->tnh", kernel, np.asarray(layer.output_dense.kernel))
    expected = np.einsum("btnh,bsnh->bnts", np.broadcast_to(back, (3, *back.shape)), value)
    made = Pass(model, Probes.of((X, None)), [GradientAtAttention()], 1)
    outcome = made.run()
    assert made.traces == 1
    assert (np.asarray(outcome.scores) == np.asarray(scores_alone(model))).all()
    np.testing.assert_allclose(outcome.readings[0]["gradient_at_attention"], expected, atol=1e-5)
    named = keras_explain.explain(model, X, "saliency", target=1, layer="mha/attention")
    np.testing.assert_allclose(named, np.abs(expected), atol=1e-5)
    # A head that looks at nothing adds nothing.
    path = keras_explain.explain(
        model, X, "integrated_gradients", target=1, layer="mha/attention", steps=2
    )
    lost = path["integrated_gradients/mha/attention"].sum(axis=(1, 2, 3))
    bias = np.asarray(layer.output_dense.bias)
    nothing = np.einsum("tm,m->", kernel, bias) + np.asarray(model.layers[-1].bias)[1]
    np.testing.assert_allclose(lost, np.asarray(model(X))[:, 1] - nothing, atol=1e-5)


def scores_alone(model):
    return Pass(model, Probes.of((X, None)), [Activations()], 1).run().scores


def test_what_cannot_be_heard_is_named():
    @keras.saving.register_keras_serializable()
    class OddAttention(layers.Layer):
        def call(self, x):
            logits = ops.einsum("btm,bsm->bts", x, x)
            e = ops.exp(logits - ops.max(logits, axis=-1, keepdims=True))
            return ops.matmul(e / ops.sum(e, axis=-1, keepdims=True), x)

    x = keras.Input((6, 8))
    out = OddAttention(name="odd")(x)
    silent = keras.Model(x, layers.Dense(3)(layers.Flatten()(out)))
    with pytest.raises(ValueError, match=r"no attention .*\(not to be listened to: odd\)"):
        found(silent)
    both = keras.Model(x, layers.Dense(3)(layers.Flatten()(mha()(out, out))))
    with pytest.raises(ValueError, match=r"no attention layer .* Known: mha\. .*listened to: odd"):
        found(both, layers="odd")


def test_the_model_is_left_as_it_was():
    model, _ = explained_by(mha())
    before = np.asarray(model(X))
    own = dict(model.get_layer("mha").__dict__)
    function = backend_nn.dot_product_attention
    found(model)
    assert own.keys() == model.get_layer("mha").__dict__.keys()
    assert backend_nn.dot_product_attention is function
    np.testing.assert_array_equal(np.asarray(model(X)), before)


def transformer():
    ids = keras.Input((6,), dtype="int32")
    x = layers.Embedding(10, 8, mask_zero=True)(ids)
    for dropout in (0.0, 0.2):
        attended = layers.MultiHeadAttention(2, 4, dropout=dropout)(x, x)
        x = layers.LayerNormalization()(x + layers.Dropout(0.1)(attended))
    x = layers.GroupQueryAttention(4, 4, 2)(x, x, use_causal_mask=True)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(ids, layers.Dense(3, activation="softmax", dtype="float32")(x))


def train(callbacks, policy):
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed(3))
    keras.mixed_precision.set_global_policy(policy)
    try:
        model = transformer()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        ids = np.random.default_rng(0).integers(0, 10, (48, 6))
        history = model.fit(
            ids, ids[:, 0] % 3, epochs=2, batch_size=16, verbose=0, callbacks=callbacks
        )
    finally:
        keras.mixed_precision.set_global_policy("float32")
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return [np.asarray(v.value).astype("float64") for v in variables], history.history


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_training_is_bit_identical_with_and_without(tmp_path, policy):
    methods = [AttentionMaps(), AttentionRollout(), AttentionNorms()]
    watching = Explain(tmp_path, (IDS, IDS[:, 0] % 3), methods, strict=True)
    bare, watched = train([], policy), train([watching], policy)
    assert watching.traces == 1
    for ours, theirs in zip(watched[0], bare[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert watched[1] == bare[1]
