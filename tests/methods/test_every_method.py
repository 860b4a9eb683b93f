"""What holds for every method alike, whichever there are."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import registered
from keras_explain.model_view import NotApplicableError
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from keras_explain.records import records_of
from tests.seeds import seed

RNG = np.random.default_rng(8)
X = RNG.normal(size=(5, 12, 12, 2)).astype("float32")
Y = np.array([0, 1, 2, 1, 0])
NAMES = sorted(registered())


def network():
    keras.utils.set_random_seed(seed(3))
    rng = np.random.default_rng(3)
    model = keras.Sequential(
        [
            keras.Input((12, 12, 2)),
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.MaxPooling2D(),
            layers.Conv2D(6, 3, activation="relu", name="last"),
            layers.Flatten(name="flat"),
            layers.Dense(3, activation="softmax", name="classes"),
        ],
        name="network",
    )
    for layer in model.layers:
        if layer.weights:
            layer.bias.assign(0.1 * rng.normal(size=layer.bias.shape))
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def made_of(name, x=X, y=Y, model=None):
    method = registered()[name].example(X, Y)
    made = Pass(model or network(), Probes.of((x, y)), [method], optional=True)
    if not made.built.plans:
        pytest.skip("does not apply to a convolutional network")
    return made


def arrays_of(made):
    records, faults = records_of(made, made.run())
    assert not faults, faults
    return {spec.key: (spec, array) for spec, array in records}


@pytest.mark.parametrize("name", NAMES)
def test_it_finds_what_it_announced_twice_alike(name):
    made = made_of(name)
    found, again = arrays_of(made), arrays_of(made_of(name))
    assert set(made.built.plans[0].specs) <= set(found)
    for key, (spec, array) in found.items():
        assert array.dtype.kind in "fiub"
        assert array.ndim == 1 + len(spec.axes)
        assert len(array) == (len(X) if spec.rows is None else len(spec.rows))
        for axis, labels in spec.labels.items():
            if axis != "bin":
                assert len(labels) == array.shape[1 + spec.axes.index(axis)]
        if not key.endswith(MAY_BE_UNDEFINED):
            assert np.isfinite(array).all(), key
        if not spec.signed:
            assert array.min() >= 0
        np.testing.assert_array_equal(array, again[key][1])


MAY_BE_UNDEFINED: tuple[str, ...] = ("quality/saliency", "agreement", "/figures", "/statistics")
"""Records with figures that need what is not there: an earlier step, or a map with variation."""

POPULATION = {"permutation_importance", "tcav", "projection", "decision_boundary"}
"""They are about all probes together."""


@pytest.mark.parametrize("name", sorted({*NAMES} - POPULATION))
def test_a_probe_s_numbers_do_not_depend_on_the_others(name):
    model = network()
    together = arrays_of(made_of(name, model=model))
    alone = arrays_of(made_of(name, X[2:3], Y[2:3], model))
    for key, (spec, array) in alone.items():
        if spec.rows is None and np.isfinite(array).all():
            size = np.abs(together[key][1][2]).max()
            np.testing.assert_allclose(array[0], together[key][1][2], atol=1e-4 * size, rtol=1e-3)


def test_all_methods_at_once_work_as_a_callback(tmp_path):
    model = network()
    methods = [registered()[name].example(X, Y) for name in NAMES]
    view = Pass(model, Probes.of((X, Y)), []).built.view
    fitting = [method for method in methods if applies(method, view)]
    assert len(fitting) > 0.8 * len(methods)
    callback = Explain(tmp_path, (X, Y), fitting, strict=True)
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    assert run.steps == (-1, 0, 1)
    assert not run.failures
    for method in fitting:
        for key in method.plan(view).specs:
            assert run.load(key, 1).dtype == np.float32


def applies(method, view):
    try:
        method.plan(view)
    except NotApplicableError:
        return False
    return True
