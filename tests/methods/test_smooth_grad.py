"""SmoothGrad: what it makes of other methods, and whose noise it is."""

import importlib.util
from dataclasses import dataclass

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import (
    Activations,
    GradCAM,
    Gradient,
    GradientFlow,
    GradientTimesInput,
    IntegratedGradients,
    Method,
    Saliency,
    SmoothGrad,
    WeightGradients,
)
from keras_explain.methods.base import Needs, Plan, on_inputs_or_layer
from tests.agreement import agrees
from tests.methods.test_captum import network as twin
from tests.reference import captum_reference, noise_reference
from tests.seeds import seed

RNG = np.random.default_rng(13)


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(seed(6))


def network(shape=(9, 8, 2), classes=4):
    model = keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(6, 3, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(classes, activation="softmax"),
        ]
    )
    model.layers[0].bias.assign(RNG.normal(size=6))
    return model


def halves():
    """score = sum of squares / 2: the gradient is the input itself."""
    square = layers.Lambda(lambda x: keras.ops.sum(x * x, axis=-1, keepdims=True) / 2)
    return keras.Sequential([keras.Input((5,)), square])


heard = []


@dataclass(frozen=True)
class Hears(Method):
    """Shows what it is given."""

    name = "hears"
    title = "Hears"

    def plan(self, model):
        places = list(on_inputs_or_layer(model, None))
        specs = {p.name: self.spec(model, p, p.name, signed=True) for p in places}
        return Plan(Needs(), specs, {p.name: p for p in places})

    def compute(self, ask, plan):
        found = {p.name: array for p, array in ask.values(list(plan.places.values())).items()}
        heard.append(found)
        return found


def copies_of(model, x, name="input", **options):
    """The noisy copies themselves, `(probes, samples, ...)`."""
    heard.clear()
    options = {"samples": 25, **options}
    keras_explain.explain(model, x, SmoothGrad(Hears(), **options))
    copies = np.concatenate([found[name] for found in heard])
    return copies.reshape(-1, options["samples"], *copies.shape[1:])


def test_the_gradient_of_half_the_square_is_the_mean_copy():
    model, x = halves(), RNG.normal(size=(4, 5)).astype("f4")
    copies = copies_of(model, x).astype("f8")
    expected = {"mean": copies.mean(axis=1), "square": (copies**2).mean(axis=1),
                "variance": copies.var(axis=1)}  # fmt: skip
    for reduce, of in expected.items():
        found = keras_explain.explain(model, x, SmoothGrad(Gradient(), reduce=reduce))
        agrees("smooth_grad", "closed form", found, of)


def test_it_tends_to_its_expectation():
    model, x = halves(), RNG.normal(size=(2, 5)).astype("f4")
    deviation = 0.3 * (x.max(axis=1) - x.min(axis=1))
    many = {"noise": 0.3, "samples": 4000}
    mean = keras_explain.explain(model, x, SmoothGrad(Gradient(), **many))
    # The mean of n draws errs by deviation / sqrt(n), their variance by sqrt(2 / n) of itself;
    # four times that holds for each of ten values.
    assert np.abs(mean - x).max() < 4 * deviation.max() / np.sqrt(4000)
    variance = keras_explain.explain(model, x, SmoothGrad(Gradient(), reduce="variance", **many))
    expected = np.repeat(deviation[:, None] ** 2, 5, axis=1)
    np.testing.assert_allclose(variance, expected, rtol=4 * np.sqrt(2 / 4000))


@pytest.mark.parametrize("reduce", ["mean", "square", "variance"])
def test_a_linear_model_has_the_same_gradient_everywhere(reduce):
    model = keras.Sequential([keras.Input((7,)), layers.Dense(3, activation="softmax")])
    x = RNG.normal(size=(3, 7)).astype("f4")
    found = keras_explain.explain(model, x, SmoothGrad(reduce=reduce), target=1)
    weights = np.abs(np.asarray(model.layers[0].kernel)[:, 1])
    expected = {"mean": weights, "square": weights**2, "variance": 0 * weights}[reduce]
    np.testing.assert_allclose(found, [expected] * 3, rtol=1e-5, atol=1e-10)


INNER = (Saliency(), GradientTimesInput(), GradCAM(), IntegratedGradients(steps=4))


