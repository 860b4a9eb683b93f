"""What a logged step costs on each backend, and Captum beside us on PyTorch.

    pip install -e ".[demo,jax,torch]" captum
    python benchmarks/backends.py > benchmarks/backends.md

A process of its own for each backend. U is that backend's own bare forward and backward to the
inputs and all weights, of the same 16 probes: compiled by TensorFlow and by JAX; on PyTorch as it
is, as our passes are there too, and on one thread, for two that wait for a busy core would time the
neighbours. Every round times every case once, in turn, so that a noisy machine
touches all alike; a figure is the median over the rounds of the case's time divided by U's in the
same round.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

from networks import mobile_net, small_cnn

BACKENDS = ("tensorflow", "jax", "torch")
PROBES = 16

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

Case = Callable[[], Any]

MODELS = {"small CNN 48x48": (small_cnn, 6), "MobileNetV2 96x96": (mobile_net, 2)}
"""By name, how it is built, and how many of the costly methods are measured on it."""


def pictures(side: int) -> tuple[Any, Any]:
    """The demo's real garments before real photos."""
    import numpy as np

    from keras_explain.demo.data import load

    scenes = load("held_out")
    at = np.linspace(0, len(scenes) - 1, PROBES).astype(int)
    images = scenes.images[at].astype("float32") / 255
    times = side // images.shape[1]
    return images.repeat(times, 1).repeat(times, 2), scenes.labels[at].astype("int32")


