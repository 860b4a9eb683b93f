"""What the maps of some examples must be, by hand."""

import keras
import numpy as np


def agrees(found, expected):
    most = np.abs(expected).max()
    assert most > 0
    np.testing.assert_allclose(found, expected, atol=2e-3 * most)


def kernel_of(layer):
    return keras.ops.convert_to_numpy(layer.kernel)


def mean_times_kernel(run, model, x, y):
    """Behind the map come a mean over the places and one dense layer."""
    pools = [layer for layer in model.layers if "global_average_pooling" in layer.name]
    maps = keras.Model(model.input, pools[-1].input).predict(x, verbose=0)
    weights = kernel_of(model.layers[-1])[:, y].T[:, None, None]
    (key,) = (key for key, spec in run.specs.items() if spec.method == "grad_cam")
    expected = np.maximum((maps * weights).sum(-1), 0) / np.prod(maps.shape[1:3])
    agrees(run.load(key, run.steps[-1]), expected)


def gradient_of_two_dense_layers(run, model, x, y):
    """The kernels of the units that are active."""
    first, second = (layer for layer in model.layers if hasattr(layer, "kernel"))
    flat = x.reshape(len(x), -1)
    bias = keras.ops.convert_to_numpy(first.bias)
    active = flat @ kernel_of(first) + bias > 0
    expected = (active * kernel_of(second)[:, y].T) @ kernel_of(first).T
    agrees(run.load("saliency", run.steps[-1]), np.abs(expected).reshape(x.shape))


def other_embedding(run, model, x, y):
    """The score is a sigmoid of a product, whose gradient at one factor is the other."""
    chance = model.predict(x, verbose=0)
    user, movie = model.user_embedding, model.movie_embedding
    for key, other, column in (("embedding", movie, 1), ("embedding_2", user, 0)):
        table = keras.ops.convert_to_numpy(other.embeddings)
        found = run.load(f"saliency/{key}", run.steps[-1])
        agrees(found, np.abs(chance * (1 - chance) * table[x[:, column]]))
