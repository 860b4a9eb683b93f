"""Every method on every kind of model, on one backend.

    KERAS_BACKEND=jax python -m tests.backends.matrix FOLDER [PART OF A KIND]

Writes for each kind `<kind>.npz`, all records, and `cells.json`: for each kind and method how its
records look, or why it does not apply; and `trainings.json`: what the callback's defaults kept.
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import registered
from keras_explain.methods.base import Method
from keras_explain.model_view import NotApplicableError
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from keras_explain.records import records_of

from . import architectures, input_kinds, tasks, text_models  # noqa: F401
from .kinds import CLASSES, KINDS, PROBES, made

UNSUPPORTED = {("tensorflow", "channels first"), ("jax", "DebertaV3 of keras-hub")} | {
    (backend, name) for name, kind in KINDS.items() if kind.strings for backend in ("jax", "torch")
}
"""TensorFlow's convolutions take no channels first on a CPU; strings are TensorFlow's alone.

Without its optimizations, as the tests run it, XLA returns NaN for gradients of DebertaV3.
"""


def method_for(kind: type[Method], x, y) -> Method:
    """The method's own example, also of a model of several inputs."""
    labels = y if isinstance(y, np.ndarray) and y.ndim == 1 else np.arange(PROBES) % CLASSES
    if not isinstance(x, dict):
        method = kind.example(x, labels)
    elif kind.name == "tcav":
        its, others = (
            {name: a[rows] for name, a in x.items()} for rows in ([0, 3, 0, 3], [1, 2, 1, 2])
        )
        method = kind({"first class": its}, random=others)
    else:
        method = kind(background=x) if hasattr(kind, "background") else kind()
    return method


def cells_of(name):
    """Each method's cell, and all arrays."""
    model, x, y = made(name)
    probes = Probes.of((x, y))
    options = {"target": KINDS[name].target, "output": KINDS[name].output}
    view = Pass(model, probes, [], **options).built.view
    cells, methods = {}, []
    for method_name, kind in sorted(registered().items()):
        method = method_for(kind, x, y)
        try:
            method.plan(view)
        except NotApplicableError as error:
            cells[method_name] = {"why": str(error)}
        else:
            methods.append(method)
    made_by = Pass(model, probes, methods, **options)
    outcome = made_by.run()
    records, faults = records_of(made_by, outcome)
    arrays = {}
    for spec, array in records:
        arrays[spec.key] = np.asarray(array)
        rows = probes.count if spec.rows is None else len(spec.rows)
        cell = cells.setdefault(spec.method, {"records": {}})
        cell["records"][spec.key] = {
            "rows": rows == len(array),
            "axes": array.ndim == 1 + len(spec.axes),
            "signed": spec.signed,
            "of_scores": spec.unit.startswith("score"),
        }
    for fault in faults:
        cells[fault.source] = {"failed": str(fault)}
    return cells, arrays


def training_of(name):
    """What one epoch with the callback's defaults keeps, beside what Keras says itself."""
    model, x, y = made(name)
    output = KINDS[name].output
    data, inputs, how = (x, y), (x,), {"verbose": 0, "batch_size": PROBES}
    if KINDS[name].strings:  # of which Keras takes no arrays
        data, inputs, how = (batched((x, y)),), (batched(x),), {"verbose": 0}
    with tempfile.TemporaryDirectory() as folder:
        callback = Explain(folder, (x, y), target=KINDS[name].target, output=output, strict=True)
        model.fit(*data, **how, callbacks=[callback])
        run = keras_explain.Run(folder)
        at_inputs = {spec.layer or "" for spec in run.specs.values() if spec.method == "saliency"}
        predicted = model.predict(*inputs, **how)
        predicted = predicted if output is None else predicted[output]
        loss = model.evaluate(*data, **how, return_dict=True)["loss"]
        return {
            "steps": run.steps,
            "predictions": [run.predictions(0).ravel().tolist(), predicted.ravel().tolist()],
            "losses": [run.logs["probe_loss"][-1], loss],
            "at_inputs": sorted(at_inputs),
            "zero": [key for key in run.specs if not np.any(run.load(key, 0))],
        }


def batched(data):
    """One batch, as TensorFlow's data sets have it."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(data).batch(PROBES)


if __name__ == "__main__":
    folder, part = Path(sys.argv[1]), (sys.argv[2:] or [""])[0]
    found, trainings = {}, {}
    for name in KINDS:
        if part in name and (keras.backend.backend(), name) not in UNSUPPORTED:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[name], arrays = cells_of(name)
                trainings[name] = training_of(name)
            np.savez(folder / f"{name}.npz", **arrays)
            keras.backend.clear_session()
    (folder / "cells.json").write_text(json.dumps(found, indent=1))
    (folder / "trainings.json").write_text(json.dumps(trainings))
