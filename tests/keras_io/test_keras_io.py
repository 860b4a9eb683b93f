"""keras.io's examples with the callback as the README shows it: every step is kept, and true."""

import keras
import numpy as np
import pytest

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import Activations, Saliency

from . import patches, pictures, series, several, tables, texts  # noqa: F401
from .catalogue import EXAMPLES, PROBES

BACKEND = keras.backend.backend()
RUNS = [
    pytest.param(name, marks=[pytest.mark.live] if example.live else [])
    for name, example in EXAMPLES.items()
]
FAULTS = (ValueError, TypeError, RuntimeError, NotImplementedError, AttributeError)


def first_of(structure):
    return keras.tree.map_structure(lambda array: array[:PROBES], structure)


def trained(name, folder):
    """Train one epoch, with the callback's defaults if there is a folder: the model and probes."""
    example = EXAMPLES[name]
    model, x, y = example.build(np.random.default_rng(0))
    model.jit_compile = False  # XLA would take longer than all else
    x_probes, y_probes = first_of(x), first_of(y)
    callbacks = []
    if folder is not None:
        callbacks = [Explain(folder, (x_probes, y_probes), strict=True, **example.options)]
    model.fit(*as_data(x, y), epochs=1, verbose=0, callbacks=callbacks)
    return model, x_probes, y_probes


def as_data(x, y):
    """What `fit` takes: strings only in a data set."""
    if BACKEND == "tensorflow" and any(
        np.asarray(one).dtype.kind == "U" for one in keras.tree.flatten(x)
    ):
        import tensorflow as tf

        return (tf.data.Dataset.from_tensor_slices((x, y)).batch(4),)
    return (x, y)


def agrees_with_keras(run, model, x, y, output=None):
    data = as_data(x, y)
    outputs = model.predict(*data[:1], verbose=0)
    if isinstance(outputs, list | tuple):
        names = list(model.output_names)
        outputs = outputs[names.index(output) if output in names else output or 0]
    elif isinstance(outputs, dict):
        outputs = outputs[output]
    logged = run.predictions(0).reshape(PROBES, -1)
    np.testing.assert_allclose(logged, outputs.reshape(PROBES, -1), rtol=1e-3, atol=1e-5)
    whole = model.evaluate(*data, verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(run.logs["probe_loss"][-1], whole, rtol=1e-3)


def has_what_the_defaults_show(run, maps):
    found = {
        key: spec.input
        for key, spec in run.specs.items()
        if spec.method in ("saliency", "grad_cam")
    }
    assert found == maps
    methods = {spec.method for spec in run.specs.values()}
    assert {"activations", "weight_gradients"} <= methods, methods
    for key in explaining(run):
        for step in run.steps:
            assert np.isfinite(run.load(key, step)).all(), key


def explaining(run):
    """The keys of maps and gradients; before training, no statistic tells how weights changed."""
    figures = ("weight_gradients/statistics", "weight_gradients/histogram")
    return [key for key in run.specs if key not in figures]


def says_nothing_for_the_score(model, x, y, layer, output):
    """Grad-CAM cuts off what speaks against the score; before, there is something."""
    maps, gradient = (
        keras_explain.explain(model, x, method, labels=y, target="true", output=output)
        for method in (Activations(layer), Saliency(layer=layer))
    )
    assert np.any(maps), layer
    assert np.any(gradient), layer


@pytest.mark.parametrize("name", RUNS)
def test_every_step_is_kept_and_says_what_keras_says(tmp_path, name):
    example = EXAMPLES[name]
    if BACKEND in example.not_on:  # Keras itself refuses it
        with pytest.raises(FAULTS):
            trained(name, None)
        return
    model, x, y = trained(name, tmp_path)
    run = keras_explain.Run(tmp_path)
    assert run.steps == (-1, 0)
    assert run.failures == ()
    output = example.options.get("output")
    agrees_with_keras(run, model, x, y, output)
    has_what_the_defaults_show(run, example.maps)
    for key in explaining(run):
        if not np.any(run.load(key, 0)) and not key.partition("/")[2].startswith(example.dead):
            assert key.startswith("grad_cam/"), key
            says_nothing_for_the_score(model, x, y, run.specs[key].layer, output)
    if example.check is not None:
        example.check(run, model, x, y)
