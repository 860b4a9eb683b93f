"""Grad-CAM written a second time: by Keras's graph and the backend's own gradients."""

import keras
import numpy as np

from .networks import map_before_the_head


def grad_cam_before_the_head(model, x, targets):
    """The map `(probes, height, width)` at what the head reads, and the largest of its terms."""
    middle = map_before_the_head(model)
    maps = keras.Model(model.inputs, middle).predict(x, verbose=0)
    head = keras.Model(middle, model.output)
    gradients = gradients_of(head, maps, np.eye(model.output.shape[-1], dtype="f4")[targets])
    terms = gradients.mean(axis=(1, 2), keepdims=True) * maps
    return np.maximum(terms.sum(axis=-1), 0), np.abs(terms).sum(axis=-1).max()


def gradients_of(head, maps, chosen):
    """Gradients at the maps of the chosen outputs' sum."""

    chosen = keras.ops.convert_to_tensor(chosen)

    def score(given):
        return keras.ops.sum(head(given, training=False) * chosen)

    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            given = tf.constant(maps)
            with tf.GradientTape() as tape:
                tape.watch(given)
                total = score(given)
            return tape.gradient(total, given).numpy()
        case "jax":
            import jax

            return np.asarray(jax.grad(score)(maps))
        case "torch":
            import torch

            given = torch.tensor(maps, requires_grad=True)
            score(given).backward()
            return given.grad.numpy()
