"""Two callbacks of one `fit` and one folder are refused; trainings one after another are not."""

import keras
import numpy as np
import pytest

import keras_explain
from keras_explain.callbacks import ActivationMaps, Explain, GradientMaps

X = np.random.default_rng(0).random((8, 4, 4, 1), "float32")
Y = np.arange(8) % 3
PROBES = (X[:2], Y[:2])


@pytest.fixture(scope="module")
def model():
    made = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3, name="dense")]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile("sgd", loss)
    return made


class Batches(keras.callbacks.Callback):
    """Counts them, and interrupts the training at its first if asked to."""

    def __init__(self, interrupts=False):
        super().__init__()
        self.seen, self.interrupts = 0, interrupts

    def on_train_batch_begin(self, batch, logs=None):
        self.seen += 1
        if self.interrupts:
            raise KeyboardInterrupt


def fit(model, *callbacks, **options):
    model.fit(X, Y, batch_size=8, verbose=0, callbacks=list(callbacks), **options)


def explain(log_dir, **options):
    return Explain(log_dir, PROBES, "saliency", summaries=False, **options)


@pytest.mark.parametrize("spelled", ["run", "run/", "other/../run", "link"])
def test_two_with_one_folder_are_refused_before_the_first_batch(tmp_path, model, spelled):
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    batches = Batches()
    first = GradientMaps(tmp_path / "run", PROBES)
    second = ActivationMaps(f"{tmp_path}/{spelled}", PROBES, layers=["dense"])
    with pytest.raises(ValueError, match=r"`log_dir` must be another folder.*twice: '.*/run'"):
        fit(model, first, batches, second)
    assert batches.seen == first.traces == second.traces == 0
    assert not (tmp_path / "run").exists()


def test_so_are_two_on_one_object_store(model):
    first, second = explain("memory://bucket/run"), explain("memory://bucket/run/")
    with pytest.raises(ValueError, match="twice: 'memory://bucket/run'"):
        fit(model, first, second)


def test_two_with_folders_of_their_own_write_both(tmp_path, model):
    fit(model, explain(tmp_path / "a"), explain(tmp_path / "b"))
    assert keras_explain.Run(tmp_path / "a").steps == keras_explain.Run(tmp_path / "b").steps


def test_a_training_that_goes_on_is_no_second_one(tmp_path, model):
    first = explain(tmp_path)
    fit(model, first)
    fit(model, first, initial_epoch=1, epochs=2)
    second = explain(tmp_path)
    fit(model, second, initial_epoch=2, epochs=3)
    assert keras_explain.Run(tmp_path).steps == (-1, 0, 1, 2)
    assert first.failures == second.failures == []


def test_nor_is_one_that_was_interrupted(tmp_path, model):
    interrupted = explain(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit(model, interrupted, Batches(interrupts=True))
    fit(model, explain(tmp_path))
    assert keras_explain.Run(tmp_path).steps == (-1, 0)


def test_nor_are_loops_of_ones_own_that_tell_no_parameters(tmp_path, model):
    loops = [keras.callbacks.CallbackList([explain(tmp_path)], model=model) for _ in range(2)]
    for listed in loops:
        listed.on_train_begin()
        listed.on_epoch_begin(0)
        listed.on_epoch_end(0)
        listed.on_train_end()
    assert keras_explain.Run(tmp_path).steps == (-1, 0)
