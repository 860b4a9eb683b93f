"""Models of keras.io's code examples, in short: the same layers in the same places."""

import keras
import numpy as np
from keras import layers, losses, ops

EXAMPLES = {}
RNG = np.random.default_rng(0)
COUNT = 12


def example(name):
    """Keep what builds `(model, x, y)`, compiled as the example is."""

    def keep(build):
        EXAMPLES[name] = build
        return build

    return keep


def classes(count=2):
    return RNG.integers(0, count, COUNT)


def from_logits():
    return losses.SparseCategoricalCrossentropy(from_logits=True)


class TransformerBlock(layers.Layer):
    def __init__(self, width, heads, inner, causal=False):
        super().__init__()
        self.att = layers.MultiHeadAttention(num_heads=heads, key_dim=width)
        self.ffn = keras.Sequential([layers.Dense(inner, activation="relu"), layers.Dense(width)])
        self.layernorm1 = layers.LayerNormalization(epsilon=1e-6)
        self.layernorm2 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout = layers.Dropout(0.1)
        self.causal = causal

    def call(self, inputs):
        attended = self.dropout(self.att(inputs, inputs, use_causal_mask=self.causal))
        out = self.layernorm1(inputs + attended)
        return self.layernorm2(out + self.ffn(out))


class TokenAndPositionEmbedding(layers.Layer):
    def __init__(self, length, vocabulary, width):
        super().__init__()
        self.token_emb = layers.Embedding(vocabulary, width)
        self.pos_emb = layers.Embedding(length, width)

    def call(self, x):
        return self.token_emb(x) + self.pos_emb(ops.arange(0, ops.shape(x)[-1], 1))


@example("text classification with a transformer")
def text_transformer():
    inputs = keras.Input((10,))
    x = TransformerBlock(8, 2, 16)(TokenAndPositionEmbedding(10, 30, 8)(inputs))
    x = layers.Dropout(0.1)(layers.GlobalAveragePooling1D()(x))
    x = layers.Dense(20, activation="relu")(x)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, RNG.integers(0, 30, (COUNT, 10)), classes()


@example("text generation with a miniature GPT")
def mini_gpt():
    inputs = keras.Input((9,), dtype="int32")
    x = TransformerBlock(8, 2, 16, causal=True)(TokenAndPositionEmbedding(9, 30, 8)(inputs))
    model = keras.Model(inputs, [layers.Dense(30)(x), x])
    model.compile("adam", loss=[from_logits(), None])
    tokens = RNG.integers(0, 30, (COUNT, 10))
    return model, tokens[:, :-1], tokens[:, 1:]


class Patches(layers.Layer):
    def call(self, images):
        patches = ops.image.extract_patches(images, size=4)
        _, height, width, depth = patches.shape
        return ops.reshape(patches, (-1, height * width, depth))


class PatchEncoder(layers.Layer):
    def __init__(self, count, width):
        super().__init__()
        self.count = count
        self.projection = layers.Dense(width)
        self.position_embedding = layers.Embedding(count, width)

    def call(self, patch):
        positions = ops.expand_dims(ops.arange(0, self.count, step=1), axis=0)
        return self.projection(patch) + self.position_embedding(positions)


@example("image classification with a vision transformer")
def vision_transformer():
    inputs = keras.Input((12, 12, 3))
    encoded = PatchEncoder(9, 8)(Patches()(inputs))
    for _ in range(2):
        x1 = layers.LayerNormalization(epsilon=1e-6)(encoded)
        attended = layers.MultiHeadAttention(num_heads=2, key_dim=8, dropout=0.1)(x1, x1)
        x2 = layers.Add()([attended, encoded])
        x3 = layers.Dense(8, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(x2))
        encoded = layers.Add()([x3, x2])
    x = layers.Flatten()(layers.LayerNormalization(epsilon=1e-6)(encoded))
    model = keras.Model(inputs, layers.Dense(3)(layers.Dense(16, activation="gelu")(x)))
    model.compile("adam", from_logits())
    return model, RNG.random((COUNT, 12, 12, 3)).astype("f4"), classes(3)


