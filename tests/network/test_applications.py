"""The default Grad-CAM of published architectures is that of the map that their head reads."""

import keras
import numpy as np
import pytest

from keras_explain.methods import GradCAM
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from keras_explain.records import records_of

X = np.random.default_rng(0).uniform(-1, 1, (2, 128, 128, 3)).astype("f4")
SIZES = {"MobileNetV2": 64, "DenseNet121": 64, "InceptionV3": 128, "NASNetMobile": 64}


def default_cam(model, x):
    made = Pass(model, Probes.of((x, None)), [GradCAM()], 3)
    records, faults = records_of(made, made.run())
    assert not faults
    ((key, found),) = ((spec.key, a) for spec, a in records if spec.method == "grad_cam")
    return key, np.asarray(found)


@pytest.mark.parametrize("name", SIZES)
def test_the_default_layer_is_the_map_that_the_head_reads(name):
    """Closed form: behind it come a mean over the places and one dense layer."""
    size = SIZES[name]
    model = getattr(keras.applications, name)(
        weights=None, classes=5, input_shape=(size, size, 3), classifier_activation=None
    )
    x = X[:, :size, :size]
    pooling = keras.layers.GlobalAveragePooling2D
    # Squeeze-and-excitation pools too: the head's is the last.
    pool = [layer for layer in model.layers if isinstance(layer, pooling)][-1]
    kernel = keras.ops.convert_to_numpy(model.layers[-1].kernel)
    maps = keras.Model(model.input, pool.input).predict(x, verbose=0)
    weights = kernel[:, 3] / np.prod(maps.shape[1:3])
    expected = np.maximum((maps * weights).sum(axis=-1), 0)
    key, found = default_cam(model, x)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(maps * weights).sum(-1).max())
    if name == "MobileNetV2":
        model.trainable = False
        assert default_cam(model, x)[0] == key
