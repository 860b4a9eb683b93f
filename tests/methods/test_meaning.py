"""What a method says of its numbers: stated by all, and true where it can be checked."""

from functools import lru_cache

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import (
    LIME,
    ExpectedGradients,
    Gradient,
    GradientSHAP,
    GradientTimesInput,
    GroupMeans,
    IntegratedGradients,
    KernelSHAP,
    Occlusion,
    Quality,
    Saliency,
    SmoothGrad,
    registered,
)
from keras_explain.model_view import NotApplicableError
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from keras_explain.records import records_of
from tests.seeds import seed

from .test_every_method import NAMES, X, Y, network
from .transformers import text

RNG = np.random.default_rng(21)
TABLE = RNG.normal(size=(5, 6)).astype("f4")
PICTURES = RNG.normal(size=(5, 5, 5, 2)).astype("f4")
IDS = RNG.integers(1, 20, (5, 10)).astype("int32")


def of_tables():
    keras.utils.set_random_seed(seed(4))
    hidden = layers.Dense(8, activation="relu")
    model = keras.Sequential([keras.Input((6,)), hidden, layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def with_open_rectifiers():
    """Linear: no rectifier is ever off. All weights are positive, so sizes are signed numbers."""
    hidden = layers.Dense(8, activation="relu")
    model = keras.Sequential([keras.Input((6,)), hidden, layers.Dense(3)])
    kernels = [np.abs(RNG.normal(size=shape)) for shape in ((6, 8), (8, 3))]
    model.set_weights([kernels[0], np.full(8, 100.0), kernels[1], np.zeros(3)])
    return model


def pixel_by_pixel():
    """Linear, with a feature map in which each place sees one pixel."""
    conv = layers.Conv2D(4, 1, use_bias=False, name="conv")
    model = keras.Sequential([keras.Input((5, 5, 2)), conv, layers.Flatten(), layers.Dense(3)])
    model.set_weights([np.abs(RNG.normal(size=w.shape)) for w in model.get_weights()])
    return model


def without_biases(first, shape):
    keras.utils.set_random_seed(seed(6))
    last = layers.Dense(3, use_bias=False)
    return keras.Sequential([keras.Input(shape), first, layers.Flatten(), last])


def of_pictures_without_biases():
    first = layers.Conv2D(4, 3, activation="relu", use_bias=False)
    return without_biases(first, (12, 12, 2))


def of_tables_without_biases():
    return without_biases(layers.Dense(16, activation="relu", use_bias=False), (6,))


INPUTS = {
    network: X,
    of_tables: TABLE,
    text: IDS,
    with_open_rectifiers: TABLE,
    pixel_by_pixel: PICTURES,
    of_pictures_without_biases: X,
    of_tables_without_biases: TABLE,
}


@lru_cache
def seen(make):
    """A model, and what methods see of it."""
    model = make()
    return model, Pass(model, Probes.of((INPUTS[make], Y)), []).built.view


def specs_of(method, make):
    try:
        return list(method.plan(seen(make)[1]).specs.values())
    except NotApplicableError:
        return []


@pytest.mark.parametrize("name", NAMES)
def test_every_record_says_what_its_numbers_are(name):
    found = [
        spec
        for make in (network, of_tables, text)
        for spec in specs_of(registered()[name].example(INPUTS[make], Y), make)
    ]
    assert found, "applies to no model"
    for spec in found:
        assert "unknown" not in (spec.quantity, spec.unit), spec.key


def test_predictions_and_scores_say_what_they_are():
    made = Pass(seen(of_tables)[0], Probes.of((TABLE, Y)), [])
    records, _ = records_of(made, made.run())
    assert [(s.key, s.quantity, s.unit, s.form) for s, _ in records] == [
        ("predictions", "prediction", "output", "outputs"),
        ("scores", "prediction", "score", "outputs"),
    ]


def said(method, make=of_tables):
    spec = specs_of(method, make)[0]
    return spec.quantity, spec.unit, spec.signed


def test_a_method_made_of_another_says_what_that_one_says():
    assert said(SmoothGrad()) == ("sensitivity", "score per input unit", False)
    assert said(SmoothGrad(IntegratedGradients())) == ("attribution", "score", True)
    squared = SmoothGrad(IntegratedGradients(), reduce="square")
    assert said(squared) == ("attribution", "score, squared", False)
    assert said(GroupMeans("gradient")) == ("sensitivity", "score per input unit", True)


def test_at_a_layer_the_unit_is_the_layer_s():
    assert said(Saliency(), text)[1] == "score per layer unit"
    assert said(GradientTimesInput(), text)[1] == "score"


@pytest.mark.parametrize(
    ("method", "make", "unit"),
    [
        (KernelSHAP(), network, "score per region"),
        (KernelSHAP(features=1), network, "score"),
        (KernelSHAP(), of_tables, "score"),
        (Occlusion(window=2), network, "score per region"),
        (Occlusion(window=1), network, "score"),
    ],
)
def test_a_number_of_a_whole_region_is_not_one_of_each_value(method, make, unit):
    assert said(method, make)[1] == unit


EXACT = {"lime": LIME(alpha=1e-6), "gradient_shap": GradientSHAP(noise=0)}
"""Without what keeps them from the exact answer: the pull towards zero, and noise."""

ADDING = [name for name in NAMES if registered()[name].quantity in ("attribution", "sensitivity")]


@pytest.mark.parametrize("name", ADDING)
def test_on_a_linear_model_no_map_is_infidel(name):
    method = EXACT.get(name, registered()[name]())
    on_inputs = []
    for make in (with_open_rectifiers, pixel_by_pixel):
        found = [s.unit for s in specs_of(method, make) if s.input and s.rows is None and s.axes]
        on_inputs += found
        if not found or "score per region" in found:
            continue
        smoothed = SmoothGrad(method, samples=2, noise=0)
        plain, mean = infidelities(seen(make)[0], INPUTS[make], [method, smoothed])
        assert max(plain.max(), mean.max()) < 1e-5 * mean_square_drop(make)
    assert not on_inputs or {*on_inputs} - {"score per region"}


@pytest.mark.parametrize("method", [GradientTimesInput(), IntegratedGradients(), Gradient()])
def test_noise_alone_keeps_a_smoothed_map_from_the_exact_answer(method):
    """The mean of 8 copies errs by a share of 0.15 / sqrt(8) of the reach of the inputs."""
    make = with_open_rectifiers
    (noisy,) = infidelities(seen(make)[0], INPUTS[make], [SmoothGrad(method, samples=8)])
    assert noisy.mean() < 0.2 * mean_square_drop(make)


def infidelities(model, x, methods):
    """Of each method, one figure per example: all of one pass."""
    judges = [Quality(method, metrics=["infidelity"]) for method in methods]
    made = Pass(model, Probes.of((x, None)), judges, target=0)
    records, faults = records_of(made, made.run())
    assert not faults, faults
    by_key = {spec.key: array for spec, array in records}
    return [by_key[next(iter(made.built.plans[at].specs))] for at in range(len(judges))]


@lru_cache
def mean_square_drop(make):
    """The infidelity of a map of zeros."""
    zeros = SmoothGrad("gradient", samples=2, noise=0, reduce="variance")
    (found,) = infidelities(seen(make)[0], INPUTS[make], [zeros])
    return found.mean()


@pytest.mark.parametrize("method", [KernelSHAP(features=4), Occlusion(window=4, stride=4)])
def test_a_region_s_number_is_foretold_in_parts(method):
    """Of a picture whose regions are of one value and one weight each."""
    cells = np.kron(RNG.normal(size=(1, 4, 4)), np.ones((1, 4, 4)))[..., None].astype("f4")
    model = keras.Sequential([keras.Input((16, 16, 1)), layers.Flatten(), layers.Dense(1)])
    model.set_weights(
        [np.kron(RNG.normal(size=(4, 4)), np.ones((4, 4))).reshape(-1, 1), np.ones(1)]
    )
    zeros = SmoothGrad("gradient", samples=2, noise=0, reduce="variance")
    smoothed = SmoothGrad(method, samples=2, noise=0)
    plain, mean, size = infidelities(model, cells, [method, smoothed, zeros])
    assert max(plain.max(), mean.max()) < 1e-5 * size.mean()


COMPLETE = {
    name: kind
    for name, kind in registered().items()
    if "gap" in getattr(kind, "figures", {})
    or any(axiom.startswith(("complet", "conserv")) for axiom in kind.axioms)
}


@pytest.mark.parametrize("name", sorted(COMPLETE))
def test_what_claims_to_be_complete_sums_to_the_score(name):
    """Without biases, where zeros have the score zero."""
    samples = {"expected_gradients": ExpectedGradients(samples=2048)}
    samples["gradient_shap"] = GradientSHAP(samples=2048, noise=0)
    method = samples.get(name, COMPLETE[name]())
    checked = 0
    for make in (of_pictures_without_biases, of_tables_without_biases):
        maps = [s.key for s in specs_of(method, make) if s.unit == "score" and s.axes]
        if not maps:
            continue
        checked += 1
        model, x = seen(make)[0], INPUTS[make]
        found = keras_explain.explain(model, x, method, target=1)
        found = found if isinstance(found, dict) else {maps[0]: found}
        sums = sum(found[key].reshape(len(x), -1).sum(axis=1) for key in maps)
        scores = model.predict(x, verbose=0)[:, 1]
        np.testing.assert_allclose(sums, scores, atol=0.02 * np.abs(scores).max())
    assert checked
