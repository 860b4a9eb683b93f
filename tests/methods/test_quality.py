"""Quality: each figure by hand, and as Quantus and Captum have it."""

import importlib.util

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import (
    GradCAM,
    GradientTimesInput,
    IntegratedGradients,
    Quality,
    Saliency,
)
from keras_explain.methods.position_maps import regridded
from keras_explain.methods.quality import METRICS
from tests.agreement import agrees
from tests.reference import quantus_reference as quantus
from tests.seeds import seed

RNG = np.random.default_rng(12)
ALL = {name: place for place, name in enumerate(METRICS)}


def linear(weights):
    shape, classes = weights.shape[:-1], weights.shape[-1]
    model = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(classes)])
    model.set_weights([weights.reshape(-1, classes), np.zeros(classes)])
    return model


def network():
    keras.utils.set_random_seed(seed(5))
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def of(model, x, method, metrics, target=0, **options):
    quality = Quality(method, metrics=metrics, **options)
    return keras_explain.explain(model, x, quality, target=target)


def test_on_a_linear_model_what_is_removed_is_what_was_said():
    weights = RNG.normal(size=(6, 6, 2, 3)).astype("f4")
    x = RNG.normal(size=(4, 6, 6, 2)).astype("f4")
    metrics = ("faithfulness", "infidelity", "scaled_infidelity", "deletion", "insertion")
    found = of(linear(weights), x, GradientTimesInput(), metrics, points=9)
    size = np.abs((x * weights[..., 0]).sum(axis=(1, 2, 3)))
    agrees("quality", "closed form", found[:, 0], np.ones(4))
    assert (found[:, 1] < 1e-8 * size**2).all()
    assert (found[:, 2] < 1e-8 * size**2).all()
    # The score falls by what each of nine steps of four pixels holds, largest first.
    pixels = -np.sort(-(x * weights[..., 0]).sum(axis=-1).reshape(4, -1), axis=1)
    gone = np.cumsum(np.pad(pixels.reshape(4, 9, 4).sum(axis=-1), ((0, 0), (1, 0))), axis=1)
    deleted = pixels.sum(axis=1, keepdims=True) - gone
    agrees("quality", "closed form", found[:, 3], np.trapezoid(deleted, dx=1 / 9, axis=1))
    agrees("quality", "closed form", found[:, 4], np.trapezoid(gone, dx=1 / 9, axis=1))


def test_a_slope_foretells_by_what_is_removed_of_its_input():
    weights = np.abs(RNG.normal(size=(6, 6, 1, 2))).astype("f4")
    x = RNG.normal(size=(3, 6, 6, 1)).astype("f4")
    slope = of(linear(weights), x, Saliency(), ("infidelity",), baseline=0.5)
    share = of(linear(weights), x, Saliency(), ("infidelity",), baseline=0.5, slopes=False)
    assert (slope < 1e-8).all()
    assert (share > 1e-2).all()


def test_the_map_of_a_linear_model_is_not_sensitive_but_its_product_is():
    weights = RNG.normal(size=(6, 6, 1, 2)).astype("f4")
    x = RNG.normal(size=(3, 6, 6, 1)).astype("f4")
    assert (of(linear(weights), x, Saliency(), ("max_sensitivity",)) == 0).all()
    moved = of(linear(weights), x, "gradient_times_input", ("max_sensitivity",), radius=0.1)
    most = 0.1 * np.ptp(x, axis=(1, 2, 3)) * np.linalg.norm(weights[..., 0])
    most /= np.linalg.norm((x * weights[..., 0]).reshape(3, -1), axis=1)
    assert (moved[:, 0] > 0.3 * most).all()
    assert (moved[:, 0] < most).all()


def test_one_pixel_is_sparse_and_many_are_complex():
    weights = np.zeros((4, 4, 1, 2), "f4")
    weights[1, 2, 0, 0], weights[..., 1] = 3.0, 0.5
    x = np.ones((2, 4, 4, 1), "f4")
    found = of(linear(weights), x, Saliency(), ("sparseness", "complexity"), target=[0, 1])
    np.testing.assert_allclose(found[0], [15 / 16, 0], atol=1e-6)
    np.testing.assert_allclose(found[1], [0, np.log(16)], atol=1e-6)


