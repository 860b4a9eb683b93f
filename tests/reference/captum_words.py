"""Captum's layer integrated gradients of a text model of keras-hub, on the same weights.

    KERAS_BACKEND=torch python -m tests.reference.captum_words FAMILY FILE

writes to FILE what it and what keras_explain attribute to the words' embedding.
"""

import sys

import keras
import numpy as np
import torch
from captum.attr import LayerIntegratedGradients

import keras_explain
from keras_explain.methods import IntegratedGradients
from tests.backends import text_models  # noqa: F401
from tests.backends.kinds import made

TARGET = 1


def captums(model, x):
    """Captum's attribution for each value of the embedding, `(probes, words, width)`."""
    names = list(x)

    def logits(*values):
        return model(dict(zip(names, values, strict=True)))

    values = tuple(torch.from_numpy(np.asarray(array)) for array in x.values())
    layer = next(one for one in model._flatten_layers() if one.name == "token_embedding")
    method = LayerIntegratedGradients(logits, layer)
    # The baseline is an embedding of zeros, as keras_explain's: Captum asks for ids, so the row
    # of a padding id is set to zero instead.
    table = layer.embeddings
    table.assign(keras.ops.concatenate([keras.ops.zeros_like(table[:1]), table[1:]], axis=0))
    nothing = tuple(
        torch.zeros_like(value) if "token_ids" in name else value
        for name, value in zip(names, values, strict=True)
    )
    found = method.attribute(
        values, baselines=nothing, target=TARGET, n_steps=32, method="gausslegendre"
    )
    return found.detach().numpy()


def main(family, path):
    model, x, _ = made(f"{family} of keras-hub")
    model.layers[-1].activation = keras.activations.linear
    expected = captums(model, x)
    found = keras_explain.explain(model, x, IntegratedGradients(steps=32), target=TARGET)
    (ours,) = (values for key, values in found.items() if not key.endswith("gap"))
    np.savez(path, expected=expected, found=ours)


if __name__ == "__main__":
    main(*sys.argv[1:])