@pytest.mark.parametrize("method", INNER, ids=lambda method: method.name)
def test_without_noise_it_is_the_method_itself(method):
    model, x = network(), RNG.normal(size=(3, 9, 8, 2)).astype("f4")
    found = keras_explain.explain(model, x, SmoothGrad(method, samples=3, noise=0), target=1)
    plain = keras_explain.explain(model, x, method, target=1)
    plain = plain[method.name] if isinstance(plain, dict) else plain
    np.testing.assert_allclose(found, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("reduce", ["mean", "square", "variance"])
@pytest.mark.parametrize("method", INNER, ids=lambda method: method.name)
def test_it_is_the_method_at_each_copy_put_together(method, reduce):
    model, x = network(), RNG.normal(size=(3, 9, 8, 2)).astype("f4")
    copies = copies_of(model, x, samples=23)
    each = keras_explain.explain(model, copies.reshape(-1, 9, 8, 2), method, target=2)
    each = each[method.name] if isinstance(each, dict) else each
    each = each.reshape(3, 23, *each.shape[1:]).astype("f8")
    expected = {"mean": each.mean(axis=1), "square": (each**2).mean(axis=1),
                "variance": each.var(axis=1)}[reduce]  # fmt: skip
    found = keras_explain.explain(model, x, SmoothGrad(method, samples=23, reduce=reduce), target=2)
    agrees("smooth_grad", "NumPy", found, expected)


@pytest.mark.live
@pytest.mark.skipif(not importlib.util.find_spec("captum"), reason="captum is not installed")
@pytest.mark.parametrize("reduce", ["mean", "square", "variance"])
def test_it_agrees_with_captum_s_noise_tunnel_on_the_same_noise(reduce):
    given = captum_reference.weights(seed=14)
    copies = copies_of(twin(given), given["inputs"], samples=10)
    noise = copies - given["inputs"][:, None]
    expected = noise_reference.smoothed(given, noise, reduce)
    for method in (Saliency(), GradientTimesInput(), GradCAM("last")):
        found = keras_explain.explain(
            twin(given),
            given["inputs"],
            SmoothGrad(method, samples=10, reduce=reduce),
            target=given["targets"],
        )
        key = "grad_cam/last" if method.name == "grad_cam" else method.name
        agrees("smooth_grad", "Captum", found, expected[key])


def test_the_noise_is_normal_and_as_large_as_it_should_be():
    x = RNG.uniform(0, 1, size=(3, 9, 8, 2)).astype("f4") * np.reshape([1, 10, 100], (3, 1, 1, 1))
    x = x.astype("f4")
    noise = copies_of(network(), x, samples=40, noise=0.2) - x[:, None]
    reach = x.max(axis=(1, 2, 3)) - x.min(axis=(1, 2, 3))
    # 40 * 144 draws: their deviation errs by 1 / sqrt(2 * 5760), 0.9 %.
    np.testing.assert_allclose(noise.std(axis=(1, 2, 3, 4)), 0.2 * reach, rtol=0.04)
    normal = noise / (0.2 * reach[:, None, None, None, None])
    np.testing.assert_allclose([normal.mean(), (normal**3).mean()], 0, atol=0.1)
    np.testing.assert_allclose((normal**4).mean(), 3, rtol=0.1)
    across = np.corrcoef(normal.reshape(120, -1))
    assert np.abs(across[~np.eye(120, dtype=bool)]).max() < 0.5  # each copy has its own


def test_the_noise_is_the_probe_s_own():
    model, x = network(), RNG.normal(size=(4, 9, 8, 2)).astype("f4")
    together = copies_of(model, x, samples=25)
    np.testing.assert_array_equal(together, copies_of(model, x, samples=25))
    np.testing.assert_array_equal(together[[2, 0]], copies_of(model, x[[2, 0]], samples=25))
    np.testing.assert_array_equal(together[:, :7], copies_of(model, x, samples=7))
    assert np.abs(together - copies_of(model, x, seed=1)).max() > 0.1
    alone = keras_explain.explain(model, x[1:2], SmoothGrad(), target=1)
    beside = keras_explain.explain(model, x, SmoothGrad(), target=1)
    np.testing.assert_allclose(beside[1], alone[0], rtol=1e-5, atol=1e-7)


def test_it_finds_the_same_twice_and_at_every_step(tmp_path):
    model, x = network(), RNG.normal(size=(6, 9, 8, 2)).astype("f4")
    y = RNG.integers(0, 4, 6)
    model.compile("sgd", "sparse_categorical_crossentropy")
    methods = [
        SmoothGrad(GradCAM(), samples=5),
        SmoothGrad(IntegratedGradients(steps=3), samples=5, reduce="square"),
        SmoothGrad("gradient", samples=5, reduce="variance"),
        Saliency(),
    ]
    model.fit(x, y, epochs=2, verbose=0, callbacks=[Explain(tmp_path, (x[:3], y[:3]), methods)])
    run = keras_explain.Run(tmp_path)
    assert not run.failures
    keys = ["smooth_grad/grad_cam/conv", "smooth_grad_square/integrated_gradients",
            "smooth_grad_variance/gradient"]  # fmt: skip
    for key, method in zip(keys, methods, strict=False):
        expected = keras_explain.explain(model, x[:3], method, labels=y[:3])
        again = keras_explain.explain(model, x[:3], method, labels=y[:3])
        np.testing.assert_array_equal(expected, again)
        found = run.load(key, 1)
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())
    specs = [run.specs[key] for key in keys]
    assert [spec.title for spec in specs] == [
        "SmoothGrad: Grad-CAM",
        "SmoothGrad squared: Integrated gradients",
        "VarGrad: Gradient",
    ]
    assert {spec.method for spec in specs} == {"smooth_grad"}
    assert not any(spec.signed for spec in specs)
    assert (specs[0].layer, specs[0].axes) == ("conv", ("height", "width"))
    assert (specs[1].input, specs[1].shown) == ("input", "sum")
    assert specs[1].options["method"]["steps"] == 3