def test_a_map_of_zeros_has_no_figures_but_its_curves():
    found = of(linear(np.zeros((4, 4, 1, 2), "f4")), np.ones((2, 4, 4, 1), "f4"), Saliency(), None)
    by_name = dict(zip(METRICS, found[0], strict=False))
    for name in ("sparseness", "complexity", "max_sensitivity", "faithfulness"):
        assert np.isnan(by_name[name]), name
    assert by_name["deletion"] == by_name["infidelity"] == by_name["scaled_infidelity"] == 0


def test_a_coarse_map_is_counted_by_the_area_of_its_cells():
    coarse = np.array([[[1.0, 3.0], [0.0, 0.0]]], "f4")
    np.testing.assert_array_equal(regridded(coarse, (4, 4))[0, 0], [1, 1, 3, 3])
    np.testing.assert_allclose(regridded(coarse, (3, 3))[0, 1], [0.5, 1, 1.5])
    np.testing.assert_allclose(regridded(regridded(coarse, (6, 4)), (2, 2)), coarse)
    # The model looks at the left half, the map is of 5x5 cells over 12x12 pixels.
    model, x = network(), RNG.random((2, 12, 12, 1)).astype("f4")
    model.set_weights([np.abs(weight) for weight in model.get_weights()])
    regions = np.zeros((2, 12, 12), bool)
    regions[:, :, :3] = True
    names = ("pointing_game", "region_share")
    found = of(model, x, GradCAM(layer="pool"), names, regions=regions)
    cam = keras_explain.explain(model, x, GradCAM(layer="pool"), target=0)
    inside = np.array([1, 0.25, 0, 0, 0])  # 3 pixels are a cell of 2.4 and a quarter of the next
    expected = (cam * inside).sum(axis=(1, 2)) / cam.sum(axis=(1, 2))
    agrees("quality", "NumPy", found[:, 1], expected)
    highest = cam.reshape(2, -1).argmax(axis=1) % 5
    np.testing.assert_allclose(found[:, 0], inside[highest], atol=1e-6)


def as_quantus(g):
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Flatten(),
            layers.Dense(20, activation="tanh"),
            layers.Dense(3, use_bias=False),
        ]
    )
    model.set_weights([g["kernel"], g["bias"], g["out"]])
    quality = Quality(
        GradientTimesInput(),
        regions=g["regions"],
        points=quantus.POINTS,
        subsets=quantus.SUBSETS,
        share=quantus.SHARE,
        samples=quantus.SAMPLES,
        radius=quantus.RADIUS,
    )
    return keras_explain.explain(model, g["inputs"], quality, target=g["targets"])


def assert_agrees(found, expected):
    for name, figures in expected.items():
        other = {"infidelity": "Captum", "scaled_infidelity": "Captum", "insertion": "NumPy"}
        agrees("quality", other.get(name, "Quantus"), found[:, ALL[name]], figures)


def test_agrees_with_the_table_of_quantus():
    table = dict(np.load(quantus.TABLE))
    expected = {k.partition("/")[2]: v for k, v in table.items() if k.startswith("quantus/")}
    assert {*expected} == {*METRICS} - {"randomisation"}
    assert_agrees(as_quantus(table), expected)


@pytest.mark.live
@pytest.mark.skipif(not importlib.util.find_spec("quantus"), reason="quantus is not installed")
def test_agrees_with_quantus_on_new_weights():
    g = quantus.given(seed=21)
    assert_agrees(as_quantus(g), quantus.figures(g))


def test_a_probe_is_judged_alike_whichever_others_are_beside_it():
    model, x = network(), RNG.normal(size=(5, 12, 12, 1)).astype("f4")
    together = of(model, x, Saliency(), None, target=1)
    np.testing.assert_array_equal(together, of(model, x, Saliency(), None, target=1))
    alone = of(model, x[3:4], Saliency(), None, target=1)
    np.testing.assert_allclose(together[3], alone[0], rtol=1e-4, atol=1e-6)


