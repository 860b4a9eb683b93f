"""An input is token ids where it feeds an Embedding, whatever its dtype says."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_explain
from keras_explain.methods import IntegratedGradients, Saliency
from tests.network.traced import places, traced

pytestmark = pytest.mark.every_backend

RNG = np.random.default_rng(0)


def gradients_at(built):
    """Each record's layer and the input that it is laid on."""
    return {
        (spec.layer, spec.input) for plan in built.plans.values() for spec in plan.specs.values()
    }


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_ids_are_explained_at_their_embedding_whatever_their_dtype(dtype):
    model = keras.Sequential(
        [
            keras.Input((6,), dtype=dtype),
            layers.Embedding(20, 4, name="words"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1),
        ]
    )
    ids = RNG.integers(0, 20, (3, 6))
    found = keras_explain.explain(model, ids, IntegratedGradients())
    kernel = np.asarray(model.layers[-1].kernel)[:, 0]
    table = np.asarray(model.layers[0].embeddings)
    expected = table[ids] * kernel / 6  # linear: each word's share of the mean
    np.testing.assert_allclose(found["integrated_gradients/words"], expected, rtol=1e-4, atol=1e-7)
    assert gradients_at(traced(model, ids, [Saliency()])) == {("words", "input")}


class Reversible(layers.Embedding):
    """An embedding of another name, as keras-hub's."""


def encoder(words, segments, positions, mask):
    """Sums three tables for each word, as BERT does."""
    total = Reversible(50, 4, name="token")(words) + layers.Embedding(2, 4, name="segment")(
        segments
    )
    total = total + layers.Embedding(9, 4, name="position")(positions)
    weights = ops.cast(mask, "float32")[..., None]
    return ops.sum(layers.Dense(4)(total) * weights, axis=1)


def bert_like():
    names = ("words", "segments", "positions", "mask")
    inputs = {name: keras.Input((7,), dtype="int32", name=name) for name in names}
    return keras.Model(inputs, layers.Dense(2)(encoder(*inputs.values())))


def bert_inputs():
    return {
        "words": RNG.integers(2, 50, (3, 7)),
        "segments": np.zeros((3, 7), int),
        "positions": np.tile(np.arange(7), (3, 1)),
        "mask": np.ones((3, 7), int),
    }


def test_tables_beside_the_words_do_not_count():
    assert gradients_at(traced(bert_like(), bert_inputs(), [Saliency()])) == {("token", "words")}


def test_word_attributions_stay_those_at_the_words_when_every_other_table_is_zero():
    model, x = bert_like(), bert_inputs()
    for name in ("segment", "position"):
        table = model.get_layer(name).embeddings
        table.assign(np.zeros(table.shape))
    by_default = keras_explain.explain(model, x, IntegratedGradients(), target=1)
    named = keras_explain.explain(model, x, IntegratedGradients(layer="token"), target=1)
    assert set(by_default) == {"integrated_gradients/token", "integrated_gradients/gap"}
    key = "integrated_gradients/token"
    np.testing.assert_array_equal(by_default[key], named[key])
    assert by_default[key].any()


def test_each_category_column_of_a_table_has_its_own_embedding():
    inputs = [keras.Input((1,), name=name) for name in ("work", "school")]
    number = keras.Input((3,), name="numbers")
    tables = [layers.Embedding(9, 4, name=f"table_{i.name}")(i) for i in inputs]
    flat = [layers.Flatten()(one) for one in tables]
    model = keras.Model([*inputs, number], layers.Dense(2)(layers.Concatenate()([*flat, number])))
    x = [RNG.integers(0, 9, (4, 1)), RNG.integers(0, 9, (4, 1)), RNG.random((4, 3))]
    assert gradients_at(traced(model, x, [Saliency()])) == {
        ("table_work", "work"),
        ("table_school", "school"),
        (None, "numbers"),
    }


def test_positions_made_from_the_ids_are_not_the_words():
    ids = keras.Input((6,), dtype="int32")
    counted = ops.cumsum(ops.cast(ops.not_equal(ids, 0), "int32"), axis=1)
    words = layers.Embedding(8, 4, name="words")(ids)
    total = words + layers.Embedding(514, 4, name="positions")(counted)
    model = keras.Model(ids, layers.Dense(2)(layers.GlobalAveragePooling1D()(total)))
    assert places(model, RNG.integers(1, 8, (3, 6)), Saliency()) == ["words"]


def test_two_texts_through_one_table_are_each_laid_on_their_own():
    table = layers.Embedding(30, 4, name="table")
    ids = [keras.Input((5,), name=name) for name in ("left", "right")]
    pooled = [layers.GlobalMaxPooling1D()(table(one)) for one in ids]
    model = keras.Model(ids, layers.Dense(1)(layers.Subtract()(pooled)))
    x = [RNG.integers(0, 30, (3, 5)), RNG.integers(0, 30, (3, 5))]
    tables, inputs = zip(*gradients_at(traced(model, x, [Saliency()])), strict=True)
    assert sorted(tables) == ["table", "table#2"]
    assert sorted(inputs) == ["left", "right"]


def test_a_table_with_a_number_and_a_category_is_explained_at_both():
    table = keras.Input((4,))
    word = layers.Embedding(5, 3, name="category")(table[:, 0])
    model = keras.Model(table, layers.Dense(2)(layers.Concatenate()([word, table[:, 1:]])))
    x = np.column_stack([RNG.integers(0, 5, 4), RNG.random((4, 3))]).astype("f4")
    assert places(model, x, Saliency()) == ["input", "category"]


def test_codes_that_the_network_makes_are_no_words():
    image = keras.Input((6,))
    code = ops.argmax(layers.Dense(5)(image), axis=-1)
    quantised = layers.Embedding(5, 3, name="codebook")(code)
    model = keras.Model(image, layers.Dense(2)(quantised + layers.Dense(3)(image)))
    built = traced(model, RNG.random((4, 6)).astype("f4"), [Saliency()])
    assert built.view.embeddings == {}
    assert gradients_at(built) == {(None, "input")}
