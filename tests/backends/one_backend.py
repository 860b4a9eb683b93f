"""What one backend makes of given weights.

    KERAS_BACKEND=torch python -m tests.backends.one_backend FOLDER

Writes `explained.npz`, the methods' maps, and what was warned of; trains once with the callback and
once without, and logs in a loop by hand.
"""

import sys
import warnings
from pathlib import Path

import keras
import numpy as np
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain

METHODS = (
    "activations", "channel_weights", "deconvnet", "deep_lift", "eigen_cam", "grad_cam",
    "grad_cam_plus_plus", "gradient", "gradient_flow", "gradient_times_input", "guided_backprop",
    "hi_res_cam", "integrated_gradients", "layer_cam", "lrp", "occlusion", "rise", "saliency",
    "score_cam", "smooth_grad", "weight_gradients",
)  # fmt: skip
OF_TOKENS = ("attention_maps", "attention_norms", "attention_rollout", "lrp", "saliency")
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(8, 16, 16, 3)).astype("float32")
Y = np.arange(8) % 4


def compiled(model):
    model.compile(
        keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    return model


def convolutional():
    return compiled(
        keras.Sequential(
            [
                keras.Input((16, 16, 3)),
                layers.Conv2D(6, 3, activation="relu", name="first"),
                layers.BatchNormalization(),
                layers.MaxPooling2D(),
                layers.Conv2D(8, 3, activation="relu", name="last"),
                layers.Flatten(),
                layers.Dropout(0.2),
                layers.Dense(16, activation="relu"),
                layers.Dense(4),
            ]
        )
    )


def transformer():
    image = keras.Input((16, 16, 3))
    x = layers.Dense(16)(layers.Reshape((64, 12))(image))
    normed = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 8, name="attention")(normed, normed)])
    x = layers.Dense(16, activation="gelu")(x)
    return compiled(keras.Model(image, layers.Dense(4)(layers.GlobalAveragePooling1D()(x))))


def given(model):
    """The model with weights that do not depend on the backend."""
    random = np.random.default_rng(5)
    for weight in model.weights:
        fan = np.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 25
        drawn = random.normal(size=weight.shape) / np.sqrt(fan)
        plain = weight.name in ("gamma", "moving_variance")
        weight.assign(1 + np.abs(drawn) if plain else drawn)
    return model


def explained():
    found = {}
    for kind, build, methods in (
        ("convolutional", convolutional, METHODS),
        ("transformer", transformer, OF_TOKENS),
    ):
        model = given(build())
        for method in methods:
            maps = keras_explain.explain(model, X, method, labels=Y)
            maps = maps if isinstance(maps, dict) else {method: maps}
            # Weights' names count the layers of a process. One number a probe is a gap: rounding.
            found |= {f"{kind}/{method}/{n}": m for n, m in enumerate(maps.values()) if m.ndim > 1}
    return found


def trained(log_dir=None):
    keras.utils.set_random_seed(1)
    model = given(convolutional())
    watch = [] if log_dir is None else [Explain(log_dir, (X, Y), strict=True)]
    model.fit(X, Y, batch_size=4, epochs=3, verbose=0, callbacks=watch)
    return [np.asarray(weight) for weight in model.get_weights()]


def logged(log_dir):
    """A step of a loop of one's own, whose loss gradients still flow through."""
    model = given(convolutional())
    loss = keras.ops.mean(keras.ops.square(model(X, training=True)))
    with Explain(log_dir, (X, Y), ["saliency"], strict=True) as explainer:
        explainer.log(model, 0, logs={"loss": loss})


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        np.savez(folder / "explained.npz", **explained())
    (folder / "told.txt").write_text("\n".join(str(one.message) for one in told))
    logged(folder / "loop")
    np.savez(folder / "bare.npz", *trained())
    np.savez(folder / "watched.npz", *trained(folder / "run"))
