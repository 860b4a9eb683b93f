"""Layers that several of keras.io's examples have."""

import keras
from keras import layers, ops


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


class Patches(layers.Layer):
    def __init__(self, size=4):
        super().__init__()
        self.size = size

    def call(self, images):
        patches = ops.image.extract_patches(images, size=self.size)
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


def transformer(x, width, heads, activation="gelu"):
    """A pre-norm block of a functional model, as in the vision examples."""
    x1 = layers.LayerNormalization(epsilon=1e-6)(x)
    attended = layers.MultiHeadAttention(num_heads=heads, key_dim=width, dropout=0.1)(x1, x1)
    x2 = layers.Add()([attended, x])
    x3 = layers.LayerNormalization(epsilon=1e-6)(x2)
    x3 = layers.Dropout(0.1)(layers.Dense(width, activation=activation)(x3))
    return layers.Add()([x3, x2])
