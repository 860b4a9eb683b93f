"""What explanations of one model are, on whatever Keras is imported.

`python -m tests.core.any_keras FILE` writes them to FILE; where the file exists, they must be the
same as those in it. With `--new-layout` the Keras that is installed is first rearranged as Keras's
pull request 23642 does it.
"""

import sys
import tempfile
from pathlib import Path
from types import ModuleType

import numpy as np


def rearrange():
    """Let layers reach the backend's functions as `backend.ops.nn`, and no other way."""
    import keras
    from keras.src import backend

    class WithOps(ModuleType):
        """The backend as modules of the new Keras see it; `backend.nn` for those of the old."""

        def __getattr__(self, name):
            owner = backend.ops if name in parts else backend
            return getattr(owner, name)

    parts = ("nn", "numpy", "math")
    backend.ops = ModuleType("keras.src.backend.ops")
    for name in parts:
        old = vars(backend).pop(name)
        # One module for a name, with the functions in a file of their own.
        moved = ModuleType(f"keras.src.backend.ops.{name}")
        vars(moved).update(vars(old))
        setattr(backend.ops, name, moved)
    # From then on the name means the NumPy backend, which has none of these functions itself.
    backend.numpy = ModuleType("keras.src.backend.numpy")
    seen_by_layers = WithOps("keras.src.backend")
    for name, module in list(sys.modules.items()):
        if name.startswith("keras.src.") and vars(module).get("backend") is backend:
            module.backend = seen_by_layers
    assert not hasattr(backend, "nn")
    assert keras.ops.relu(-1.0) == 0


def explanations():
    """Some of each way in which a model is listened to, by name."""
    import keras
    from keras import layers

    import keras_explain
    from keras_explain.callbacks import Explain

    draw = np.random.default_rng(0)
    x, y = draw.random((4, 8, 8, 3)).astype("f4"), np.array([0, 1, 2, 0])
    images = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(6, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    words = keras.Input((6,), dtype="int32")
    h = layers.Embedding(20, 8)(words)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 4)(h, h))
    h = layers.GlobalAveragePooling1D()(keras.activations.gelu(h))
    text = keras.Model(words, layers.Dense(2, activation="softmax")(h))
    for model in (images, text):
        model.set_weights([abs(draw.normal(0.3, 0.2, w.shape)) for w in model.get_weights()])

    found = {}
    for method in ("saliency", "grad_cam", "lrp", "guided_backprop", "deep_lift"):
        maps = keras_explain.explain(images, x, method, target=0)
        found[method] = maps[method] if isinstance(maps, dict) else maps
    ids = draw.integers(0, 20, (3, 6))
    found["attention"] = keras_explain.explain(text, ids, "attention_maps", target=0)
    for method in ("lrp", "deep_lift"):
        maps = keras_explain.explain(text, ids, method, target=0)
        found[f"{method} of words"] = maps[f"{method}/embedding"]
    images.compile("sgd", "sparse_categorical_crossentropy")
    with tempfile.TemporaryDirectory() as log_dir:
        images.fit(x, y, epochs=1, verbose=0, callbacks=[Explain(log_dir, probes=(x, y))])
        run = keras_explain.Run(log_dir)
        found["saliency in fit"] = run.load("saliency", step=0)
        found["gradients in fit"] = run.load("weight_gradients/conv2d/kernel", step=0)
    return found


def main(path, *options):
    if "--new-layout" in options:
        rearrange()
    import keras

    found = explanations()
    if not Path(path).exists():
        np.savez(path, **found)
        return
    with np.load(path) as expected:
        assert set(found) == set(expected)
        for name in expected:
            assert np.abs(expected[name]).max() > 0, name
            scale = np.abs(expected[name]).max()
            np.testing.assert_allclose(
                found[name] / scale, expected[name] / scale, atol=1e-3, err_msg=name
            )
    print(f"{len(found)} explanations are the same on Keras {keras.__version__}")


if __name__ == "__main__":
    main(*sys.argv[1:])
