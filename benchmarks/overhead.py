"""What watching a training costs, as ratios inside one process.

    pip install -e ".[demo]" && pip install --no-deps tf-explain opencv-python-headless
    TF_ENABLE_ONEDNN_OPTS=0 python benchmarks/overhead.py > benchmarks/overhead.md

U is one bare compiled forward and backward to the inputs and all weights, of the same 16 probes.
Every round times every case once, in turn, so that a noisy machine touches all alike; a figure is
the median over the rounds of the case's time divided by U's in the same round.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from keras_explain.callbacks import Explain
from keras_explain.demo.data import load
from keras_explain.methods import Activations, GradCAM, Saliency, WeightGradients
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from keras_explain.records import records_of
from keras_explain.store import StepInfo, Writer
from keras_explain.summaries import Summaries

PROBES = 16
MAPS = (Saliency(), GradCAM(), Activations("convolutions"))
RNG = np.random.default_rng(0)


def small_cnn() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def mobile_net() -> keras.Model:
    return keras.applications.MobileNetV2((96, 96, 3), weights=None, classes=10)


READING = """
## Reading

The floor of the maps is one forward and one backward sweep to the inputs; what the pass costs
above it is reading the convolutions' channels, and Python calling a graph of many outputs. The
floor with weight gradients is one forward and two backward sweeps, for maps are of the score and
weight gradients of the loss; above it come the histograms and figures of every weight, in NumPy.
The pass itself runs on the training thread; the rest of a hook (records, store, event file) runs
beside the training by default, and its share is seen by working on the training thread, as
`strict=True` does.
"""

CASES = {"small CNN 28x28": (small_cnn, 5000), "MobileNetV2 96x96": (mobile_net, 500)}


def pictures(count: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The demo's real garments before real photos, at the size that the model takes."""
    scenes = load("train")
    chosen = RNG.permutation(np.resize(np.arange(len(scenes)), count))
    images = scenes.images[chosen].astype("float32") / 255
    if shape[0] > images.shape[1]:
        images = images.repeat(2, axis=1).repeat(2, axis=2)
    margin = (images.shape[1] - shape[0]) // 2
    images = images[:, margin : margin + shape[0], margin : margin + shape[1]]
    if shape[2] == 1:
        images = images.mean(axis=-1, keepdims=True)
    return images, scenes.labels[chosen].astype("int32")


def seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def bare(model: keras.Model, x: tf.Tensor, y: tf.Tensor, at: str) -> Callable[[], object]:
    """A compiled forward, and backward to what `at` names."""

    @tf.function(autograph=False)
    def run(x: tf.Tensor, y: tf.Tensor) -> object:
        weights = [variable.value for variable in model.trainable_variables]
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            outputs = model(x, training=False)
            loss = model.compute_loss(x, y, outputs)
            score = tf.reduce_sum(outputs[:, 1])
        if at == "nothing":
            return outputs
        if at == "inputs":
            return tape.gradient(score, x)
        if at == "one sweep":
            return tape.gradient(loss, [x, *weights])
        return tape.gradient(score, x), tape.gradient(loss, weights)

    return lambda: run(x, y)


def passes(model: keras.Model, probes: tuple[np.ndarray, np.ndarray]) -> dict[str, Callable]:
    def made(*methods: object) -> Pass:
        return Pass(model, Probes.of(probes), methods)

    together, apart = made(*MAPS), [made(method) for method in MAPS]
    weighted = made(*MAPS, WeightGradients())
    return {
        "**pass: saliency, Grad-CAM, every convolution**": together.run,
        "the same, each method compiled apart": lambda: [one.run() for one in apart],
        "**pass, with weight gradients and histograms**": lambda: records_of(
            weighted, weighted.run()
        ),
        "&emsp;of which the graph": weighted.run,
    }


def peer(model: keras.Model, probes: tuple[np.ndarray, np.ndarray]) -> Callable[[], object] | None:
    """tf-explain's callbacks for the same maps, as they run at the end of an epoch.

    Its activations are of one layer a callback: the last convolution stands for all of them.
    """
    try:
        from tf_explain.callbacks.activations_visualization import ActivationsVisualizationCallback
        from tf_explain.callbacks.grad_cam import GradCAMCallback
        from tf_explain.callbacks.vanilla_gradients import VanillaGradientsCallback
    except ImportError:
        return None
    # It knows no Sequential models, and explains one class of all images.
    functional = keras.Model(model.inputs[0], model.outputs[0])
    convolutions = [layer.name for layer in functional.layers if "Conv" in type(layer).__name__]
    folder = tempfile.mkdtemp()
    callbacks = [
        VanillaGradientsCallback(probes, class_index=1, output_dir=folder),
        GradCAMCallback(probes, class_index=1, layer_name=convolutions[-1], output_dir=folder),
        ActivationsVisualizationCallback(probes, layers_name=convolutions[-1:], output_dir=folder),
    ]
    for callback in callbacks:
        callback.set_model(functional)

    def run() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            for callback in callbacks:
                callback.on_epoch_end(0)

    return run


