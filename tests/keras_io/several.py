"""keras.io's examples of several outputs, of losses inside the model, and of GANs' judges."""

import keras
from keras import layers, losses, ops

from .catalogue import COUNT, classes, example, from_logits, pictures


def judge(inputs):
    """The discriminator of the DCGAN example, up to its heads."""
    x = inputs
    for filters in (4, 6):
        x = layers.Conv2D(filters, kernel_size=4, strides=2, padding="same")(x)
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    return layers.Dropout(0.2)(layers.Flatten()(x))


@example(
    "DCGAN: the discriminator as a classifier",
    {"saliency": "input", "grad_cam/leaky_re_lu_1": "input"},
    live=True,
)
def dcgan_discriminator(random):
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(judge(inputs)))
    model.compile("adam", losses.BinaryCrossentropy())
    return model, pictures(random, 16, 16, 3), classes().astype("f4")[:, None]


@example(
    "ACGAN: the class that the discriminator sees",
    {"saliency": "input", "grad_cam/leaky_re_lu_1": "input"},
    options={"output": "auxiliary"},
)
def acgan_discriminator(random):
    inputs = keras.Input((16, 16, 1))
    x = judge(inputs)
    heads = [
        layers.Dense(1, activation="sigmoid", name="generation")(x),
        layers.Dense(3, activation="softmax", name="auxiliary")(x),
    ]
    model = keras.Model(inputs, heads)
    model.compile("adam", ["binary_crossentropy", "sparse_categorical_crossentropy"])
    y = [classes().astype("f4")[:, None], (classes(4) + 1) % 3]
    return model, pictures(random, 16, 16, 1), y


@example(
    "salient objects with deep supervision",
    {"saliency": "input", "grad_cam/re_lu": "input"},
    options={"output": 0},
    live=True,
)
def deep_supervision(random):
    """Each scale predicts the mask, as in BASNet."""
    inputs = keras.Input((16, 16, 3))
    x = fine = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    x = coarse = layers.Conv2D(6, 3, padding="same", activation="relu")(layers.MaxPooling2D()(x))
    coarse = layers.UpSampling2D(2, interpolation="bilinear")(
        layers.Conv2D(1, 3, padding="same")(x)
    )
    x = layers.Concatenate()([fine, layers.UpSampling2D(2)(x)])
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(x)))
    heads = [layers.Conv2D(1, 3, padding="same", name="refined")(x), coarse]
    outputs = [layers.Activation("sigmoid")(head) for head in heads]
    model = keras.Model(inputs, outputs)
    model.compile("adam", ["binary_crossentropy", "binary_crossentropy"])
    mask = random.integers(0, 2, (COUNT, 16, 16, 1)).astype("f4")
    return model, pictures(random, 16, 16, 3), [mask, mask]


@example(
    "two tasks of one trunk",
    {"saliency/tags": "tags", "saliency/embedding": "title"},
    options={"output": "priority"},
)
def tickets(random):
    """Guide to the functional API: text and tags in, a number and a department out."""
    title = keras.Input((10,), dtype="int32", name="title")
    tags = keras.Input((4,), name="tags")
    x = layers.Concatenate()([layers.LSTM(5)(layers.Embedding(30, 8)(title)), tags])
    outputs = {
        "priority": layers.Dense(1, name="priority")(x),
        "department": layers.Dense(3, name="department")(x),
    }
    model = keras.Model({"title": title, "tags": tags}, outputs)
    loss = {"priority": losses.BinaryCrossentropy(from_logits=True), "department": from_logits()}
    model.compile("rmsprop", loss, loss_weights={"priority": 1.0, "department": 0.2})
    x = {
        "title": random.integers(1, 30, (COUNT, 10)),
        "tags": random.integers(0, 2, (COUNT, 4)).astype("f4"),
    }
    return model, x, {"priority": classes().astype("f4")[:, None], "department": classes(3)}


class Distiller(keras.Model):
    def __init__(self, student, teacher):
        super().__init__()
        self.student, self.teacher = student, teacher
        self.divergence = losses.KLDivergence()

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        taught = ops.softmax(self.teacher(x, training=False) / 10)
        distilled = self.divergence(taught, ops.softmax(y_pred / 10)) * 100
        own = super().compute_loss(x, y, y_pred, sample_weight, training)
        return 0.1 * own + 0.9 * distilled

    def call(self, x):
        return self.student(x)


@example(
    "knowledge distillation", {"saliency": "input", "grad_cam/student/conv2d_1": "input"}, live=True
)
def distillation(random):
    def small(name, filters):
        return keras.Sequential(
            [
                keras.Input((14, 14, 1)),
                layers.Conv2D(filters, (3, 3), strides=(2, 2), padding="same"),
                layers.LeakyReLU(negative_slope=0.2),
                layers.MaxPooling2D(pool_size=(2, 2), strides=(1, 1), padding="same"),
                layers.Conv2D(2 * filters, (3, 3), strides=(2, 2), padding="same"),
                layers.Flatten(),
                layers.Dense(3),
            ],
            name=name,
        )

    model = Distiller(small("student", 2), small("teacher", 4))
    model.compile("adam", from_logits())
    return model, pictures(random, 14, 14, 1), classes(3)
