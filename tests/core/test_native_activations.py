"""A model that calls its backend's own activations is explained as one that calls Keras's."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_explain
from keras_explain.network.network import Network
from keras_explain.probes import Probes
from tests.fixtures.on_backend import on_backend

BACKEND = keras.backend.backend()
if BACKEND == "tensorflow":
    from tensorflow import nn as LIBRARY
elif BACKEND == "jax":
    from jax import nn as LIBRARY
else:
    from torch.nn import functional as LIBRARY
X = np.random.default_rng(0).normal(size=(3, 6, 6, 2)).astype("f4")
relu = LIBRARY.relu
softmax = LIBRARY.softmax
sigmoid = LIBRARY.sigmoid


@keras.saving.register_keras_serializable("native")
class Block(layers.Layer):
    """Convolution and ReLU, in one of the ways that a user can write it."""

    def __init__(self, way):
        super().__init__()
        self.way = way
        self.convolve = layers.Conv2D(4, 3, padding="same")

    def call(self, x):
        x = self.convolve(x)
        if self.way == "of the module":
            return LIBRARY.relu(x)
        if self.way == "by its name":
            return relu(x)
        return ops.relu(x)


def network(way, head=None):
    keras.utils.set_random_seed(0)
    x = keras.Input((6, 6, 2))
    given = relu if way == "given to a layer" else "relu"
    h = layers.Conv2D(4, 3, padding="same", activation=given)(x)
    h = layers.Flatten()(Block(way)(h))
    h = layers.Dense(4)(h)
    return keras.Model(x, h if head is None else head(h))


@pytest.mark.parametrize("method", ["guided_backprop", "deconvnet", "lrp", "deep_lift"])
@pytest.mark.parametrize("way", ["of the module", "by its name", "given to a layer"])
def test_its_relu_is_one(way, method):
    expected = keras_explain.explain(network("Keras's"), X, method, target=0)
    found = keras_explain.explain(network(way), X, method, target=0)
    expected, found = (one[method] if isinstance(one, dict) else one for one in (expected, found))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert np.abs(found).max() > 0


class Head(layers.Layer):
    def __init__(self, function, shape=None):
        super().__init__()
        self.function, self.shape = function, shape

    def call(self, x):
        x = self.function(x)
        return x if self.shape is None else ops.reshape(x, (-1, *self.shape))


HEADS = {
    "softmax": lambda x: softmax(x, -1),
    "sigmoid": sigmoid,
    "log_softmax": lambda x: LIBRARY.log_softmax(x, -1),
    "Keras's log_softmax": ops.log_softmax,
}


@pytest.mark.parametrize("name", HEADS)
def test_its_head_is_looked_through(name):
    bare = network("Keras's")
    model = network("Keras's", lambda h: Head(HEADS[name])(h))
    expected = keras_explain.explain(bare, X, "saliency", target=1)
    found = keras_explain.explain(model, X, "saliency", target=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_one_output_by_its_sigmoid_has_a_logit():
    before = network("Keras's", lambda h: layers.Dense(1)(h)).predict(X, verbose=0)
    logits, has_head = head_of(lambda h: Head(sigmoid)(layers.Dense(1)(h)))
    assert has_head
    np.testing.assert_allclose(logits, before, atol=1e-5)


@pytest.mark.parametrize(
    "reshape",
    [
        layers.Reshape((2, 2)),
        Head(lambda x: x, (2, 2)),
        Head(lambda x: ops.expand_dims(x, -1)),
    ],
)
def test_a_reshape_behind_the_head_is_done_to_the_logits(reshape):
    before = network("Keras's").predict(X, verbose=0)
    logits, has_head = head_of(lambda h: reshape(layers.Softmax()(h)))
    assert has_head
    np.testing.assert_allclose(logits.reshape(3, 4), before, atol=1e-5)


def head_of(head):
    """The logits, and whether a head was looked through, outside of any recording."""
    net = Network(network("Keras's", head), Probes.of((X, np.zeros(3, "int32"))))

    def run(trainable, fixed):
        with net.running((trainable, fixed), net.x) as ran:
            found.append(ran.head is not None)
            return ran.logits

    found = []
    return np.asarray(ops.convert_to_numpy(net.compiled(run)())), found[0]


def test_the_library_is_as_it_was():
    keras_explain.explain(network("given to a layer"), X, "guided_backprop", target=0)
    assert LIBRARY.relu is relu
    assert LIBRARY.softmax is softmax
    model = network("given to a layer")
    assert model.layers[1].activation is relu


@pytest.mark.live
@pytest.mark.parametrize("backend", sorted({"tensorflow", "jax", "torch"} - {BACKEND}))
def test_the_other_backends_as_well(backend):
    pytest.importorskip(backend)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "not live", __file__],
        cwd=Path(__file__).parents[2], env=on_backend(backend), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
