"""The text models of keras-hub are explained at their words, whatever else they embed.

Their layers on every backend are held by `tests/backends/test_matrix.py`.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_explain
from keras_explain.methods import IntegratedGradients
from tests.agreement import agrees
from tests.backends.kinds import made
from tests.backends.text_models import BOTH_TEXTS, FAMILIES
from tests.fixtures.on_backend import on_backend

pytestmark = pytest.mark.live


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - set(BOTH_TEXTS)))
def test_words_keep_their_attributions_when_every_other_table_is_zero(family):
    pytest.importorskip("keras_hub")
    model, x, _ = made(f"{family} of keras-hub")
    for weight in model.weights:
        if weight.name.startswith("embedding") and "token_embedding/" not in weight.path:
            weight.assign(np.zeros(weight.shape))
    by_default = keras_explain.explain(model, x, IntegratedGradients(), target=1)
    named = keras_explain.explain(model, x, IntegratedGradients(layer="token_embedding"), target=1)
    assert set(by_default) == set(named)
    (key,) = (key for key in named if not key.endswith("gap"))
    assert named[key].shape == (4, 8, named[key].shape[-1])
    assert np.abs(named[key]).sum(axis=-1).max() > 0
    np.testing.assert_array_equal(by_default[key], named[key])


@pytest.mark.parametrize("family", ["Bert", "Roberta", "GPT2"])
def test_agrees_with_captum_s_layer_integrated_gradients(tmp_path, family):
    for package in ("keras_hub", "captum"):
        pytest.importorskip(package)
    subprocess.run(
        [sys.executable, "-m", "tests.reference.captum_words", family, tmp_path / "words.npz"],
        cwd=Path(__file__).parents[2],
        env=on_backend("torch"),
        check=True,
        timeout=900,
    )
    table = np.load(tmp_path / "words.npz")
    assert np.abs(table["expected"]).max() > 1e-3
    agrees(
        "integrated_gradients", f"Captum, words of {family}", table["found"], table["expected"],
        within=1e-4,
    )  # fmt: skip
