"""Small models with attention, for several tests."""

import keras
import numpy as np
from keras import layers, ops

from tests.reference.attention_reference import HEADS, KINDS, LAYERS, WIDTH


class ClassToken(layers.Layer):
    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]), initializer="normal")

    def call(self, x):
        return ops.concatenate([ops.repeat(self.token, ops.shape(x)[0], axis=0), x], axis=1)


def vision(depth=2, class_token=True, **options):
    """Pictures of 8x12 in patches of 2x2."""
    x = picture = keras.Input((8, 12, 3))
    x = layers.Reshape((24, 8))(layers.Conv2D(8, 2, strides=2, name="patches")(x))
    x = ClassToken(name="token")(x) if class_token else x
    for _ in range(depth):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(2, 4, **options)(y, y)
        y = layers.Dense(16, activation="gelu")(layers.LayerNormalization()(x))
        x = x + layers.Dense(8)(y)
    x = x[:, 0] if class_token else layers.GlobalAveragePooling1D()(x)
    return named(keras.Model(picture, layers.Dense(3, activation="softmax")(x)))


def text():
    """Ten token ids, of which 0 is none."""
    x = ids = keras.Input((10,), dtype="int32", name="ids")
    x = layers.Embedding(20, 8, name="words")(x)
    # Keras loses the mask of an embedding at the first residual sum.
    there = ops.not_equal(ids, 0)
    pairs = ops.logical_and(there[:, None], there[:, :, None])
    for _ in range(2):
        attended = layers.MultiHeadAttention(2, 4)(x, x, attention_mask=pairs)
        x = layers.LayerNormalization()(x + attended)
    x = layers.GlobalAveragePooling1D()(x)
    return named(keras.Model(ids, layers.Dense(3, activation="softmax")(x)))


def stack(given, causal=False):
    """Two layers with the weights of the reference."""
    x = tokens = keras.Input((7, WIDTH))
    for i in range(LAYERS):
        layer = layers.MultiHeadAttention(HEADS, WIDTH // HEADS, name=f"layer{i}")
        x = x + layer(x, x, use_causal_mask=causal)
        order = [f"{name}{end}{i}" for name in (*KINDS, "output") for end in ("", "_bias")]
        layer.set_weights([given[name] for name in order])
    return keras.Model(tokens, layers.Dense(3)(layers.Flatten()(x)))


def named(model):
    """The same names whatever was made before."""
    attention = [x for x in model.layers if isinstance(x, layers.MultiHeadAttention)]
    for i, layer in enumerate(attention):
        layer.name = f"attention{i}"
    return model


def softmax(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