def compare(cases: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each case in each round."""
    for case in cases.values():
        case()
        case()
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            times[name].append(seconds(case))
    return times


class Clock(keras.callbacks.Callback):
    """Times the epochs without the hooks, and each hook."""

    def __init__(self, watched: keras.callbacks.Callback) -> None:
        super().__init__()
        self.watched, self.epochs, self.hooks = watched, [], []

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        self.watched.set_model(model)

    def on_train_begin(self, logs=None):
        self.watched.on_train_begin(logs)

    def on_train_end(self, logs=None):
        self.watched.on_train_end(logs)

    def on_train_batch_end(self, batch, logs=None):
        self.watched.on_train_batch_end(batch, logs)

    def on_epoch_begin(self, epoch, logs=None):
        first = seconds(lambda: self.watched.on_epoch_begin(epoch, logs))
        if epoch == 0:
            self.first = first
        self._begin = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(time.perf_counter() - self._begin)
        self.hooks.append(seconds(lambda: self.watched.on_epoch_end(epoch, logs)))


def shares(build: Callable[[], keras.Model], images: int, epochs: int) -> list[str]:
    """Rows of the second table: hooks as shares of their own training's epochs."""
    rows = []
    model = build()
    x, y = pictures(images, model.input_shape[1:])
    probes = (x[:PROBES], y[:PROBES])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        watched = {
            "**Explain, all of it on the training thread**": Explain(
                f"{folder}/a", probes, strict=True
            ),
            "Explain, as it comes (files off the training thread)": Explain(f"{folder}/b", probes),
            "keras.callbacks.TensorBoard(histogram_freq=1)": keras.callbacks.TensorBoard(
                f"{folder}/c", histogram_freq=1
            ),
        }
        for name, callback in watched.items():
            clock = Clock(callback)
            model.fit(x, y, epochs=epochs, verbose=0, callbacks=[clock])
            epoch, hooks = np.median(clock.epochs[1:]), np.array(clock.hooks[1:])
            share = np.median(hooks / np.array(clock.epochs[1:]))
            traces = getattr(callback, "traces", "-")
            rows.append(
                f"| {name} | {100 * share:.2f} % | {100 * hooks.min() / epoch:.2f} % "
                f"| {1000 * np.median(hooks):.0f} of {1000 * epoch:.0f} ms | {traces} |"
            )
    return rows


def parts(model: keras.Model, probes: tuple[np.ndarray, np.ndarray]) -> dict[str, Callable]:
    """The steps of one hook with the default methods, one by one."""
    from keras_explain.methods import DEFAULT

    watched = Probes.of(probes)
    made = Pass(model, watched, DEFAULT)
    outcome = made.run()
    records, _ = records_of(made, outcome)
    folder = Path(tempfile.mkdtemp())
    kept = watched.described(model, None)
    writer, summaries = Writer(folder, kept, start=0), Summaries(folder / "events", kept)
    step = iter(range(10**6))
    return {
        "pass (default methods)": made.run,
        "records (histograms, figures)": lambda: records_of(made, outcome),
        "store (encoding, statistics, file)": lambda: writer.write(
            StepInfo(step=next(step), wall_time=0.0, targets=(0,) * PROBES), records
        ),
        "event file (pictures, histograms)": lambda: summaries.add(next(step), records, {}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    command = "TF_ENABLE_ONEDNN_OPTS=0 python benchmarks/overhead.py " + " ".join(sys.argv[1:])
    print("# What watching a training costs\n")
    print(f"Made by `{command.strip()}`. {PROBES} probes, {os.cpu_count()} CPU cores, no GPU;")
    print(f"Keras {keras.__version__}, TensorFlow {tf.__version__}, NumPy {np.__version__}.\n")
    print("U = one bare compiled forward and backward to inputs and weights of the same batch, in")
    print("the same process. Ratios are medians over rounds [and the ratio of the minima].")
    for name, (build, images) in CASES.items():
        model = build()
        model.compile("adam", "sparse_categorical_crossentropy")
        x, y = pictures(PROBES, model.input_shape[1:])
        tensors = tf.constant(x), tf.constant(y)
        cases = {
            "U": bare(model, *tensors, "one sweep"),
            "bare forward": bare(model, *tensors, "nothing"),
            "floor of the maps: bare forward and backward to the inputs": bare(
                model, *tensors, "inputs"
            ),
            "floor of maps and weights: one forward, two backward sweeps": bare(
                model, *tensors, "both"
            ),
            **passes(model, (x, y)),
        }
        rival = peer(model, (x, y))
        if rival is not None:
            cases["tf-explain: saliency, Grad-CAM, *one* convolution (with its pictures)"] = rival
        whole = parts(model, (x, y))
        times = compare({**cases, **whole}, options.rounds)
        unit = np.array(times["U"])
        print(f"\n## {name}\n\nU = {1000 * np.median(unit):.1f} ms (median)\n")
        print("| one logged step | x U |\n| --- | --- |")
        for case in cases:
            ours = np.array(times[case])
            print(f"| {case} | {np.median(ours / unit):.2f} [{ours.min() / unit.min():.2f}] |")
        print("\n| where a hook with the default methods spends its time | ms |\n| --- | --- |")
        for case in whole:
            print(f"| {case} | {1000 * np.median(times[case]):.1f} |")
        print(f"\n| hook at the end of an epoch of {images} images, after the first ", end="")
        print("| share of the epoch (median) | (fastest) | time | traces |")
        print("| --- | --- | --- | --- | --- |")
        for row in shares(build, images, options.epochs):
            print(row)
        sys.stdout.flush()
    print(READING)


if __name__ == "__main__":
    main()