def compiled_model(build: Callable[[], Any]) -> Any:
    import keras

    keras.utils.set_random_seed(0)
    model = build()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def bare_tensorflow(model: Any, x: Any, y: Any) -> Case:
    import tensorflow as tf

    @tf.function(autograph=False)
    def run(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = model.compute_loss(x, y, model(x, training=False))
        return tape.gradient(loss, [x, *(weight.value for weight in model.trainable_variables)])

    taken = tf.constant(x), tf.constant(y)
    return lambda: [gradient.numpy() for gradient in run(*taken)]


def bare_jax(model: Any, x: Any, y: Any) -> Case:
    import jax
    import numpy as np

    def loss(x: Any, trainable: Any, fixed: Any, y: Any) -> Any:
        outputs, _ = model.stateless_call(trainable, fixed, x, training=False)
        return model.compute_loss(x, y, outputs)

    run = jax.jit(jax.grad(loss, argnums=(0, 1)))
    trainable = [weight.value for weight in model.trainable_variables]
    fixed = [weight.value for weight in model.non_trainable_variables]
    taken = jax.numpy.asarray(x), trainable, fixed, jax.numpy.asarray(y)
    return lambda: jax.tree.map(np.asarray, run(*taken))


def bare_torch(model: Any, x: Any, y: Any) -> Case:
    import torch

    x, y = torch.from_numpy(x).requires_grad_(), torch.from_numpy(y)
    weights = [weight.value for weight in model.trainable_variables]

    def run() -> Any:
        loss = model.compute_loss(x, y, model(x, training=False))
        return [gradient.numpy() for gradient in torch.autograd.grad(loss, [x, *weights])]

    return run


BARE = {"tensorflow": bare_tensorflow, "jax": bare_jax, "torch": bare_torch}


def costly() -> dict[str, Any]:
    """Methods that ask for more than the pass, the cheapest first."""
    from keras_explain.methods import (
        LRP,
        RISE,
        DeepLIFT,
        IntegratedGradients,
        Occlusion,
        SmoothGrad,
    )

    return {
        "`LRP()`": LRP(),
        "`DeepLIFT()`": DeepLIFT(),
        "`SmoothGrad(samples=25)`": SmoothGrad(samples=25),
        "`IntegratedGradients(steps=32)`": IntegratedGradients(steps=32),
        "`Occlusion()`": Occlusion(),
        "`RISE(masks=128)`": RISE(masks=128),
    }


def calls_of(made: Any) -> str:
    """The calls of the model that a step made, in words."""
    return " + ".join(
        f"{count:.3g} x {call.rows} {'forward and backward' if call.back else 'forward'}"
        for call, count in sorted(made.calls().items())
    )


def arrived(made: Any) -> Case:
    """A step of a pass, with all its numbers in NumPy: JAX goes on before they are there."""
    import keras

    def run() -> Any:
        outcome = made.run()
        return keras.tree.map_structure(keras.ops.convert_to_numpy, outcome.readings)

    return run


def medians(cases: dict[str, Case], rounds: int, unit: str) -> dict[str, float]:
    """By case, the median over the rounds of its time over the unit's."""
    import numpy as np

    for case in (*cases.values(), *cases.values()):
        case()
    ratios: dict[str, list[float]] = {name: [] for name in cases}
    took: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            begin = time.perf_counter()
            case()
            took[name].append(time.perf_counter() - begin)
        for name in cases:
            ratios[name].append(took[name][-1] / took[unit][-1])
    found = {name: float(np.median(values)) for name, values in ratios.items()}
    return {**found, unit: float(np.median(took[unit]))}


def measure(backend: str, name: str, rounds: int) -> None:
    """Print the table of one model on the backend of this process."""
    from keras_explain.callbacks import Explain
    from keras_explain.methods import DEFAULT
    from keras_explain.passes import Pass
    from keras_explain.probes import Probes

    build, some = MODELS[name]
    model = compiled_model(build)
    x, y = pictures(model.input_shape[1])
    passes = {
        "default preset: the pass": Pass(model, Probes.of((x, y)), DEFAULT, optional=True),
    }
    for title, method in itertools.islice(costly().items(), some):
        passes[title] = Pass(model, Probes.of((x, y)), [method])
    step = itertools.count()
    with tempfile.TemporaryDirectory() as folder, Explain(folder, (x, y), strict=True) as explain:
        cases: dict[str, Case] = {
            "U": BARE[backend](model, x, y),
            "**default preset: the whole step**": lambda: explain.log(model, next(step)),
            **{title: arrived(made) for title, made in passes.items()},
        }
        found = medians(cases, rounds, "U")
    print(f"\n### {name}\n\nU = {1000 * found.pop('U'):.1f} ms (median)\n")
    print("| | calls of the model | x U |\n| --- | --- | --- |")
    for title, ratio in found.items():
        calls = calls_of(passes[title]) if title in passes else "the same, and the files"
        print(f"| {title} | {calls} | {ratio:.2f} |", flush=True)


def child(backend: str, rounds: int) -> None:
    """The section of one backend."""
    import importlib.metadata

    import keras

    if keras.backend.backend() != backend:
        raise RuntimeError(f"Keras runs on {keras.backend.backend()}")
    print(f"\n## {backend} {importlib.metadata.version(backend)}")
    for name in MODELS:
        measure(backend, name, rounds)
    if backend == "torch":
        import beside_captum

        beside_captum.print_table(compiled_model(small_cnn), *pictures(48), rounds)


HEAD = """# What it costs on each backend

Made by `python benchmarks/backends.py`; how is told in its head. {probes} probes, {cores} CPU
cores, no GPU, other work on the machine meanwhile; Keras {keras}. The whole step is everything on
the training thread (`strict=True`): pass, histograms, figures, file, event file."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=BACKENDS, help="this backend alone")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        warnings.simplefilter("ignore")
        child(asked.only, asked.rounds)
        return
    import importlib.metadata

    version = importlib.metadata.version("keras")
    print(HEAD.format(probes=PROBES, cores=os.cpu_count(), keras=version), flush=True)
    for backend in [asked.only] if asked.only else BACKENDS:
        command = [sys.executable, __file__, "--child", "--only", backend]
        command += ["--rounds", str(asked.rounds)]
        threads = {"OMP_NUM_THREADS": "1"} if backend == "torch" else {}
        environment = {**os.environ, **threads, "KERAS_BACKEND": backend}
        subprocess.run(command, check=True, env=environment)


if __name__ == "__main__":
    main()
