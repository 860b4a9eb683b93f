"""Group means: NumPy's mean over each group, of any method's maps."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import GradientTimesInput, GroupMeans, IntegratedGradients
from tests.agreement import agrees
from tests.seeds import seed

RNG = np.random.default_rng(5)
TABLE = RNG.normal(size=(6, 5)).astype("f4")
SITES = ["north", "south", "north", "east", "south", "north"]


def network(*shape):
    keras.utils.set_random_seed(seed(2))
    hidden = [layers.Flatten(), layers.Dense(6, activation="relu"), layers.Dense(3)]
    return keras.Sequential([keras.Input(shape), *hidden])


def test_it_is_the_mean_over_each_group():
    model = network(5)
    maps = keras_explain.explain(model, TABLE, "integrated_gradients", target=1)
    maps = maps["integrated_gradients"]
    names = list(dict.fromkeys(SITES))
    assert names == ["north", "south", "east"]
    of_group = [np.array(SITES) == name for name in names]
    signed = keras_explain.explain(model, TABLE, GroupMeans(groups=SITES), target=1)
    agrees("group_means", "NumPy", signed, np.stack([maps[its].mean(axis=0) for its in of_group]))
    sizes = GroupMeans("integrated_gradients", SITES, magnitudes=True)
    sizes = keras_explain.explain(model, TABLE, sizes, target=1)
    expected = np.stack([np.abs(maps[its]).mean(axis=0) for its in of_group])
    agrees("group_means", "NumPy", sizes, expected)


def test_channels_are_summed_up_first():
    model, x = network(4, 4, 3), RNG.normal(size=(6, 4, 4, 3)).astype("f4")
    maps = keras_explain.explain(model, x, "gradient_times_input", target=0).sum(axis=-1)
    found = keras_explain.explain(model, x, GroupMeans(GradientTimesInput), target=0)
    agrees("group_means", "NumPy", found, maps.mean(axis=0, keepdims=True))


def test_groups_are_rows_of_a_run_and_compared_over_time(tmp_path):
    model = network(5)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    y = np.arange(6) % 3
    watch = Explain(tmp_path, (TABLE, y), GroupMeans(groups=SITES), strict=True)
    model.fit(TABLE, y, epochs=2, verbose=0, callbacks=[watch])
    run = keras_explain.Run(tmp_path)
    key = "group_means/integrated_gradients"
    assert run.specs[key].rows == ("north", "south", "east")
    assert run.load(key, 1).shape == (3, 5)
    assert not np.array_equal(run.load(key, -1), run.load(key, 1))


def test_what_does_not_fit_is_named(tmp_path):
    with pytest.raises(ValueError, match="`groups` must be one a probe. Received: 'north'"):
        GroupMeans(groups="north")
    model = network(5)
    model.compile("sgd", "mse")
    watch = Explain(tmp_path, (TABLE, TABLE[:, :3]), GroupMeans(groups=SITES[:4]), target=0)
    with pytest.raises(ValueError, match="one for each of the 6 probes. Received: 4"):
        model.fit(TABLE, TABLE[:, :3], verbose=0, callbacks=[watch])
    with pytest.raises(ValueError, match="must yield a map of each probe"):
        keras_explain.explain(model, TABLE, GroupMeans("projection"), target=0)


def test_it_costs_what_the_method_does():
    assert GroupMeans().method == IntegratedGradients()
