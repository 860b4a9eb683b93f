"""Models of each kind of input, and of each way that it takes through them."""

from functools import partial

import keras
import numpy as np
from keras import layers, ops

from .architectures import convolutions
from .kinds import CLASSES, PROBES, images, kind, series

takes = partial(kind, group="What goes into it")
SENTENCES = np.array(["the cat sat", "a dog ran home", "big red bus", "the dog sat down"])
WORDS = ["the", "cat", "sat", "a", "dog", "ran", "home", "big", "red", "bus", "down"]


def texts(random):
    return SENTENCES


@takes("raw strings", texts, strings=True, layers=("words",))
def raw_strings():
    inputs = keras.Input((1,), dtype="string")
    ids = layers.TextVectorization(output_sequence_length=5, vocabulary=WORDS)(inputs)
    x = layers.Embedding(len(WORDS) + 2, 6, name="words")(ids)
    x = layers.GlobalAveragePooling1D()(layers.Conv1D(5, 2, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


@takes("a keras-hub task with its preprocessor", texts, strings=True, layers=("token_embedding",))
def hub_task():
    import keras_hub

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    preprocessor = keras_hub.models.BertTextClassifierPreprocessor(
        keras_hub.models.BertTokenizer(vocabulary, lowercase=True), sequence_length=8
    )
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(vocabulary), num_layers=1, num_heads=2, hidden_dim=8,
        intermediate_dim=16, max_sequence_length=8, dropout=0.0,
    )  # fmt: skip
    return keras_hub.models.BertTextClassifier(
        backbone, CLASSES, preprocessor, activation="softmax", dropout=0.0
    )


def of_numbers(random):
    return random.integers(0, 20, (PROBES, 6)).astype("f4")


@takes("token ids that are declared as numbers", of_numbers, layers=("words",))
def float_ids():
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Embedding(20, 4, name="words"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


@takes("pictures of bytes", lambda r: r.integers(0, 256, (PROBES, 8, 8, 3)).astype("uint8"))
def byte_pictures():
    inputs = keras.Input((8, 8, 3), dtype="uint8")
    x = inputs
    for layer in (layers.Rescaling(1 / 255), *convolutions()):
        x = layer(x)
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


def two_images(random):
    return {"left": images(random), "right": images(random)}


@takes("two towers of the same weights", two_images, lambda r: np.arange(PROBES)[:, None] % 2,
       loss="binary_crossentropy")  # fmt: skip
def two_towers():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="seen")(image)
    tower = keras.Model(image, layers.GlobalAveragePooling2D()(x), name="tower")
    sides = [keras.Input((8, 8, 3), name=name) for name in ("left", "right")]
    x = layers.Subtract()([tower(side) for side in sides])
    out = layers.Dense(1, activation="sigmoid")(layers.Dense(4, activation="relu")(x))
    return keras.Model({"left": sides[0], "right": sides[1]}, out)


class Leaky(layers.Layer):
    """A recurrent cell of the user's own."""

    def __init__(self, units):
        super().__init__()
        self.units = self.state_size = self.output_size = units
        self.inner = layers.Dense(units, name="inner")

    def build(self, shape):
        self.inner.build((shape[0], shape[-1] + self.units))

    def call(self, inputs, states):
        (state,) = states
        new = ops.tanh(self.inner(ops.concatenate([inputs, state], axis=-1)))
        state = 0.7 * state + 0.3 * new
        return state, [state]


# PyTorch calls the cell at each step, where it is heard; elsewhere it is inside of a loop.
@takes("recurrent, of a custom cell", series, apart=("deep_lift", "gradient_flow"))
def custom_cell():
    x = keras.Input((10, 2))
    h = layers.RNN(Leaky(5), name="memory")(x)
    return keras.Model(x, layers.Dense(CLASSES, activation="softmax")(h))


class FramesInTheBatch(keras.Model):
    """Sees each frame as if it were an example of its own."""

    def __init__(self):
        super().__init__()
        self.seen = layers.Conv2D(4, 3, activation="relu", name="seen")
        self.head = layers.Dense(CLASSES, name="head")

    def call(self, x):
        frames = ops.reshape(x, (-1, 8, 8, 3))
        features = ops.mean(self.seen(frames), axis=(1, 2))
        return ops.softmax(self.head(ops.mean(ops.reshape(features, (-1, 5, 4)), axis=1)))


takes("video, folded into the batch", lambda r: r.normal(size=(PROBES, 5, 8, 8, 3)).astype("f4"))(
    FramesInTheBatch
)
