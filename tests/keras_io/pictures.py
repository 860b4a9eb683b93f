"""keras.io's examples on pictures: convolutions."""

import keras
import numpy as np
from keras import layers, ops

from .catalogue import COUNT, classes, example, from_logits, pictures
from .closed_forms import gradient_of_two_dense_layers, mean_times_kernel


@example(
    "MNIST quickstart: pictures without channels",
    {"saliency": "input"},
    check=gradient_of_two_dense_layers,
)
def quickstart(random):
    model = keras.Sequential(
        [
            layers.Flatten(input_shape=(28, 28)),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(3),
        ]
    )
    model.compile("adam", from_logits(), metrics=["accuracy"])
    return model, pictures(random, 28, 28), classes(3)


@example("simple MNIST convnet", {"saliency": "input", "grad_cam/conv2d_1": "input"})
def simple_convnet(random):
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(4, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(6, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model, pictures(random, 12, 12, 1), np.eye(3, dtype="f4")[classes(3)]


@example(
    "convolutional autoencoder for denoising",
    {"saliency": "input", "grad_cam/conv2d_transpose": "input"},
)
def autoencoder(random):
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, (3, 3), activation="relu", padding="same")(inputs)
    x = layers.MaxPooling2D((2, 2), padding="same")(x)
    x = layers.Conv2DTranspose(4, (3, 3), strides=2, activation="relu", padding="same")(x)
    model = keras.Model(inputs, layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x))
    model.compile("adam", "binary_crossentropy")
    x = pictures(random, 8, 8, 1)
    return model, x, x


@example(
    "semantic segmentation with a U-Net of separable convolutions",
    {"saliency": "input", "grad_cam/up_sampling2d_1": "input"},
    not_on=("torch",),
    live=True,
)
def u_net(random):
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
    return model, pictures(random, 16, 16, 3), random.integers(0, 3, (COUNT, 16, 16, 1))


@example(
    "image classification with ConvMixer",
    {"saliency": "input", "grad_cam/batch_normalization_4": "input"},
    check=mean_times_kernel,
    live=True,
)
def conv_mixer(random):
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
    return model, random.integers(0, 256, (COUNT, 12, 12, 3)).astype("uint8"), classes(3)


@example(
    "image classification with Xception blocks",
    {"saliency": "input", "grad_cam/activation_3": "input"},
    check=mean_times_kernel,
    live=True,
)
def xception(random):
    inputs = keras.Input((16, 16, 3))
    x = layers.Rescaling(1.0 / 255)(inputs)
    x = layers.Conv2D(4, 3, strides=2, padding="same")(x)
    x = before = layers.Activation("relu")(layers.BatchNormalization()(x))
    for _ in range(2):
        x = layers.SeparableConv2D(6, 3, padding="same")(layers.Activation("relu")(x))
        x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.add([x, layers.Conv2D(6, 1, strides=2, padding="same")(before)])
    x = layers.BatchNormalization()(layers.SeparableConv2D(8, 3, padding="same")(x))
    x = layers.GlobalAveragePooling2D()(layers.Activation("relu")(x))
    model = keras.Model(inputs, layers.Dense(3)(layers.Dropout(0.25)(x)))
    model.compile("adam", from_logits())
    return model, 255 * pictures(random, 16, 16, 3), classes(3)


@example(
    "transfer learning and fine-tuning",
    {"saliency": "input", "grad_cam/base/re_lu": "input"},
    live=True,
)
def fine_tuning(random):
    """A frozen base, called with `training=False`, behind augmentation and a rescaling."""
    base_inputs = keras.Input((12, 12, 3))
    x = layers.Conv2D(4, 3, activation="relu")(base_inputs)
    base = keras.Model(base_inputs, layers.ReLU()(layers.BatchNormalization()(x)), name="base")
    base.trainable = False
    inputs = keras.Input((12, 12, 3))
    x = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])(inputs)
    x = base(layers.Rescaling(1 / 127.5, offset=-1)(x), training=False)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, layers.Dense(2)(x))
    model.compile("adam", from_logits())
    return model, 255 * pictures(random, 12, 12, 3), classes()


@example(
    "image similarity with a siamese network",
    {
        "saliency/one": "one",
        "saliency/two": "two",
        "grad_cam/functional/conv2d": "one",
        "grad_cam/functional/conv2d#2": "two",
    },
    live=True,
)
def siamese(random):
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
    return model, [pictures(random, 12, 12, 1) for _ in "12"], classes().astype("f4")


@example(
    "3D image classification from CT scans",
    {"saliency": "input", "grad_cam/batch_normalization_1": "input"},
    live=True,
)
def ct_scans(random):
    inputs = keras.Input((12, 12, 6, 1))
    x = inputs
    for filters in (4, 6):
        x = layers.Conv3D(filters=filters, kernel_size=3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(layers.MaxPool3D(pool_size=2)(x))
    x = layers.Dense(units=8, activation="relu")(layers.GlobalAveragePooling3D()(x))
    x = layers.Dense(units=1, activation="sigmoid")(layers.Dropout(0.3)(x))
    model = keras.Model(inputs, x)
    model.compile("adam", "binary_crossentropy", metrics=["acc"])
    return model, pictures(random, 12, 12, 6, 1), classes()
