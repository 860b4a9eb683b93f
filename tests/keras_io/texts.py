"""keras.io's examples on texts."""

import keras
import numpy as np
from keras import layers

from .blocks import TokenAndPositionEmbedding, TransformerBlock
from .catalogue import COUNT, STRINGS, classes, example, from_logits

SENTENCES = ["the cat sat", "a dog ran home", "big red bus", "the dog sat down"] * 2


def ids(random, length):
    return random.integers(1, 30, (COUNT, length))


@example(
    "text classification with a transformer",
    {"saliency/token_and_position_embedding/embedding": "input"},
)
def text_transformer(random):
    inputs = keras.Input((10,))
    x = TransformerBlock(8, 2, 16)(TokenAndPositionEmbedding(10, 30, 8)(inputs))
    x = layers.Dropout(0.1)(layers.GlobalAveragePooling1D()(x))
    x = layers.Dense(20, activation="relu")(x)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, ids(random, 10), classes()


@example(
    "text generation with a miniature GPT",
    {"saliency/token_and_position_embedding/embedding": "input"},
)
def mini_gpt(random):
    inputs = keras.Input((9,), dtype="int32")
    x = TransformerBlock(8, 2, 16, causal=True)(TokenAndPositionEmbedding(9, 30, 8)(inputs))
    model = keras.Model(inputs, [layers.Dense(30)(x), x])
    model.compile("adam", loss=[from_logits(), None])
    tokens = ids(random, 10)
    return model, tokens[:, :-1], tokens[:, 1:]


@example("bidirectional LSTM on texts", {"saliency/embedding": "input"}, live=True)
def bidirectional(random):
    inputs = keras.Input((None,), dtype="int32")
    x = layers.Embedding(30, 8)(inputs)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    x = layers.Bidirectional(layers.LSTM(4))(x)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy")
    return model, ids(random, 10), classes()


@example(
    "text classification from scratch", {"saliency/embedding": "input", "grad_cam/conv1d": None}
)
def text_from_scratch(random):
    inputs = keras.Input((None,), dtype="int64")
    x = layers.Dropout(0.5)(layers.Embedding(30, 8)(inputs))
    x = layers.Conv1D(6, 3, padding="valid", activation="relu", strides=3)(x)
    x = layers.GlobalMaxPooling1D()(x)
    x = layers.Dense(6, activation="relu")(x)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="predictions")(x))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, ids(random, 12), classes()


@example(
    "text classification from raw strings",
    {"saliency/embedding": "input", "grad_cam/conv1d": None},
    not_on=STRINGS,
)
def raw_text(random):
    """The end of that example, and of "using pre-trained word embeddings": strings in."""
    vectorize = layers.TextVectorization(max_tokens=30, output_sequence_length=6)
    vectorize.adapt(SENTENCES)
    inputs = keras.Input((1,), dtype="string")
    x = layers.Embedding(30, 8)(vectorize(inputs))
    x = layers.Conv1D(6, 3, activation="relu")(x)
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalMaxPooling1D()(x)))
    model.compile("adam", from_logits())
    return model, np.array(SENTENCES)[:, None], classes()


@example("masking of padded texts", {"saliency/embedding": "input"}, live=True)
def masked(random):
    model = keras.Sequential(
        [
            layers.Embedding(30, 8, mask_zero=True),
            layers.LSTM(6),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    padded = ids(random, 10)
    padded[:, 7:] = 0
    return model, padded, classes()


@example(
    "sequence-to-sequence LSTM on characters",
    {"saliency/keras_tensor": "keras_tensor", "saliency/keras_tensor_1": "keras_tensor_1"},
    live=True,
)
def seq2seq(random):
    encoded = keras.Input((None, 7))
    _, h, c = layers.LSTM(6, return_state=True)(encoded)
    decoded = keras.Input((None, 5))
    x, _, _ = layers.LSTM(6, return_sequences=True, return_state=True)(
        decoded, initial_state=[h, c]
    )
    model = keras.Model([encoded, decoded], layers.Dense(5, activation="softmax")(x))
    model.compile("rmsprop", "categorical_crossentropy")
    x = [np.eye(n, dtype="f4")[random.integers(0, n, (COUNT, 6))] for n in (7, 5)]
    return model, x, np.eye(5, dtype="f4")[random.integers(0, 5, (COUNT, 6))]


@example(
    "sequence-to-sequence transformer for translation",
    {
        "saliency/token_and_position_embedding/embedding": "encoder_inputs",
        "saliency/token_and_position_embedding_1/embedding_2": "decoder_inputs",
    },
    live=True,
)
def translation(random):
    english = keras.Input((None,), dtype="int64", name="encoder_inputs")
    read = TransformerBlock(8, 2, 16)(TokenAndPositionEmbedding(9, 30, 8)(english))
    spanish = keras.Input((None,), dtype="int64", name="decoder_inputs")
    x = TokenAndPositionEmbedding(9, 30, 8)(spanish)
    attended = layers.MultiHeadAttention(2, 8)(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(x + attended)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 8)(x, read, read))
    x = layers.Dropout(0.5)(x)
    model = keras.Model([english, spanish], layers.Dense(30, activation="softmax")(x))
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    target = ids(random, 10)
    x = {"encoder_inputs": ids(random, 9), "decoder_inputs": target[:, :-1]}
    return model, x, target[:, 1:]


@example(
    "convolutions of several widths over words",
    {
        "saliency/embedding": "input",
        "grad_cam/of_2": None,
        "grad_cam/of_3": None,
        "grad_cam/of_4": None,
    },
)
def wide_and_narrow(random):
    inputs = keras.Input((12,), dtype="int32")
    words = layers.Embedding(30, 8)(inputs)
    seen = [
        layers.GlobalMaxPooling1D()(layers.Conv1D(4, n, activation="relu", name=f"of_{n}")(words))
        for n in (2, 3, 4)
    ]
    x = layers.Dropout(0.3)(layers.concatenate(seen))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, ids(random, 12), classes(3)
