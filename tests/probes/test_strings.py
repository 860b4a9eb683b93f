"""Raw strings: explained at the embedding or by perturbation, shown as words or categories."""

import keras
import numpy as np
import pytest
from keras import layers, losses

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.probes import Probes
from tests.fixtures.on_backend import strings_are_tensors

pytestmark = [strings_are_tensors, pytest.mark.every_backend]
TEXTS = np.array(["the cat sat", "a dog ran home", "big red bus", "the dog sat down"])
Y = np.array([0, 1, 0, 1])


def of_text(shape):
    vectorizer = layers.TextVectorization(50, output_sequence_length=6, name="words")
    vectorizer.adapt(TEXTS)
    model = keras.Sequential(
        [
            keras.Input(shape, dtype="string", name="text"),
            vectorizer,
            layers.Embedding(50, 8, name="table"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2),
        ]
    )
    model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, vectorizer


@pytest.mark.parametrize("shape", [(1,), ()], ids=["a column", "no axis"])
@pytest.mark.parametrize("dtype", ["<U20", object, "S20"])
def test_texts_are_explained_at_their_words(tmp_path, shape, dtype):
    import tensorflow as tf

    model, vectorizer = of_text(shape)
    texts = TEXTS.reshape(4, *shape)
    data = tf.data.Dataset.from_tensor_slices((texts, Y)).batch(4)
    callback = Explain(tmp_path, (texts.astype(dtype), Y), strict=True)
    model.fit(data, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    predicted = model.predict(tf.constant(texts), verbose=0)
    np.testing.assert_allclose(run.predictions(0), predicted, rtol=1e-4, atol=1e-6)
    assert run.specs["saliency/table"].input == "input"
    assert np.abs(run.load("saliency/table", 0)).max() > 0
    ids = np.asarray(vectorizer(TEXTS))
    np.testing.assert_array_equal(run.probes.inputs["input"], ids)
    assert run.probes.kinds == {"input": "tokens"}
    words = run.probes.facts["input"].words
    assert [words[str(one)] for one in ids[0][:3]] == ["the", "cat", "sat"]


def test_a_word_can_be_hidden_in_a_text():
    model, vectorizer = of_text((1,))
    texts = TEXTS[:, None]
    found = keras_explain.explain(model, texts, "occlusion", target=1)
    ids = np.asarray(vectorizer(TEXTS))
    behind = keras.Sequential(model.layers[1:])
    whole = np.asarray(behind(ids))[:, 1]
    for position in range(6):
        hidden = ids.copy()
        hidden[:, position] = 0
        expected = whole - np.asarray(behind(hidden))[:, 1]
        np.testing.assert_allclose(found[:, position], expected, atol=1e-6)


def test_strings_without_words_are_categories(tmp_path):
    import tensorflow as tf

    raw = {
        "age": np.array([30.0, 40, 50, 60], "f4"),
        "thal": np.array(["fixed", "normal", "fixed", "fixed"]),
    }
    space = keras.utils.FeatureSpace(
        features={"age": "float_normalized", "thal": "string_categorical"}, output_mode="concat"
    )
    data = tf.data.Dataset.from_tensor_slices((raw, Y.astype("f4"))).batch(4)
    space.adapt(data.map(lambda x, y: x))
    model = keras.Model(space.get_inputs(), layers.Dense(1)(space.get_encoded_features()))
    model.compile("adam", "mse")
    callback = Explain(tmp_path, data, ["saliency", "permutation_importance"], strict=True)
    model.fit(data, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    assert set(run.probes.inputs["thal"].ravel()) == {0, 1}
    assert {"saliency/age", "permutation_importance/thal"} <= set(run.keys)
    with pytest.raises(ValueError, match="'thal' holds strings.*`permutation_importance` swaps"):
        keras_explain.explain(model, raw, "occlusion", target=0)


def test_numbers_among_strings_are_refused():
    with pytest.raises(ValueError, match="arrays of numbers or strings, examples first"):
        Probes.of((np.array(["a", 3, None], object), Y[:3]))


@pytest.mark.live
def test_a_task_takes_its_raw_texts(tmp_path):
    hub = pytest.importorskip("keras_hub")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "a", "dog", "ran"]
    tokenizer = hub.models.BertTokenizer(words)
    preprocessor = hub.models.BertTextClassifierPreprocessor(tokenizer, sequence_length=8)
    backbone = hub.models.BertBackbone(
        vocabulary_size=len(words),
        num_layers=1,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        max_sequence_length=8,
    )
    model = hub.models.BertTextClassifier(
        backbone=backbone, preprocessor=preprocessor, num_classes=2
    )
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    texts = np.array(["the cat sat", "a dog ran"] * 2)
    callback = Explain(tmp_path, (texts, Y), strict=True)
    model.fit(texts, Y, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    np.testing.assert_allclose(
        run.predictions(0), model.predict(texts, verbose=0), rtol=1e-4, atol=1e-5
    )
    loss = model.evaluate(texts, Y, verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(run.logs["probe_loss"][-1], loss, rtol=1e-4)
    (key,) = (key for key in run.keys if key.startswith("saliency"))
    assert key.endswith("token_embedding")
    assert run.specs[key].input == "token_ids"
    assert run.probes.kinds["token_ids"] == "tokens"
    assert "cat" in run.probes.facts["token_ids"].words.values()
