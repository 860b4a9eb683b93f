"""Every method on every kind of model, on one backend.

    KERAS_BACKEND=jax python -m tests.backends.matrix FOLDER [PART OF A KIND]

Writes for each kind `<kind>.npz`, all records, and `cells.json`: for each kind and method how its
records look, or why it does not apply.
"""

import json
import sys
import warnings
from pathlib import Path

import keras
import numpy as np

from keras_explain.methods import registered
from keras_explain.methods.base import Method
from keras_explain.model_view import NotApplicableError
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from keras_explain.records import records_of

from .models import CLASSES, KINDS, PROBES, made

UNSUPPORTED = {("tensorflow", "channels first")}
"""TensorFlow's convolutions take no channels first on a CPU."""


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
    output = "kind" if name == "two outputs" else None
    target = 0 if name in ("regression, of a table", "autoencoder") else "predicted"
    options = {"target": target, "output": output}
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
        }
    for fault in faults:
        cells[fault.source] = {"failed": str(fault)}
    return cells, arrays


if __name__ == "__main__":
    folder, part = Path(sys.argv[1]), (sys.argv[2:] or [""])[0]
    found = {}
    for name in KINDS:
        if part in name and (keras.backend.backend(), name) not in UNSUPPORTED:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[name], arrays = cells_of(name)
            np.savez(folder / f"{name}.npz", **arrays)
            keras.backend.clear_session()
    (folder / "cells.json").write_text(json.dumps(found, indent=1))
