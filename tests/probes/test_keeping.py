"""How much is kept of large outputs."""

import keras
import numpy as np
import pytest
from keras import layers, losses

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.probes.keeping import Keeping, check_megabytes
from keras_explain.store.format.task import Task

pytestmark = pytest.mark.every_backend

RNG = np.random.default_rng(0)


def test_what_fits_is_kept_whole():
    task = Task("classes", "logits", (8, 8, 3))
    keeping = Keeping.of(task, probes=4)
    assert keeping == Keeping(task)
    outputs = RNG.normal(size=(4, 8, 8, 3)).astype("f4")
    ((spec, array),) = keeping.records(outputs)
    assert spec.key == "predictions"
    np.testing.assert_array_equal(array, outputs.reshape(4, -1))


def test_of_many_classes_the_predicted_one_is_kept():
    """A language model: 20,000 words at 64 positions, which was 41 MB a step."""
    task = Task("classes", "logits", (64, 20_000))
    keeping = Keeping.of(task, probes=8)
    assert keeping == Keeping(task, only_classes=True)
    outputs = RNG.normal(size=(8, 64, 20_000)).astype("f4")
    records = {spec.key: array for spec, array in keeping.records(outputs)}
    assert sum(4 * array.size for array in records.values()) == 8 * 64 * 2 * 4
    np.testing.assert_array_equal(records["predictions/classes"], outputs.argmax(axis=-1))
    powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True)).astype("f8")
    np.testing.assert_allclose(
        records["predictions/confidence"], 1 / powers.sum(axis=-1), rtol=1e-4
    )


@pytest.mark.parametrize("kind", ["classes", "numbers", "labels"])
def test_of_many_positions_some_are_kept_evenly(kind):
    scale = "values" if kind == "numbers" else "probabilities"
    task = Task(kind, scale, (512, 512, 21))
    keeping = Keeping.of(task, probes=16)
    assert keeping.every > 1
    assert 4 * 16 * keeping.values <= 2e6 < 4 * 16 * Keeping(task, keeping.every - 1).values
    truth = np.arange(2 * 512 * 512).reshape(2, 512, 512)
    thinned = keeping.thinned(truth)
    assert thinned.shape == (2, *keeping.kept_task.positions)
    np.testing.assert_array_equal(thinned, truth[:, :: keeping.every, :: keeping.every])


@pytest.mark.parametrize("value", [0, -1, "2", None, True, float("nan")])
def test_the_bound_is_a_number(value):
    with pytest.raises(ValueError, match="`predictions_mb` must be a number of megabytes above 0"):
        check_megabytes(value)


def test_the_bound_of_a_run_can_be_changed(tmp_path):
    model = keras.Sequential([keras.Input((12, 2)), layers.Dense(5)])
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = RNG.random((4, 12, 2)).astype("f4"), RNG.integers(0, 5, (4, 12))
    full, small = tmp_path / "full", tmp_path / "small"
    for folder, options in ((full, {}), (small, {"predictions_mb": 1e-4})):
        callback = Explain(folder, (x, y), methods=["saliency"], strict=True, **options)
        model.fit(x, y, verbose=0, callbacks=[callback])
    assert "predictions" in keras_explain.Run(full).keys
    run = keras_explain.Run(small)
    every = run.specs["predictions/classes"].options["every"]
    assert every > 1
    expected = model.predict(x, verbose=0).argmax(axis=-1)[:, ::every]
    np.testing.assert_array_equal(run.load("predictions/classes", 0), expected)
    np.testing.assert_array_equal(run.probes.truth, y[:, ::every])
