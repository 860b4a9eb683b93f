"""What the methods make of one architecture of `keras.applications`.

    KERAS_BACKEND=jax python -m tests.applications.measured MobileNetV2 ... [--default|--layers]

Prints what was found, as JSON; with `--default` of the default methods only, with `--layers` only
the layers that these choose, of each that is named.
"""

import json
import resource
import sys
import time

import numpy as np

from keras_explain.methods import DEFAULT, LRP, DeepLIFT, IntegratedGradients
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from keras_explain.records import records_of

from .grad_cam import grad_cam_before_the_head
from .networks import PROBES, made

ATTRIBUTIONS = (IntegratedGradients(), LRP(), DeepLIFT())
MAY_BE_NAN = ("weight_gradients/statistics",)
"""What is not known at a first step."""
GAPS = ("integrated_gradients/gap", "lrp/conservation", "deep_lift/gap")


def explained(model, probes, methods):
    """All records by key."""
    made_by = Pass(model, probes, methods, "predicted")
    records, faults = records_of(made_by, made_by.run())
    assert not faults, faults
    return {spec.key: (spec, np.asarray(values)) for spec, values in records}


def fitting(methods, view):
    """The methods that apply to a model, and the sentence of each other."""
    found, refused = [], {}
    for method in methods:
        try:
            method.plan(view)
        except ValueError as error:
            refused[method.name] = str(error)
        else:
            found.append(method)
    return found, refused


def measured(name, whole=True):
    """What was found, as plain numbers and strings."""
    begin = time.perf_counter()
    model, pictures = made(name)
    x = pictures[:PROBES]
    probes = Probes.of((x, np.arange(PROBES)))
    model.trainable = False
    frozen = Pass(model, probes, DEFAULT, "predicted", optional=True).built
    model.trainable = True
    methods, refused = fitting(ATTRIBUTIONS if whole else (), frozen.view)
    records = explained(model, probes, [*DEFAULT, *methods])
    logits = model.predict(x, verbose=0)
    truth, largest = grad_cam_before_the_head(model, x, logits.argmax(axis=-1))
    found = {
        "whole": whole,
        "size": x.shape[1],
        "parameters": model.count_params(),
        "score varies": spread(logits),
        "predictions off": float(np.abs(records["predictions"][1] - logits).max()),
        "refused": refused,
        "map": list(truth.shape[1:]),
        "records": {},
        "layers": {},
    }
    for key, (spec, values) in records.items():
        if spec.method in ("predictions", "scores"):
            continue
        if key in GAPS:
            found[key] = sizes(values)
            continue
        kind = found["records"].setdefault(spec.method, {"number": 0, "not finite": [], "zero": []})
        kind["number"] += 1
        if not np.isfinite(values).all() and key not in MAY_BE_NAN:
            kind["not finite"].append(key)
        # Grad-CAM cuts off what speaks against the score: that may be all there is.
        if not values.any() and (spec.method != "grad_cam" or truth.any()):
            kind["zero"].append(key)
        if spec.layer:
            found["layers"].setdefault(spec.method, []).append(spec.layer)
        if spec.method == "grad_cam":
            is_same = values.shape == truth.shape
            found["grad_cam off"] = float(np.abs(values - truth).max() / largest) if is_same else 1
    found["same frozen"] = found["layers"] == layers_of(frozen)
    if "lrp" in found["records"]:
        records = explained(model, probes, [LRP(bias="none")])
        found["lrp/conservation, no biases"] = sizes(records["lrp/conservation"][1])
    found["seconds"] = round(time.perf_counter() - begin)
    found["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return found


def chosen_layers(name):
    """By method, names of the layers that the defaults choose: a trace, nothing is computed.

    None where Keras does not have the architecture on this backend.
    """
    try:
        model, pictures = made(name)
    except ValueError as error:
        if "is not available with the" in str(error):
            return None
        raise
    probes = Probes.of((pictures[:PROBES], np.arange(PROBES)))
    return layers_of(Pass(model, probes, DEFAULT, "predicted", optional=True).built)


def layers_of(built):
    """By method, names of the layers that it chose."""
    found = {}
    for plan in built.plans.values():
        for spec in plan.specs.values():
            if spec.layer:
                found.setdefault(spec.method, []).append(spec.layer)
    return found


def sizes(values):
    """The median and the largest size."""
    return [float(np.median(np.abs(values))), float(np.abs(values).max())]


def spread(logits):
    """How much the score changes from picture to picture, as a share of its size."""
    return float((logits.std(axis=0) / np.abs(logits).max()).max())


if __name__ == "__main__":
    names = [one for one in sys.argv[1:] if not one.startswith("--")]
    if "--layers" in sys.argv:
        print(json.dumps({name: chosen_layers(name) for name in names}))
    else:
        print(json.dumps(measured(names[0], whole="--default" not in sys.argv), indent=1))
