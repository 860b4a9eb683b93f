"""What each method costs over its own floor, and beside the same method of other libraries.

    pip install -e ".[demo,features,regions]"
    pip install --no-deps tf-explain opencv-python-headless tf-keras-vis deprecated wrapt \
        xplique tensorflow-probability tf_keras einops decorator
    TF_ENABLE_ONEDNN_OPTS=0 python benchmarks/methods.py > benchmarks/methods.md

A method's floor is what the passes that it asks for would cost bare: each call with the model's
own graph, forward or forward and backward to the input (or to the weights, where a method looks at
their gradients), compiled, at the same batch; where a layer's output is given, the graph of what
follows it. What else a method computes has no floor and counts against us, such as one more product
of queries and keys for each layer of attention. The rules of LRP run layers again with other
weights: that counts in parts of a pass, by their share of all products of a weight and an input.
Every round times every case once, in turn, so that a noisy machine touches all alike; a figure is
the median over the rounds of the case's time divided by (or, in ms, less) the other's in the same
round. Libraries that are not installed are left out; theirs are made once and called again, as ours
are. Ours return the predictions too, and theirs do not.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from networks import mobile_net, small_cnn

from keras_explain.answers import Call
from keras_explain.demo.data import load
from keras_explain.methods import registered
from keras_explain.model_view import NotApplicableError
from keras_explain.passes import Pass
from keras_explain.probes import Probes

PROBES = 16
Case = Callable[[], Any]


def transformer() -> keras.Model:
    image = keras.Input((48, 48, 3))
    x = layers.Reshape((256, 64))(layers.Conv2D(64, 3, strides=3)(image))
    for _ in range(3):
        normed = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, 16)(normed, normed)])
        inner = layers.Dense(128, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(64)(inner)])
    return keras.Model(image, layers.Dense(5)(layers.GlobalAveragePooling1D()(x)))


MODELS = {
    "small CNN 48x48": (small_cnn, ""),
    "MobileNetV2 96x96": (mobile_net, ""),
    "transformer of 256 tokens": (transformer, "attention"),
}
"""By name, how it is built, and a part of the names of the methods that are measured on it."""


class Floor:
    """The same calls of the model, bare."""

    def __init__(self, model: keras.Model, x: np.ndarray) -> None:
        self._model = model
        self._x = x
        self._graphs: dict[Call, tuple[Any, Any]] = {}

    def _graph(self, call: Call) -> tuple[Any, Any]:
        """The compiled call, and the examples of what it takes."""
        model, x = self._model, self._x
        for layer in call.given:
            inside = self._model.get_layer(layer).output
            x = keras.Model(self._model.inputs, inside)(x).numpy()
            model = keras.Model(inside, self._model.outputs[0])

        @tf.function(autograph=False)
        def bare(x: Any) -> Any:
            if not call.back:
                return model(x, training=False)
            with tf.GradientTape() as tape:
                tape.watch(x)
                score = tf.reduce_sum(tf.reduce_max(model(x, training=False), axis=-1))
            return tape.gradient(score, model.trainable_weights if call.weights else x)

        return bare, x

    def seconds(self, calls: Mapping[Call, float]) -> float:
        total = 0.0
        for call, count in calls.items():
            if call not in self._graphs:
                self._graphs[call] = self._graph(call)
            graph, examples = self._graphs[call]
            x = tf.constant(np.resize(examples, (call.rows, *examples.shape[1:])))
            graph(x)
            few = max(1, min(int(count), 3))
            begin = time.perf_counter()
            for _ in range(few):
                tf.nest.map_structure(np.asarray, graph(x))
            total += (time.perf_counter() - begin) / few * count
        return total


def peers(
    model: keras.Model, x: np.ndarray, y: np.ndarray, last: str
) -> dict[str, dict[str, Case]]:
    """The same methods with the same options of other libraries, by method and library."""
    found: dict[str, dict[str, Case]] = {}
    one_hot = np.eye(5, dtype="float32")[y]
    if find_spec("tf_explain"):
        from tf_explain.core import (
            GradCAM,
            GradientsInputs,
            IntegratedGradients,
            OcclusionSensitivity,
            SmoothGrad,
            VanillaGradients,
        )

        theirs = {
            "saliency": lambda: VanillaGradients().explain((x, y), model, 0),
            "gradient_times_input": lambda: GradientsInputs().explain((x, y), model, 0),
            "grad_cam": lambda: GradCAM().explain((x, y), model, 0, layer_name=last),
            "integrated_gradients": lambda: IntegratedGradients().explain((x, y), model, 0, 32),
            "smooth_grad": lambda: SmoothGrad().explain((x, y), model, 0, 25, 0.15),
            "occlusion": lambda: OcclusionSensitivity(64).explain((x, y), model, 0, 6),
        }
        for name, case in theirs.items():
            found.setdefault(name, {})["tf-explain"] = case
    if find_spec("tf_keras_vis"):
        from tf_keras_vis.gradcam import Gradcam
        from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
        from tf_keras_vis.layercam import Layercam
        from tf_keras_vis.saliency import Saliency
        from tf_keras_vis.scorecam import Scorecam
        from tf_keras_vis.utils.scores import CategoricalScore

        score = CategoricalScore([int(c) for c in y])
        saliency = Saliency(model, clone=False)
        at = {"penultimate_layer": last}
        cams = {
            "grad_cam": Gradcam,
            "grad_cam_plus_plus": GradcamPlusPlus,
            "layer_cam": Layercam,
            "score_cam": Scorecam,
        }
        found.setdefault("saliency", {})["tf-keras-vis"] = lambda: saliency(score, x)
        found.setdefault("smooth_grad", {})["tf-keras-vis"] = lambda: saliency(
            score, x, smooth_samples=25, smooth_noise=0.15
        )
        for name, kind in cams.items():
            cam = kind(model, clone=False)
            found.setdefault(name, {})["tf-keras-vis"] = lambda cam=cam: cam(score, x, **at)
    if find_spec("xplique"):
        import xplique.attributions as xp

        few = {"batch_size": 64}
        kinds = {
            "saliency": xp.Saliency(model, **few),
            "gradient_times_input": xp.GradientInput(model, **few),
            "integrated_gradients": xp.IntegratedGradients(model, steps=32, **few),
            "smooth_grad": xp.SmoothGrad(model, nb_samples=25, noise=0.15, **few),
            "guided_backprop": xp.GuidedBackprop(model, **few),
            "deconvnet": xp.DeconvNet(model, **few),
            "grad_cam": xp.GradCAM(model, conv_layer=last, **few),
            "grad_cam_plus_plus": xp.GradCAMPP(model, conv_layer=last, **few),
            "occlusion": xp.Occlusion(model, patch_size=6, patch_stride=6, **few),
            "rise": xp.Rise(model, nb_samples=512, **few),
            "lime": xp.Lime(model, nb_samples=512, **few),
            "kernel_shap": xp.KernelShap(model, nb_samples=512, **few),
        }
        for name, explainer in kinds.items():
            found.setdefault(name, {})["xplique"] = lambda e=explainer: e.explain(x, one_hot)
    return found


def quietly(case: Case) -> Any:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return case()


def timed(case: Case) -> float:
    begin = time.perf_counter()
    quietly(case)
    return time.perf_counter() - begin


def measure(name: str, build: Callable[[], keras.Model], rounds: int, only: str) -> list[str]:
    keras.utils.set_random_seed(0)
    model = build()
    side = model.input_shape[1]
    scenes = load("held_out")
    images = tf.image.resize(scenes.images[:PROBES] / 255, (side, side)).numpy().astype("float32")
    labels = scenes.labels[:PROBES].astype("int32")
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    floor = Floor(model, images)
    view = Pass(model, Probes.of((images, labels)), []).built.view
    last = view.last_feature_map().name
    theirs = peers(model, images, labels, last)
    rows = []
    for method_name, kind in sorted(registered().items()):
        if only and only not in method_name:
            continue
        method = kind.example(images, labels)
        try:
            method.plan(view)
        except NotApplicableError:
            continue
        made = Pass(model, Probes.of((images, labels)), [method])
        made.run()
        calls = made.calls()
        cases: dict[str, Case] = {"ours": made.run}
        for library, case in theirs.get(method_name, {}).items():
            try:
                quietly(case)
            except Exception as error:  # a peer that fails is a result too
                print(f"{name}: {library} {method_name}: {error!r}"[:200], file=sys.stderr)
            else:
                cases[library] = case
        ratios: dict[str, list[float]] = {library: [] for library in (*cases, "floor", "beyond")}
        slow = timed(made.run) > 3
        for _ in range(max(3, rounds // 3) if slow else rounds):
            bare = floor.seconds(calls)
            took = {library: timed(case) for library, case in cases.items()}
            ratios["floor"].append(took["ours"] / bare)
            ratios["beyond"].append(1000 * (took["ours"] - bare))
            for library in cases:
                ratios[library].append(took[library] / took["ours"])
        passes = " + ".join(
            f"{count:.3g} x {call.rows} {'forward and backward' if call.back else 'forward'}"
            + (" from a layer on" if call.given else "")
            + (" to the weights" if call.weights else "")
            for call, count in sorted(calls.items())
        )
        beside = ", ".join(
            f"{library} {np.median(ratios[library]):.1f}" for library in cases if library != "ours"
        )
        figure = f"{np.median(ratios['floor']):.2f} | {np.median(ratios['beyond']):.1f}"
        rows.append(f"| `{method_name}` | {passes} | {figure} | {beside or '-'} |")
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="part of a method's name")
    parser.add_argument("--model", default="", help="part of a model's name")
    options = parser.parse_args()
    print("# What each method costs\n")
    print("Made by `python benchmarks/methods.py`; how is told in its head. 16 probes.")
    for name, (build, measured) in MODELS.items():
        if options.model in name:
            print(f"\n## {name}\n")
            print(
                "| method | calls of the model | time over its floor | ms beyond it "
                "| others' time over ours |"
            )
            print("| --- | --- | --- | --- | --- |")
            print("\n".join(measure(name, build, options.rounds, options.only or measured)))


if __name__ == "__main__":
    main()
