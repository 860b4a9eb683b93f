"""keras.io's examples with the callback as the README shows it: every step is kept, and true."""

import keras
import numpy as np
import pytest

import keras_explain
from keras_explain.callbacks import Explain

from .examples import EXAMPLES

PROBES = 4


def first_of(structure):
    return keras.tree.map_structure(lambda array: array[:PROBES], structure)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_step_is_kept_and_says_what_keras_says(tmp_path, name):
    model, x, y = EXAMPLES[name]()
    probes = (first_of(x), first_of(y))
    callback = Explain(tmp_path, probes, strict=True)
    model.fit(x, y, epochs=1, batch_size=4, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    assert run.steps == (-1, 0)
    assert run.failures == ()

    outputs = model.predict(probes[0], verbose=0)
    explained = outputs[0] if isinstance(outputs, list) else outputs
    logged = run.predictions(0).reshape(PROBES, -1)
    np.testing.assert_allclose(logged, explained.reshape(PROBES, -1), rtol=1e-3, atol=1e-5)
    whole = model.evaluate(*probes, batch_size=PROBES, verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(run.logs["probe_loss"][-1], whole, rtol=1e-3)

    maps = [key for key, spec in run.specs.items() if spec.method == "saliency"]
    assert maps, "the default methods find no gradient map"
    for key in maps:
        found = run.load(key, 0)
        assert np.isfinite(found).all(), key
        assert np.abs(found).max() > 0, key
