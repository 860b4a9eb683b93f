"""keras.io's examples on pictures that are cut into patches."""

import keras
import numpy as np
from keras import layers, ops

from .blocks import PatchEncoder, Patches, transformer
from .catalogue import classes, example, from_logits, pictures
from .closed_forms import mean_times_kernel


@example("image classification with a vision transformer", {"saliency": "input"}, live=True)
def vision_transformer(random):
    inputs = keras.Input((12, 12, 3))
    encoded = PatchEncoder(9, 8)(Patches()(inputs))
    for _ in range(2):
        encoded = transformer(encoded, 8, 2)
    x = layers.Flatten()(layers.LayerNormalization(epsilon=1e-6)(encoded))
    x = layers.Dense(16, activation="gelu")(layers.Dropout(0.5)(x))
    model = keras.Model(inputs, layers.Dense(3)(x))
    model.compile("adam", from_logits())
    return model, pictures(random, 12, 12, 3), classes(3)


class Perceiver(keras.Model):
    """Latents attend to the patches, then to each other, twice."""

    def __init__(self):
        super().__init__()
        self.patcher = Patches()
        self.patch_encoder = PatchEncoder(9, 8)
        latents, data = keras.Input((5, 8)), keras.Input((9, 8))
        query = layers.LayerNormalization(epsilon=1e-6)(latents)
        read = layers.LayerNormalization(epsilon=1e-6)(data)
        kernels = [layers.Dense(8)(query), layers.Dense(8)(read), layers.Dense(8)(read)]
        attended = layers.Attention(use_scale=True, dropout=0.1)(kernels, return_attention_scores=0)
        x = layers.Add()([layers.LayerNormalization(epsilon=1e-6)(attended), latents])
        self.cross_attention = keras.Model([latents, data], layers.Add()([layers.Dense(8)(x), x]))
        turned = keras.Input((5, 8))
        self.transformer = keras.Model(turned, transformer(turned, 8, 2))
        self.global_average_pooling = layers.GlobalAveragePooling1D()
        self.classification_head = layers.Dense(3, activation="softmax")
        self.latent_array = self.add_weight(
            shape=(5, 8), initializer="random_normal", name="latents"
        )

    def call(self, inputs):
        encoded = self.patch_encoder(self.patcher(inputs))
        latents = ops.expand_dims(self.latent_array, 0)
        for _ in range(2):
            latents = self.transformer(self.cross_attention([latents, encoded]))
        return self.classification_head(self.global_average_pooling(latents))


@example("image classification with Perceiver", {"saliency": "input"}, live=True)
def perceiver(random):
    model = Perceiver()
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, pictures(random, 12, 12, 3), classes(3)


