"""Grad-CAM: closed form, axioms, the choice of the layer. Captum's figures are in test_captum."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.methods import GradCAM

RNG = np.random.default_rng(5)


def pooled(kernel, dense):
    """1x1 convolution, global average, dense, softmax."""
    model = keras.Sequential(
        [
            keras.Input((6, 5, kernel.shape[0])),
            layers.Conv2D(kernel.shape[1], 1, use_bias=False, name="conv"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(dense.shape[1], use_bias=False, activation="softmax"),
        ]
    )
    model.set_weights([kernel[None, None], dense])
    return model


def test_grad_cam_of_a_pooled_model_is_its_class_activation_map():
    kernel, dense = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2))
    x = RNG.normal(size=(2, 6, 5, 3)).astype("float32")
    found = keras_explain.explain(pooled(kernel, dense), x, "grad_cam", target=1)
    # The gradient at each of the 30 places is dense[:, 1] / 30, and so is its mean.
    expected = np.maximum((x @ kernel) @ dense[:, 1] / 30, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_what_speaks_against_the_score_is_cut_off():
    x = np.abs(RNG.normal(size=(1, 6, 5, 3))).astype("float32")
    model = pooled(np.ones((3, 1)), np.array([[-1.0, 1.0]]))
    assert (keras_explain.explain(model, x, "grad_cam", target=0) == 0).all()
    assert (keras_explain.explain(model, x, "grad_cam", target=1) > 0).all()


def test_it_keeps_the_layer_s_own_size():
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(4, 3, strides=4),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    found = keras_explain.explain(model, np.zeros((1, 32, 32, 3), "float32"), "grad_cam")
    assert found.shape == (1, 8, 8)


def test_series_and_volumes_have_maps_too():
    for rank, convolution in ((1, layers.Conv1D), (3, layers.Conv3D)):
        shape = (8,) * rank
        model = keras.Sequential(
            [keras.Input((*shape, 2)), convolution(3, 3), layers.Flatten(), layers.Dense(2)]
        )
        x = RNG.normal(size=(2, *shape, 2)).astype("float32")
        assert keras_explain.explain(model, x, GradCAM()).shape == (2, *(6,) * rank)


def chosen(*stack):
    model = keras.Sequential([keras.Input((16, 16, 3)), *stack])
    model.compile(loss="sparse_categorical_crossentropy")
    x = np.zeros((1, 16, 16, 3), "float32")
    from keras_explain.passes import Pass
    from keras_explain.probes import Probes

    made = Pass(model, Probes.of((x, np.zeros(1, int))), [GradCAM()])
    return next(iter(made.built.plans[0].specs.values())).layer


CONVOLUTION = {"filters": 4, "kernel_size": 3, "padding": "same"}


def test_the_layer_chosen_is_the_finished_map_of_the_last_convolution():
    head = [layers.Flatten(), layers.Dense(2)]
    conv = lambda name, n=4: layers.Conv2D(n, 3, padding="same", name=name)  # noqa: E731
    assert chosen(conv("a"), conv("b"), layers.MaxPooling2D(), *head) == "b"
    tail = [layers.BatchNormalization(), layers.ReLU(name="relu"), layers.Dropout(0.1)]
    assert chosen(conv("a"), *tail, layers.MaxPooling2D(), *head) == "relu"
    # A last convolution that is the logits itself is the head, not the last feature map.
    assert chosen(conv("a"), conv("logits", 2), layers.GlobalAveragePooling2D()) == "a"


def test_in_a_residual_network_it_is_the_sum_after_its_activation():
    model = keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=5)
    found = keras_explain.explain(model, np.zeros((1, 64, 64, 3), "float32"), GradCAM(), target=0)
    named = keras_explain.explain(
        model, np.zeros((1, 64, 64, 3), "float32"), GradCAM("conv5_block3_out"), target=0
    )
    np.testing.assert_array_equal(found, named)


def test_a_model_without_a_convolution_is_told():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="only")])
    with pytest.raises(ValueError, match="needs a convolution.*Known: only"):
        keras_explain.explain(model, np.zeros((1, 3), "float32"), "grad_cam")
