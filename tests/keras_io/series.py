"""keras.io's examples on series: forecasts, anomalies, speech, video."""

import keras
import numpy as np
from keras import layers, ops

from .catalogue import classes, example, from_logits, pictures


@example(
    "time series classification from scratch",
    {"saliency": "input", "grad_cam/re_lu_1": "input"},
    live=True,
)
def series_from_scratch(random):
    inputs = x = keras.Input((12, 1))
    for _ in range(2):
        x = layers.Conv1D(filters=4, kernel_size=3, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling1D()(x)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, pictures(random, 12, 1), classes()


@example(
    "time series classification with a transformer",
    {"saliency": "input", "grad_cam/global_average_pooling1d/input": "input"},
    dead=("multi_head_attention", "conv1d"),
    live=True,
)
def series_transformer(random):
    """Normalisation over its one channel leaves nothing of what the convolutions say."""
    inputs = keras.Input((12, 1))
    x = layers.MultiHeadAttention(key_dim=4, num_heads=2)(inputs, inputs)
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Dropout(0.1)(x))
    residual = x + inputs
    x = layers.Conv1D(filters=4, kernel_size=1, activation="relu")(residual)
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Conv1D(1, kernel_size=1)(x))
    x = layers.GlobalAveragePooling1D(data_format="channels_last")(x + residual)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, pictures(random, 12, 1), classes()


@example("time series forecasting for weather", {"saliency": "input"}, live=True)
def weather(random):
    inputs = keras.Input((12, 7))
    model = keras.Model(inputs, layers.Dense(1)(layers.LSTM(6)(inputs)))
    model.compile("adam", "mse")
    return model, pictures(random, 12, 7), random.random((len(classes()), 1))


@example(
    "time series anomaly detection with an autoencoder",
    {"saliency": "input", "grad_cam/conv1d_transpose_1": "input"},
    live=True,
)
def anomalies(random):
    model = keras.Sequential(
        [
            layers.Input((12, 1)),
            layers.Conv1D(filters=6, kernel_size=7, padding="same", strides=2, activation="relu"),
            layers.Dropout(rate=0.2),
            layers.Conv1D(filters=4, kernel_size=7, padding="same", strides=2, activation="relu"),
            layers.Conv1DTranspose(4, kernel_size=7, padding="same", strides=2, activation="relu"),
            layers.Dropout(rate=0.2),
            layers.Conv1DTranspose(6, kernel_size=7, padding="same", strides=2, activation="relu"),
            layers.Conv1DTranspose(filters=1, kernel_size=7, padding="same"),
        ]
    )
    model.compile("adam", "mse")
    x = pictures(random, 12, 1)
    return model, x, x


@example(
    "speaker recognition with residual convolutions",
    {"saliency": "input", "grad_cam/activation_3": "input"},
    live=True,
)
def speakers(random):
    inputs = x = keras.Input((32, 1), name="input")
    for filters in (4, 6):
        shortcut = layers.Conv1D(filters, 1, padding="same")(x)
        x = layers.Activation("relu")(layers.Conv1D(filters, 3, padding="same")(x))
        x = layers.Conv1D(filters, 3, padding="same")(x)
        x = layers.Activation("relu")(layers.Add()([x, shortcut]))
        x = layers.MaxPool1D(pool_size=2, strides=2)(x)
    x = layers.Flatten()(layers.AveragePooling1D(pool_size=3, strides=3)(x))
    x = layers.Dense(8, activation="relu")(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax", name="output")(x))
    model.compile("Adam", "sparse_categorical_crossentropy")
    return model, pictures(random, 32, 1), classes(3)


class Spectrogram(layers.Layer):
    def call(self, signal):
        real, imaginary = ops.stft(signal, 16, 8, 16)
        return ops.expand_dims(ops.sqrt(real**2 + imaginary**2 + 1e-6), -1)


@example(
    "audio classification with an STFT layer",
    {"saliency": "input", "grad_cam/conv2d_1": None},
    live=True,
)
def spectrogram(random):
    inputs = keras.Input((64,))
    x = layers.Resizing(12, 12)(Spectrogram()(inputs))
    x = layers.Normalization(mean=0.5, variance=0.1)(x)
    for filters in (4, 6):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
    x = layers.Dropout(0.25)(layers.MaxPooling2D()(x))
    x = layers.Dense(8, activation="relu")(layers.Flatten()(x))
    model = keras.Model(inputs, layers.Dense(3)(layers.Dropout(0.5)(x)))
    model.compile("adam", from_logits())
    return model, pictures(random, 64) - 0.5, classes(3)


@example(
    "audio classification with a mel spectrogram",
    {"saliency": "input", "grad_cam/conv2d": None},
    live=True,
)
def mel(random):
    inputs = keras.Input((64,))
    x = layers.MelSpectrogram(
        fft_length=16, sequence_stride=8, sampling_rate=64, num_mel_bins=6, min_freq=1, max_freq=32
    )(inputs)
    x = layers.Conv2D(4, 3, activation="relu")(ops.expand_dims(x, -1))
    model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    model.compile("adam", from_logits())
    return model, pictures(random, 64) - 0.5, classes(3)


@example(
    "next-frame prediction with convolutional LSTMs",
    {"saliency": "input", "grad_cam/batch_normalization": "input"},
    live=True,
)
def convolutional_lstm(random):
    inputs = keras.Input((None, 8, 8, 1))
    x = layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True, activation="relu")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Conv3D(1, 3, activation="sigmoid", padding="same")(x)
    model = keras.Model(inputs, x)
    model.compile("adam", "binary_crossentropy")
    frames = pictures(random, 4, 8, 8, 1)
    return model, frames[:, :-1], frames[:, 1:]


@example(
    "video classification with a recurrent network over frames",
    {"saliency": "input", "grad_cam/time_distributed": "input"},
    live=True,
)
def video(random):
    inputs = keras.Input((4, 10, 10, 3))
    x = layers.TimeDistributed(layers.Conv2D(4, 3, activation="relu"))(inputs)
    x = layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.GRU(5)(x)))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, pictures(random, 4, 10, 10, 3), classes(3)


@example(
    "video classification on features of frames, with their mask",
    {"saliency/keras_tensor": "keras_tensor"},
    live=True,
)
def frame_features(random):
    features = keras.Input((6, 5))
    mask = keras.Input((6,), dtype="bool")
    x = layers.GRU(5, return_sequences=True)(features, mask=mask)
    x = layers.Dense(4, activation="relu")(layers.Dropout(0.4)(layers.GRU(4)(x)))
    model = keras.Model([features, mask], layers.Dense(3, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    x = pictures(random, 6, 5)
    return model, [x, np.arange(6) < 3 + np.arange(len(x))[:, None] % 3], classes(3)
