"""Activation maximisation: the optimum by hand, and what regularisation does."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import ActivationMaximization
from tests.agreement import agrees
from tests.seeds import seed

RNG = np.random.default_rng(17)
KEY = "activation_maximization"
PLAIN = {"decay": 0.0, "jitter": 0}


def network():
    keras.utils.set_random_seed(seed(5))
    model = keras.Sequential(
        [
            keras.Input((12, 12, 2)),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_the_optimum_of_a_linear_model_is_its_weights():
    weights = RNG.normal(size=(5, 5, 2, 3)).astype("f4")
    model = keras.Sequential([keras.Input((5, 5, 2)), layers.Flatten(), layers.Dense(3)])
    model.set_weights([weights.reshape(-1, 3), RNG.normal(size=3)])
    x = RNG.normal(size=(20, 5, 5, 2)).astype("f4") * [1, 4] + [0, 2]
    method = ActivationMaximization(steps=200, contrast=2.0, **PLAIN)
    found = keras_explain.explain(model, x, method, target=0)
    # On the ball of two deviations a value, the furthest point along the weights in deviations.
    mean, spread = x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))
    best = np.moveaxis(weights, -1, 0) * spread
    best *= 2 * np.sqrt(50) / np.linalg.norm(best.reshape(3, -1), axis=1).reshape(3, 1, 1, 1)
    agrees(KEY, "closed form", found[KEY], mean + spread * best)
    reached = (found[KEY].reshape(3, -1) * weights.reshape(-1, 3).T).sum(axis=1) + model.weights[1]
    agrees(KEY, "closed form", found[f"{KEY}/activation"][:, 0], np.asarray(reached))
    scores = np.asarray(model(x.astype("f4")))
    agrees(KEY, "NumPy", found[f"{KEY}/activation"][:, 1], scores.max(axis=0))


def ascent(model, x, steps, rate, smooth):
    """The same climb, in the plainest form."""
    noise = np.random.default_rng(0)
    noise.integers(0, 1, steps), noise.integers(0, 1, steps)
    mean, spread = x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))
    start = smooth(noise.normal(size=(1, *x.shape[1:])))
    radius = np.sqrt(start.size)
    unit = np.repeat(start / np.linalg.norm(start) * radius, 3, axis=0)
    from_inputs = keras.Model(model.inputs[0], model.get_layer("conv").output)
    import tensorflow as tf

    for _ in range(steps):
        inputs = tf.constant(mean + spread * unit, "float32")
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            means = tf.reduce_mean(from_inputs(inputs), axis=(1, 2))
            total = means[0, 0] + means[1, 1] + means[2, 3]
        slope = smooth(tape.gradient(total, inputs).numpy() * spread)
        slope /= np.linalg.norm(slope.reshape(3, -1), axis=1).reshape(3, 1, 1, 1)
        unit = unit + rate * radius * slope
        norm = np.linalg.norm(unit.reshape(3, -1), axis=1).reshape(3, 1, 1, 1)
        unit = unit / np.maximum(norm / radius, 1)
    return mean + spread * unit


def held_back(slope):
    """1 / frequency, with a Fourier transform written as sums."""
    n = slope.shape[1]
    waves = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)
    spectrum = np.einsum("ah,bw,nhwc->nabc", waves, waves, slope)
    along = np.minimum(np.arange(n), n - np.arange(n)) / n
    frequency = np.maximum(np.hypot(along[:, None], along), 1 / n)
    spectrum /= (frequency * n)[None, :, :, None]
    back = np.einsum("ah,bw,nabc->nhwc", waves.conj(), waves.conj(), spectrum) / n**2
    return back.real


@pytest.mark.parametrize(("decay", "smooth"), [(0.0, lambda slope: slope), (1.0, held_back)])
def test_the_climb_is_that_of_a_plain_loop(decay, smooth):
    model, x = network(), RNG.normal(size=(10, 12, 12, 2)).astype("f4") + 1
    model.layers[0].bias.assign(np.ones(4))  # a channel that nothing fires could not climb
    method = ActivationMaximization("conv", [0, 1, 3], steps=12, decay=decay, jitter=0)
    found = keras_explain.explain(model, x, method, target=0)
    expected = ascent(model, x, 12, 0.1, smooth)
    agrees(KEY, "NumPy", found[f"{KEY}/conv"], expected)


def test_the_activation_rises_far_above_the_probes():
    model, x = network(), RNG.normal(size=(16, 12, 12, 2)).astype("f4")
    model.layers[0].bias.assign(RNG.normal(size=4))
    climbs = [ActivationMaximization(steps=steps, jitter=0) for steps in (1, 4, 16, 64)]
    reached = [
        keras_explain.explain(model, x, climb, target=0)[f"{KEY}/activation"] for climb in climbs
    ]
    heights = np.stack([figures[:, 0] for figures in reached])
    assert (np.diff(heights, axis=0) > 0).all()
    assert (reached[-1][:, 0] > 2 * reached[-1][:, 1]).all()


def test_roughness_costs():
    model, x = network(), RNG.normal(size=(8, 12, 12, 2)).astype("f4")

    def rough(**options):
        method = ActivationMaximization(steps=40, units=[1], **options)
        picture = keras_explain.explain(model, x, method, target=0)[KEY]
        return (np.diff(picture, axis=1) ** 2).sum() + (np.diff(picture, axis=2) ** 2).sum()

    assert rough(**PLAIN, total_variation=0.3) < 0.8 * rough(**PLAIN)
    assert rough(decay=1.0, jitter=0) < 0.8 * rough(**PLAIN)


def test_each_step_finds_the_same_and_units_do_not_mix():
    model, x = network(), RNG.normal(size=(6, 12, 12, 2)).astype("f4")
    both = keras_explain.explain(model, x, ActivationMaximization(steps=8), target=0)[KEY]
    again = keras_explain.explain(model, x, ActivationMaximization(steps=8), target=0)[KEY]
    np.testing.assert_array_equal(both, again)
    one = ActivationMaximization(units=[2], steps=8)
    alone = keras_explain.explain(model, x, one, target=0)[KEY]
    np.testing.assert_allclose(both[2:], alone, atol=1e-4)


def test_tables_tokens_and_several_inputs():
    ids, b = keras.Input((7,), dtype="int32", name="ids"), keras.Input((3,), name="b")
    words = layers.Flatten()(layers.Embedding(9, 4, name="words")(ids))
    hidden = layers.Dense(5, "tanh")(layers.Concatenate()([words, b]))
    model = keras.Model({"ids": ids, "b": b}, layers.Dense(1)(hidden))
    x = {"ids": RNG.integers(0, 9, (5, 7)), "b": RNG.normal(size=(5, 3)).astype("f4")}
    found = keras_explain.explain(model, x, ActivationMaximization(steps=30), target=0)
    assert found[f"{KEY}/words"].shape == (1, 7, 4)
    assert found[f"{KEY}/b"].shape == (1, 3)
    reached, best = found[f"{KEY}/activation"][0]
    assert reached > best


def test_a_training_is_watched(tmp_path):
    model, x = network(), RNG.normal(size=(30, 12, 12, 2)).astype("f4")
    y = RNG.integers(0, 3, 30)
    methods = [ActivationMaximization(steps=6), ActivationMaximization("conv", [2], steps=6)]
    callback = Explain(tmp_path, (x[:4], y[:4]), methods, strict=True)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    spec = run.specs[KEY]
    assert (spec.rows, spec.shown) == (("class 0", "class 1", "class 2"), "all")
    assert run.specs[f"{KEY}/conv"].rows == ("conv 2",)
    expected = keras_explain.explain(model, x[:4], methods[0], labels=y[:4])
    np.testing.assert_allclose(run.load(KEY, 1), expected[KEY], atol=1e-5)


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`steps` must be at least 1"):
        ActivationMaximization(steps=0)
    with pytest.raises(ValueError, match="`rate` must be above 0"):
        ActivationMaximization(rate=0)
    with pytest.raises(ValueError, match="`jitter` must be 0 or more"):
        ActivationMaximization(jitter=-1)
    x = np.zeros((2, 12, 12, 2), "f4")
    with pytest.raises(ValueError, match="`units` must be indices from 0 to 2"):
        keras_explain.explain(network(), x, ActivationMaximization(units=[3]), target=0)
    with pytest.raises(ValueError, match="`units` must be indices from 0 to 3"):
        keras_explain.explain(network(), x, ActivationMaximization("conv", [-1]), target=0)