class WindowAttention(layers.Layer):
    def __init__(self, width, window, heads):
        super().__init__()
        self.window, self.heads, self.scale = window, heads, (width // heads) ** -0.5
        self.qkv = layers.Dense(width * 3)
        self.proj = layers.Dense(width)
        at = np.stack(np.meshgrid(np.arange(window), np.arange(window), indexing="ij")).reshape(
            2, -1
        )
        between = at[:, :, None] - at[:, None, :] + window - 1
        index = between[0] * (2 * window - 1) + between[1]
        self.index = keras.Variable(index, dtype="int32", trainable=False)

    def build(self, _):
        self.table = self.add_weight(shape=((2 * self.window - 1) ** 2, self.heads))

    def call(self, x):
        _, size, width = x.shape
        qkv = ops.reshape(self.qkv(x), (-1, size, 3, self.heads, width // self.heads))
        q, k, v = ops.unstack(ops.transpose(qkv, (2, 0, 3, 1, 4)), 3, axis=0)
        attended = (q * self.scale) @ ops.transpose(k, (0, 1, 3, 2))
        bias = ops.reshape(
            ops.take(self.table, ops.reshape(self.index, (-1,)), 0), (size, size, -1)
        )
        attended = attended + ops.expand_dims(ops.transpose(bias, (2, 0, 1)), 0)
        found = ops.transpose(ops.softmax(attended, -1) @ v, (0, 2, 1, 3))
        return self.proj(ops.reshape(found, (-1, size, width)))


class SwinTransformer(layers.Layer):
    def __init__(self, width, side, window, shift):
        super().__init__()
        self.side, self.window, self.shift = side, window, shift
        self.norm1 = layers.LayerNormalization(epsilon=1e-5)
        self.attn = WindowAttention(width, window, 2)
        self.norm2 = layers.LayerNormalization(epsilon=1e-5)
        self.mlp = keras.Sequential([layers.Dense(2 * width, "gelu"), layers.Dense(width)])

    def call(self, x):
        n, side, width = self.window, self.side, x.shape[-1]
        maps = ops.reshape(self.norm1(x), (-1, side, side, width))
        maps = ops.roll(maps, (-self.shift, -self.shift), axis=(1, 2))
        windows = ops.reshape(maps, (-1, side // n, n, side // n, n, width))
        windows = ops.reshape(ops.transpose(windows, (0, 1, 3, 2, 4, 5)), (-1, n * n, width))
        found = ops.reshape(self.attn(windows), (-1, side // n, side // n, n, n, width))
        found = ops.reshape(ops.transpose(found, (0, 1, 3, 2, 4, 5)), (-1, side, side, width))
        found = ops.roll(found, (self.shift, self.shift), axis=(1, 2))
        x = x + ops.reshape(found, (-1, side * side, width))
        return x + self.mlp(self.norm2(x))


@example("image classification with Swin transformers", {"saliency": "input"}, live=True)
def swin(random):
    inputs = keras.Input((16, 16, 3))
    x = PatchEncoder(16, 8)(Patches()(inputs))
    for shift in (0, 1):
        x = SwinTransformer(8, 4, 2, shift)(x)
    x = layers.Reshape((2, 2, 2, 2, 8))(x)  # merges patches, two by two
    x = layers.Reshape((4, 32))(layers.Permute((1, 3, 2, 4, 5))(x))
    x = layers.GlobalAveragePooling1D()(layers.Dense(16, use_bias=False)(x))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    model.compile("adam", keras.losses.CategoricalCrossentropy(label_smoothing=0.1))
    return model, pictures(random, 16, 16, 3), np.eye(3, dtype="f4")[classes(3)]


class MLPMixerLayer(layers.Layer):
    def __init__(self, patches, width):
        super().__init__()
        self.mlp1 = keras.Sequential([layers.Dense(patches, "gelu"), layers.Dense(patches)])
        self.mlp2 = keras.Sequential([layers.Dense(width, "gelu"), layers.Dense(width)])
        self.normalize = layers.LayerNormalization(epsilon=1e-6)

    def call(self, inputs):
        channels = ops.transpose(self.normalize(inputs), (0, 2, 1))
        x = ops.transpose(self.mlp1(channels), (0, 2, 1)) + inputs
        return x + self.mlp2(self.normalize(x))


@example("image classification with MLP-Mixer", {"saliency": "input"})
def mlp_mixer(random):
    inputs = keras.Input((12, 12, 3))
    x = layers.Dense(units=8)(Patches()(inputs))
    x = keras.Sequential([MLPMixerLayer(9, 8) for _ in range(2)])(x)
    x = layers.Dropout(rate=0.2)(layers.GlobalAveragePooling1D()(x))
    model = keras.Model(inputs, layers.Dense(3)(x))
    model.compile("adam", from_logits())
    return model, pictures(random, 12, 12, 3), classes(3)


def inverted_residual(x, filters, strides=1):
    m = layers.Conv2D(2 * x.shape[-1], 1, padding="same", use_bias=False)(x)
    m = ops.silu(layers.BatchNormalization()(m))
    if strides == 2:
        m = layers.ZeroPadding2D(padding=((0, 1), (0, 1)))(m)
    padding = "same" if strides == 1 else "valid"
    m = layers.DepthwiseConv2D(3, strides=strides, padding=padding, use_bias=False)(m)
    m = ops.silu(layers.BatchNormalization()(m))
    m = layers.BatchNormalization()(layers.Conv2D(filters, 1, padding="same", use_bias=False)(m))
    return layers.Add()([m, x]) if strides == 1 and x.shape[-1] == filters else m


@example(
    "image classification with MobileViT",
    {"saliency": "input", "grad_cam/conv2d_9": "input"},
    check=mean_times_kernel,
    live=True,
)
def mobile_vit(random):
    inputs = keras.Input((16, 16, 3))
    x = layers.Rescaling(scale=1.0 / 255)(inputs)
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="swish")(x)
    x = inverted_residual(inverted_residual(x, 4), 6, strides=2)
    local = layers.Conv2D(6, 3, padding="same", activation="swish")(x)
    local = layers.Conv2D(8, 1, padding="same", activation="swish")(local)
    seen = transformer(layers.Reshape((4, 4, 8))(local), 8, 2, "swish")
    folded = layers.Conv2D(6, 1, padding="same", activation="swish")(
        layers.Reshape((4, 4, 8))(seen)
    )
    both = layers.Concatenate(axis=-1)([x, folded])
    x = layers.Conv2D(8, 3, padding="same", activation="swish")(both)
    x = layers.Conv2D(12, 1, padding="same", activation="swish")(x)
    x = layers.GlobalAvgPool2D()(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, 255 * pictures(random, 16, 16, 3), classes(3)