def test_token_ids_have_noise_at_their_embedding():
    model = keras.Sequential(
        [
            keras.Input((8,), dtype="int32"),
            layers.Embedding(20, 6, name="words"),
            layers.Conv1D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3, name="out"),
        ]
    )
    ids = RNG.integers(0, 20, (3, 8))
    copies = copies_of(model, ids, name="words", samples=9)
    embedded = np.asarray(model.layers[0](ids))
    reach = np.ptp(embedded, axis=(1, 2))
    noise = copies - embedded[:, None]
    np.testing.assert_allclose(noise.std(axis=(1, 2, 3)), 0.15 * reach, rtol=0.15)
    behind = keras.Sequential([keras.Input((8, 6)), *model.layers[1:]])
    for method in (Gradient(), IntegratedGradients(steps=4)):
        found = keras_explain.explain(model, ids, SmoothGrad(method, samples=9), target=1)
        each = keras_explain.explain(behind, copies.reshape(-1, 8, 6), method, target=1)
        each = each[method.name] if isinstance(each, dict) else each
        expected = each.reshape(3, 9, 8, 6).mean(axis=1)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_each_of_several_inputs_has_noise_of_its_own_size():
    a, b = keras.Input((30,), name="a"), keras.Input((30,), name="b")
    model = keras.Model([a, b], layers.Dense(2)(layers.Multiply()([a, b])))
    x = [RNG.normal(size=(3, 30)).astype("f4"), 100 * RNG.normal(size=(3, 30)).astype("f4")]
    found = keras_explain.explain(model, x, SmoothGrad(Gradient()), target=0)
    assert list(found) == ["smooth_grad/gradient/a", "smooth_grad/gradient/b"]
    kernel = np.asarray(model.layers[-1].kernel)[:, 0]
    copies = {name: copies_of(model, x, name=name) for name in "ab"}
    for name, other in ("ab", "ba"):
        expected = copies[other].mean(axis=1) * kernel
        np.testing.assert_allclose(found[f"smooth_grad/gradient/{name}"], expected, rtol=1e-4)
    across = np.corrcoef(
        (copies["a"] - x[0][:, None]).ravel(), (copies["b"] - x[1][:, None]).ravel()
    )
    assert abs(across[0, 1]) < 0.1


def test_activations_and_smooth_grad_itself_can_be_smoothed():
    model, x = network(), RNG.normal(size=(2, 9, 8, 2)).astype("f4")
    assert keras_explain.explain(model, x, SmoothGrad(Activations(), samples=2)).shape == (
        2, 7, 6, 6)  # fmt: skip
    twice = SmoothGrad(SmoothGrad(samples=2), samples=2)
    assert keras_explain.explain(model, x, twice).shape == x.shape


def test_wrong_options_are_named():
    for options, expected in (
        ({"samples": 0}, "`samples` must be at least 1. Received: 0"),
        ({"noise": -1}, "`noise` must be a share from 0 on. Received: -1"),
        ({"reduce": "sum"}, "`reduce` must be one of mean, square, variance. Received: 'sum'"),
        ({"method": "salience"}, "Did you mean 'saliency'"),
    ):
        with pytest.raises(ValueError, match=expected):
            SmoothGrad(**options)
    model = network()
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.zeros((1, 9, 8, 2), "f4"), np.zeros(1, int)
    for method in (WeightGradients(), GradientFlow()):
        with pytest.raises(ValueError, match="`method` must yield a map of each probe"):
            keras_explain.explain(model, x, SmoothGrad(method), labels=y)