@example("bidirectional LSTM on texts")
def bidirectional():
    inputs = keras.Input((None,), dtype="int32")
    x = layers.Embedding(30, 8)(inputs)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    x = layers.Bidirectional(layers.LSTM(4))(x)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy")
    return model, RNG.integers(0, 30, (COUNT, 10)), classes()


@example("next-frame prediction with convolutional LSTMs")
def convolutional_lstm():
    inputs = keras.Input((None, 8, 8, 1))
    x = layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True, activation="relu")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Conv3D(1, 3, activation="sigmoid", padding="same")(x)
    model = keras.Model(inputs, x)
    model.compile("adam", "binary_crossentropy")
    frames = RNG.random((COUNT, 4, 8, 8, 1)).astype("f4")
    return model, frames[:, :-1], frames[:, 1:]


@example("time series classification with a transformer")
def series_transformer():
    inputs = keras.Input((12, 1))
    x = layers.MultiHeadAttention(key_dim=4, num_heads=2)(inputs, inputs)
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    residual = x + inputs
    x = layers.Conv1D(filters=4, kernel_size=1, activation="relu")(residual)
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Conv1D(1, kernel_size=1)(x))
    x = layers.GlobalAveragePooling1D(data_format="channels_last")(x + residual)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, RNG.random((COUNT, 12, 1)).astype("f4"), classes()


@example("convolutional autoencoder for denoising")
def autoencoder():
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, (3, 3), activation="relu", padding="same")(inputs)
    x = layers.MaxPooling2D((2, 2), padding="same")(x)
    x = layers.Conv2DTranspose(4, (3, 3), strides=2, activation="relu", padding="same")(x)
    model = keras.Model(inputs, layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x))
    model.compile("adam", "binary_crossentropy")
    x = RNG.random((COUNT, 8, 8, 1)).astype("f4")
    return model, x, x


@example("image similarity with a siamese network")
def siamese():
    inputs = keras.Input((12, 12, 1))
    x = layers.Conv2D(4, (5, 5), activation="tanh")(layers.BatchNormalization()(inputs))
    x = layers.Flatten()(layers.AveragePooling2D(pool_size=(2, 2))(x))
    embedding = keras.Model(inputs, layers.Dense(4, activation="tanh")(x))
    one, two = keras.Input((12, 12, 1), name="one"), keras.Input((12, 12, 1), name="two")
    distance = layers.Lambda(
        lambda v: ops.sqrt(ops.maximum(ops.sum((v[0] - v[1]) ** 2, 1, keepdims=True), 1e-7)),
        output_shape=(1,),
    )([embedding(one), embedding(two)])
    out = layers.Dense(1, activation="sigmoid")(layers.BatchNormalization()(distance))
    model = keras.Model([one, two], out)
    model.compile("adam", lambda y, p: ops.mean((1 - y) * p**2 + y * ops.maximum(1 - p, 0) ** 2))
    x = [RNG.random((COUNT, 12, 12, 1)).astype("f4") for _ in "12"]
    return model, x, classes().astype("f4")


@example("sequence-to-sequence LSTM")
def seq2seq():
    encoded = keras.Input((None, 7))
    _, h, c = layers.LSTM(6, return_state=True)(encoded)
    decoded = keras.Input((None, 5))
    x, _, _ = layers.LSTM(6, return_sequences=True, return_state=True)(
        decoded, initial_state=[h, c]
    )
    model = keras.Model([encoded, decoded], layers.Dense(5, activation="softmax")(x))
    model.compile("rmsprop", "categorical_crossentropy")
    x = [np.eye(n, dtype="f4")[RNG.integers(0, n, (COUNT, 6))] for n in (7, 5)]
    return model, x, np.eye(5, dtype="f4")[RNG.integers(0, 5, (COUNT, 6))]