def test_token_ids_are_replaced_and_moved_at_their_embedding():
    model = keras.Sequential(
        [
            keras.Input((8,), dtype="int32"),
            layers.Embedding(20, 6, name="words"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    x = RNG.integers(1, 20, (3, 8))
    metrics = ("faithfulness", "infidelity", "max_sensitivity")
    found = of(model, x, IntegratedGradients(baseline=0.0), metrics, share=0.4)
    # The embedding of id 0 is not 0: what it adds is missing in what the map foretells.
    assert (found[:, 1] > 1e-6).all()
    table = model.layers[0].get_weights()[0]
    table[0] = 0
    model.layers[0].set_weights([table])
    found = of(model, x, IntegratedGradients(), metrics, share=0.4)
    agrees("quality", "closed form", found[:, 0], np.ones(3))
    assert (found[:, 1] < 1e-9).all()
    assert (found[:, 2] > 0).all()
    found = of(model, x, Saliency(), metrics)
    assert np.isfinite(found).all()


def test_each_of_several_inputs_has_its_own_record():
    a, b = keras.Input((4, 4, 1), name="a"), keras.Input((3,), name="b")
    merged = layers.Concatenate()([layers.Flatten()(a), b])
    model = keras.Model([a, b], layers.Dense(2)(merged))
    x = [RNG.normal(size=(3, 4, 4, 1)).astype("f4"), RNG.normal(size=(3, 3)).astype("f4")]
    regions = {"a": np.ones((3, 4, 4), bool), "b": np.ones((3, 3), bool)}
    quality = Quality("gradient_times_input", regions=regions)
    found = keras_explain.explain(model, x, quality, target=1)
    assert {*found} == {"quality/gradient_times_input/a", "quality/gradient_times_input/b"}
    for figures in found.values():
        agrees("quality", "closed form", figures[:, ALL["faithfulness"]], np.ones(3))
        np.testing.assert_array_equal(figures[:, ALL["pointing_game"]], 1)


def test_a_training_moves_the_map_away_from_the_untrained_one(tmp_path):
    model, x = network(), RNG.normal(size=(40, 12, 12, 1)).astype("f4")
    y = (x.mean(axis=(1, 2, 3)) > 0).astype(int)
    callback = Explain(tmp_path, (x[:4], y[:4]), [Saliency(), Quality()], strict=True)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    spec = run.specs["quality/saliency"]
    assert spec.labels["metric"] == METRICS[:-2]
    figures = {step: run.load(spec.key, step) for step in run.steps}
    first, last = figures[-1], figures[1]
    assert np.isnan(first[:, ALL["randomisation"]]).all()
    now, before = (run.load("saliency", step).reshape(4, -1) for step in (1, -1))
    ranks = [np.argsort(np.argsort(rows, axis=1), axis=1) for rows in (now, before)]
    rho = [np.corrcoef(a, b)[0, 1] for a, b in zip(*ranks, strict=True)]
    np.testing.assert_allclose(last[:, ALL["randomisation"]], rho, atol=1e-3)  # kept as float16
    expected = keras_explain.explain(model, x[:4], Quality(), labels=y[:4])
    kept = [ALL[name] for name in METRICS[:-2] if name != "randomisation"]
    np.testing.assert_allclose(last[:, kept], expected[:, kept], rtol=1e-5)


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`metrics` must be some of deletion, insertion"):
        Quality(metrics=("beauty",))
    with pytest.raises(ValueError, match="`regions` must be given for pointing_game"):
        Quality(metrics=("region_share",))
    with pytest.raises(ValueError, match="`samples` must be at least 2"):
        Quality(samples=1)
    with pytest.raises(ValueError, match="`share` must lie between 0 and 1"):
        Quality(share=1.0)
    with pytest.raises(ValueError, match="`methods` must name known methods"):
        Quality("salience")
    x = np.zeros((2, 12, 12, 1), "f4")
    with pytest.raises(ValueError, match=r"`regions` must be of shape \(probes, 12, 12\)"):
        keras_explain.explain(network(), x, Quality(regions=np.ones((2, 6, 6))), target=0)
    with pytest.raises(ValueError, match="`method` must yield a map of each probe"):
        keras_explain.explain(network(), x, Quality("weight_gradients"), labels=np.zeros(2))
