"""Trainings over two devices of one process."""

import keras
import numpy as np

import keras_explain

from .watching import BACKEND, X
from .ways import fitted, ready, way


@way("`tf.distribute.MirroredStrategy`, two devices", "tensorflow")
def mirrored(watch):
    import tensorflow as tf

    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        model = ready()
    return fitted(watch, model)


def spread(distribution, watch):
    keras.distribution.set_distribution(distribution)
    try:
        trained = fitted(watch)
    finally:
        keras.distribution.set_distribution(None)
    twin = ready()  # on one device
    twin.set_weights(trained.model.get_weights())
    maps, expected = (
        keras_explain.explain(m, X, "saliency", target=0) for m in (trained.model, twin)
    )
    np.testing.assert_allclose(maps, expected, rtol=0, atol=1e-5 * expected.max())
    return trained


@way("`keras.distribution.DataParallel`, two devices", "jax")
def data_parallel(watch):
    return spread(keras.distribution.DataParallel(), watch)


def by_layers(rows, columns):
    """Batches spread over the rows of a mesh of devices, kernels over the columns."""
    mesh = keras.distribution.DeviceMesh((rows, columns), ["batch", "model"])
    layouts = keras.distribution.LayoutMap(mesh)
    layouts[".*conv/kernel"] = (None, None, None, "model")
    layouts[".*dense/kernel"] = ("model", None)
    layouts[".*conv/output"] = ("batch", None, None, "model")
    return keras.distribution.ModelParallel(
        layout_map=layouts, batch_dim_name="batch", auto_shard_dataset=False
    )


def is_by_layers(model):
    return not any(w.value.is_fully_replicated for w in model.weights if w.name == "kernel")


@way("`keras.distribution.ModelParallel`, two devices", "jax")
def model_parallel(watch):
    trained = spread(by_layers(1, 2), watch)
    assert is_by_layers(trained.model)
    return trained


def make_two():
    """Two devices, before the backend has counted them."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
    elif BACKEND == "jax":
        import jax

        jax.config.update("jax_num_cpu_devices", 2)