@example("semantic segmentation with a U-Net of separable convolutions")
def u_net():
    inputs = keras.Input((16, 16, 3))
    x = layers.Activation("relu")(
        layers.BatchNormalization()(layers.Conv2D(4, 3, strides=2, padding="same")(inputs))
    )
    before = x
    x = layers.SeparableConv2D(6, 3, padding="same")(layers.Activation("relu")(x))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(layers.BatchNormalization()(x))
    x = layers.add([x, layers.Conv2D(6, 1, strides=2, padding="same")(before)])
    for _ in range(2):
        x = layers.Conv2DTranspose(6, 3, padding="same")(layers.Activation("relu")(x))
        x = layers.UpSampling2D(2)(layers.BatchNormalization()(x))
    model = keras.Model(inputs, layers.Conv2D(3, 3, activation="softmax", padding="same")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    x = RNG.random((COUNT, 16, 16, 3)).astype("f4")
    return model, x, RNG.integers(0, 3, (COUNT, 16, 16, 1))


@example("collaborative filtering for recommendations")
def recommender():
    class RecommenderNet(keras.Model):
        def __init__(self):
            super().__init__()
            self.user_embedding = layers.Embedding(20, 4)
            self.user_bias = layers.Embedding(20, 1)
            self.movie_embedding = layers.Embedding(30, 4)
            self.movie_bias = layers.Embedding(30, 1)

        def call(self, inputs):
            user, movie = inputs[:, 0], inputs[:, 1]
            dot = ops.sum(self.user_embedding(user) * self.movie_embedding(movie), 1, keepdims=True)
            return ops.nn.sigmoid(dot + self.user_bias(user) + self.movie_bias(movie))

    model = RecommenderNet()
    model.compile("adam", losses.BinaryCrossentropy())
    x = np.stack([RNG.integers(0, 20, COUNT), RNG.integers(0, 30, COUNT)], axis=1)
    return model, x, RNG.random(COUNT)


@example("video classification with a recurrent network over frames")
def video():
    inputs = keras.Input((4, 10, 10, 3))
    x = layers.TimeDistributed(layers.Conv2D(4, 3, activation="relu"))(inputs)
    x = layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.GRU(5)(x)))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, RNG.random((COUNT, 4, 10, 10, 3)).astype("f4"), classes(3)


@example("imbalanced classification: credit card fraud")
def fraud():
    model = keras.Sequential(
        [
            keras.Input((9,)),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.Recall()])
    return model, RNG.random((COUNT, 9)).astype("f4"), classes()[:, None]


@example("text classification from scratch")
def text_from_scratch():
    inputs = keras.Input((None,), dtype="int64")
    x = layers.Dropout(0.5)(layers.Embedding(30, 8)(inputs))
    x = layers.Conv1D(6, 3, padding="valid", activation="relu", strides=3)(x)
    x = layers.GlobalMaxPooling1D()(x)
    x = layers.Dense(6, activation="relu")(x)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="predictions")(x))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, RNG.integers(0, 30, (COUNT, 12)), classes()


@example("image classification with ConvMixer")
def conv_mixer():
    inputs = keras.Input((12, 12, 3))
    x = layers.Rescaling(scale=1.0 / 255)(inputs)
    x = layers.BatchNormalization()(layers.Activation("gelu")(layers.Conv2D(6, 2, strides=2)(x)))
    for _ in range(2):
        before = x
        x = layers.DepthwiseConv2D(kernel_size=3, padding="same")(x)
        x = layers.BatchNormalization()(layers.Activation("gelu")(x))
        x = layers.Add()([x, before])
        x = layers.BatchNormalization()(
            layers.Activation("gelu")(layers.Conv2D(6, kernel_size=1)(x))
        )
    x = layers.GlobalAvgPool2D()(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, RNG.integers(0, 256, (COUNT, 12, 12, 3)).astype("uint8"), classes(3)
