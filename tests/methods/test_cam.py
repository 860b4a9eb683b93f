"""What all class activation maps share, and those that are a formula of gradient and activation.

Grad-CAM's own tests are in test_grad_cam, Eigen-CAM's and Score-CAM's in their own files.
"""

import importlib.util

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import (
    EigenCAM,
    GradCAM,
    GradCAMPlusPlus,
    GradientTimesInput,
    HiResCAM,
    LayerCAM,
    ScoreCAM,
)
from tests.agreement import agrees
from tests.methods.test_captum import network as twin
from tests.reference import cam_reference, captum_reference
from tests.seeds import seed

RNG = np.random.default_rng(8)
ALL = (GradCAM, GradCAMPlusPlus, LayerCAM, HiResCAM, EigenCAM, ScoreCAM)


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(seed(2))


def network(shape=(7, 6, 2), convolution=layers.Conv2D, bias=True):
    model = keras.Sequential(
        [
            keras.Input(shape),
            convolution(5, 3, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(4, use_bias=bias, name="out"),
            layers.Softmax(),
        ]
    )
    model.layers[0].bias.assign(0.1 * RNG.normal(size=5))
    return model


def halves(model, x, target):
    """The feature map and the gradient there, for a head that is one dense layer: its weights."""
    activation = np.asarray(keras.Model(model.inputs[0], model.get_layer("conv").output)(x), "f8")
    weights = np.asarray(model.get_layer("out").kernel, "f8")[:, target]
    return activation, np.broadcast_to(weights.reshape(activation.shape[1:]), activation.shape)


def test_they_have_the_names_that_users_know():
    names = ["grad_cam", "grad_cam_plus_plus", "layer_cam", "hi_res_cam", "eigen_cam", "score_cam"]
    assert [method.name for method in ALL] == names


def against_torch(expected, given):
    for method in ALL:
        against = "Captum" if method in (GradCAM, HiResCAM) else "NumPy and torch"
        found = keras_explain.explain(
            twin(given), given["inputs"], method("last"), target=given["targets"]
        )
        agrees(method.name, against, found, expected[method.name])
    found = keras_explain.explain(
        twin(given), given["inputs"], GradientTimesInput(layer="last"), target=given["targets"]
    )
    agrees("gradient_times_input", "Captum", found, expected["gradient_times_activation"])


def test_all_agree_with_the_table():
    against_torch(dict(np.load(cam_reference.TABLE)), dict(np.load(captum_reference.TABLE)))


@pytest.mark.live
@pytest.mark.skipif(not importlib.util.find_spec("captum"), reason="captum is not installed")
def test_all_agree_on_new_weights():
    given = captum_reference.weights(seed=12)
    against_torch(cam_reference.maps(given), given)


def test_grad_cam_plus_plus_of_one_place_by_hand():
    # One channel, two places, A = (1, 3), gradients (2, -1): below the bar of alpha stands
    # 2*4 + 4*8 = 40 at the first, so the weight is 4/40 * 2 = 0.2; the second counts nothing.
    model = keras.Sequential(
        [
            keras.Input((2, 1)),
            layers.Conv1D(1, 1, use_bias=False, name="conv"),
            layers.Flatten(),
            layers.Dense(1, use_bias=False),
        ]
    )
    model.set_weights([np.ones((1, 1, 1)), np.array([[2.0], [-1.0]])])
    found = keras_explain.explain(model, np.array([[[1.0], [3.0]]], "f4"), "grad_cam_plus_plus")
    agrees("grad_cam_plus_plus", "closed form", found, [[0.2, 0.6]])


def test_grad_cam_plus_plus_holds_where_gradients_vanish():
    model, x = network(), RNG.normal(size=(3, 7, 6, 2)).astype("f4")
    usual = keras_explain.explain(model, x, GradCAMPlusPlus(), target=1)
    kernel = model.get_layer("out").kernel
    kernel.assign(kernel * 1e-25)  # its square is not a float32
    vanishing = keras_explain.explain(model, x, GradCAMPlusPlus(), target=1)
    assert np.isfinite(vanishing).all()
    assert 0 < vanishing.max() < 1e-23
    assert usual.max() > 0.01


def test_layer_cam_is_its_formula():
    model, x = network(), RNG.normal(size=(3, 7, 6, 2)).astype("f4")
    activation, gradient = halves(model, x, 2)
    expected = (np.maximum(gradient, 0) * activation).sum(axis=-1)
    agrees("layer_cam", "closed form", keras_explain.explain(model, x, "layer_cam", target=2),
           expected)  # fmt: skip


def test_hi_res_cam_is_complete_and_sums_gradient_times_activation():
    model, x = network(bias=False), RNG.normal(size=(4, 7, 6, 2)).astype("f4")
    found = keras_explain.explain(model, x, "hi_res_cam", target=3)
    assert (found < 0).any()
    logits = keras.Model(model.inputs[0], model.get_layer("out").output)
    agrees("hi_res_cam", "closed form", found.sum(axis=(1, 2)), np.asarray(logits(x))[:, 3])
    product = keras_explain.explain(model, x, GradientTimesInput(layer="conv"), target=3)
    np.testing.assert_allclose(found, product.sum(axis=-1), rtol=1e-5, atol=1e-6)


def test_where_gradients_are_alike_and_positive_they_agree():
    # Behind global average pooling every place has the same gradient: averaging changes nothing.
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    model.layers[-1].kernel.assign(np.abs(RNG.normal(size=(4, 2))))
    x = RNG.normal(size=(2, 8, 8, 1)).astype("f4")
    grad, layer, hires = (
        keras_explain.explain(model, x, method(), target=0)
        for method in (GradCAM, LayerCAM, HiResCAM)
    )
    np.testing.assert_allclose(layer, grad, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(hires, grad, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("method", ALL)
def test_series_and_volumes_have_maps_too(method):
    for shape, convolution in (((9, 2), layers.Conv1D), ((5, 6, 4, 2), layers.Conv3D)):
        model, x = network(shape, convolution), RNG.normal(size=(2, *shape)).astype("f4")
        model.get_layer("out").kernel.assign(np.abs(model.get_layer("out").kernel))
        found = keras_explain.explain(model, x, method(), target=0)
        assert found.shape == (2, *(size - 2 for size in shape[:-1]))
        assert np.isfinite(found).all()
        assert found.any()


@pytest.mark.parametrize("method", ALL)
def test_token_ids_have_maps_too(method):
    model = keras.Sequential(
        [
            keras.Input((8,), dtype="int32"),
            layers.Embedding(20, 6),
            layers.Conv1D(4, 3, activation="relu", name="words"),
            layers.Flatten(),
            layers.Dense(3, kernel_initializer="ones"),
        ]
    )
    ids = RNG.integers(0, 20, (3, 8))
    assert keras_explain.explain(model, ids, method()).shape == (3, 6)
    assert keras_explain.explain(model, ids, method()).any()


class ChannelsFirst(layers.Layer):
    data_format = "channels_first"

    def call(self, x):
        return keras.ops.transpose(x, (0, 3, 1, 2))


@pytest.mark.parametrize("method", ALL)
def test_channels_may_come_first(method):
    before = network()
    flip = ChannelsFirst(name="flipped")
    stack = [before.layers[0], flip, layers.Permute((2, 3, 1)), *before.layers[1:]]
    stack = [keras.Input((7, 6, 2)), *stack]
    model, x = keras.Sequential(stack), RNG.normal(size=(2, 7, 6, 2)).astype("f4")
    found = keras_explain.explain(model, x, method("flipped"), target=1)
    expected = keras_explain.explain(model, x, method("conv"), target=1)
    assert found.shape == (2, 5, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", ALL)
def test_a_probe_s_map_is_its_own_and_comes_again(method):
    model, x = network(), RNG.normal(size=(3, 7, 6, 2)).astype("f4")
    together = keras_explain.explain(model, x, method(), target=[0, 1, 2])
    np.testing.assert_array_equal(
        together, keras_explain.explain(model, x, method(), target=[0, 1, 2])
    )
    for index in range(3):
        alone = keras_explain.explain(model, x[index : index + 1], method(), target=index)
        np.testing.assert_allclose(together[index], alone[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", ALL)
def test_a_layer_without_maps_is_told(method):
    x = np.zeros((1, 7, 6, 2), "f4")
    expected = f"`layer` of {method.__name__} must have maps with channels. Known: conv"
    with pytest.raises(ValueError, match=expected):
        keras_explain.explain(network(), x, method("out"))


def test_they_are_kept_at_every_epoch(tmp_path):
    model, x = network(), RNG.normal(size=(6, 7, 6, 2)).astype("f4")
    y = RNG.integers(0, 4, 6)
    model.compile("sgd", "sparse_categorical_crossentropy")
    methods = [method() for method in ALL]
    model.fit(x, y, epochs=2, verbose=0, callbacks=[Explain(tmp_path, (x[:3], y[:3]), methods)])
    run = keras_explain.Run(tmp_path)
    assert not run.failures
    for method in methods:
        expected = keras_explain.explain(model, x[:3], method, labels=y[:3])
        kept = run.load(f"{method.name}/conv", 1)
        np.testing.assert_allclose(kept, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())
    signed = [method.name for method in methods if run.specs[f"{method.name}/conv"].signed]
    assert signed == ["hi_res_cam"]
    assert run.specs["hi_res_cam/conv"].axes == ("height", "width")
