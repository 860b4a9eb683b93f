"""Layers are known by their place in the model, whatever Keras has counted before."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import Activations
from keras_explain.network.layer_names import renumbered
from keras_explain.tap import named_layers, named_weights
from tests.network.traced import places

pytestmark = pytest.mark.every_backend

RNG = np.random.default_rng(0)
X, Y = RNG.random((6, 8, 8, 1)).astype("f4"), np.arange(6) % 2


def network():
    inner = keras.Sequential([keras.Input((6, 6, 4)), layers.Conv2D(3, 3, activation="relu")])
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            inner,
            layers.Conv2D(3, 2, activation="relu", name="mine_2"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )


def test_two_trainings_of_the_same_code_in_one_process_have_the_same_keys(tmp_path):
    keys = []
    for name in ("one", "two"):
        model = network()
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(X, Y, verbose=0, callbacks=[Explain(tmp_path / name, (X[:3], Y[:3]))])
        run = keras_explain.Run(tmp_path / name)
        keys.append(run.keys)
        assert not run.failures
    assert keys[0] == keys[1]
    assert "grad_cam/mine_2" in keys[0]
    assert "weight_gradients/dense/kernel" in keys[0]


def test_several_inputs_without_names_have_the_same_keys():
    keys = []
    for _ in range(2):
        inputs = [keras.Input((3,)), keras.Input((2,))]
        model = keras.Model(inputs, layers.Dense(2)(layers.Concatenate()(inputs)))
        x = [np.ones((2, 3), "f4"), np.ones((2, 2), "f4")]
        keys.append(list(keras_explain.explain(model, x, "saliency", target=0)))
    assert keys[0] == keys[1]


def test_names_are_those_of_a_fresh_process():
    for _ in range(2):
        names = list(named_layers(network()))
        assert {"mine_2", "dense", "global_average_pooling2d"} <= set(names)
        assert {name.rsplit("/", 1)[-1] for name in names} >= {"conv2d", "conv2d_1"}
        assert "dense/kernel" in named_weights(network())


def test_keras_s_own_name_and_the_new_one_both_name_a_layer():
    model = network()
    own = model.layers[0].name
    new = next(name for name, layer in named_layers(model).items() if layer is model.layers[0])
    for name in (own, new):
        assert places(model, X, Activations(name)) == [new]


@pytest.mark.parametrize(
    ("names", "kinds", "expected"),
    [
        (["conv2d_7", "conv2d_5"], ["Conv2D"] * 2, ["conv2d_1", "conv2d"]),
        (["stem", "dense_3"], ["Conv2D", "Dense"], ["stem", "dense"]),
        (["conv2d_3"], ["Dense"], ["conv2d_3"]),
        (["my_block_4", "my_block_9"], ["MyBlock"] * 2, ["my_block", "my_block_1"]),
    ],
)
def test_only_names_that_keras_counted_are_numbered_anew(names, kinds, expected):
    assert renumbered(names, kinds) == expected
