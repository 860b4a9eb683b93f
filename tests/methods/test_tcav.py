"""TCAV: a planted concept is found, and the scores are Captum's."""

import importlib.util

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import TCAV
from keras_explain.methods.separators import REGULARIZATION, separators, two_sided_p
from tests.agreement import agrees
from tests.reference import tcav_reference as captum
from tests.seeds import seed

RNG = np.random.default_rng(8)


def images(count, mark=False):
    x = RNG.normal(size=(count, 10, 10, 1)).astype("f4")
    if mark:
        x[:, 2:6, 2:6] += 3
    return x


def network():
    keras.utils.set_random_seed(seed(5))
    model = keras.Sequential(
        [
            keras.Input((10, 10, 1)),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.AveragePooling2D(2, name="pool"),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return model


def test_the_planted_concept_is_found_and_a_random_one_is_not(tmp_path):
    # Class 1 is the mark; nothing else tells the classes apart.
    x, y = np.concatenate([images(60), images(60, mark=True)]), np.repeat([0, 1], 60)
    x_random, model = images(80), network()
    method = TCAV({"mark": images(30, mark=True), "nothing": images(30)}, random=x_random)
    callback = Explain(tmp_path, (x[45:75], y[45:75]), [method], strict=True)
    model.fit(x, y, epochs=15, verbose=0, callbacks=[callback], batch_size=16)
    run = keras_explain.Run(tmp_path)
    last = run.steps[-1]
    spec = run.specs["tcav/score"]
    assert (spec.rows, spec.axes) == (("mark", "nothing"), ("layer", "class"))
    assert spec.labels == {"layer": ("flatten",), "class": (0, 1)}
    score, p = run.load("tcav/score", last)[:, 0], run.load("tcav/p_value", last)[:, 0]
    accuracy = run.load("tcav/accuracy", last)[:, 0]
    assert score[0].tolist() == [0, 1]
    assert (p[0] < 0.05).all()
    assert (p[0] < p[1]).all()  # of chance, one in twenty is below any 0.05
    assert accuracy[0] == 1
    assert 0.2 < accuracy[1] < 0.8
    expected = keras_explain.explain(model, x[45:75], method, labels=y[45:75])
    np.testing.assert_allclose(run.load("tcav/score", last), expected["tcav/score"])


def plainly(x, y, gradients, sets):
    """Scores by the paper's formula, with ridge regression in the features themselves."""
    found = np.zeros(3)
    for own, others in sets:
        a = np.concatenate([own, others]).astype("f8")
        a -= a.mean(axis=0)
        signs = np.repeat([1, -1], len(own))
        ridge = REGULARIZATION * (a**2).sum() / len(a) * np.eye(a.shape[1])
        vector = np.linalg.solve(a.T @ a + ridge, a.T @ signs)
        for index in range(3):
            found[index] += np.mean([gradients(one, index) @ vector > 0 for one in x[y == index]])
    return found / len(sets)


def test_the_formula_of_the_paper_on_a_quadratic_model():
    # score_c = sum_j out_cj h_j^2 of the features h = x W: its gradient at h is 2 out_c h.
    weights, out = RNG.normal(size=(6, 5)).astype("f4"), RNG.normal(size=(5, 3)).astype("f4")
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, use_bias=False, name="features"),
            layers.Lambda(keras.ops.square, name="square"),
            layers.Dense(3, use_bias=False),
        ]
    )
    model.set_weights([weights, out])
    x, y = RNG.normal(size=(60, 6)).astype("f4"), RNG.integers(0, 3, 60)
    concept, others = RNG.normal(size=(12, 6)).astype("f4") + 0.5, RNG.normal(size=(40, 6))
    method = TCAV({"c": concept}, layer=["features"], random=others, runs=5)
    found = keras_explain.explain(model, x, method, labels=y)
    sets = [
        (concept[drawn[0]] @ weights, others[drawn[1]].astype("f4") @ weights)
        for drawn in method._sets("c", np.arange(12), np.arange(40))
    ]
    expected = plainly(x, y, lambda one, c: 2 * out[:, c] * (one @ weights), sets)
    agrees("tcav", "NumPy", found["tcav/score"][0, 0], expected)


def with_hidden(g):
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(12, activation="tanh", name="hidden"),
            layers.Dense(3, use_bias=False),
        ]
    )
    model.set_weights([g["kernel"], g["bias"], g["out"]])
    found = keras_explain.explain(model, g["inputs"], captum.method(g), labels=g["labels"])
    return found["tcav/score"][:, 0]


def test_agrees_with_the_table_of_captum():
    table = dict(np.load(captum.TABLE))
    agrees("tcav", "Captum", with_hidden(table), table["captum/score"])


@pytest.mark.live
@pytest.mark.skipif(not importlib.util.find_spec("captum"), reason="captum is not installed")
def test_agrees_with_captum_on_new_weights():
    g = captum.given(seed=31)
    agrees("tcav", "Captum", with_hidden(g), captum.scores(g))


def test_pairs_are_left_out_as_if_it_were_fitted_again():
    features = RNG.normal(size=(20, 7))
    features[:10] += 0.7
    centred = features - features.mean(axis=0)
    ridge = REGULARIZATION * (centred**2).sum() / 20
    y = np.repeat([1.0, -1.0], 10)
    right = 0
    for pair in range(10):
        kept = np.delete(np.arange(20), [pair, pair + 10])
        mean = features[kept].mean(axis=0)
        a = features[kept] - mean
        vector = np.linalg.solve(a.T @ a + ridge * np.eye(7), a.T @ y[kept])
        right += sum(((features[one] - mean) @ vector) * y[one] > 0 for one in (pair, pair + 10))
    counts, accuracy = separators((features @ features.T)[None])
    assert accuracy[0] == right / 20
    vector = np.linalg.solve(centred.T @ centred + ridge * np.eye(7), centred.T @ y)
    np.testing.assert_allclose(counts[0] @ features, vector, rtol=1e-8)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_the_p_value_is_that_of_the_t_test(count):
    stats = pytest.importorskip("scipy.stats")
    a, b = RNG.normal(size=(2, count, 40)) * 0.5 + np.array([0, 0.5]).reshape(2, 1, 1)
    expected = stats.ttest_ind(a, b).pvalue
    np.testing.assert_allclose(two_sided_p(a, b), expected, rtol=1e-8, atol=1e-12)


def test_noise_is_seldom_significant():
    # The head is linear: every noise vector scores 0 or 1, the hardest case.
    model, x = network(), images(6)
    concepts = {f"noise {at}": images(16) for at in range(60)}
    found = keras_explain.explain(model, x, TCAV(concepts, random=images(80)), target=0)
    # By chance it is three of the sixty, and more than twelve once in 50,000 times.
    assert (found["tcav/p_value"][:, 0, 0] < 0.05).mean() <= 0.2
    assert 0.4 < found["tcav/accuracy"].mean() < 0.6


def test_the_p_value_of_constants():
    one, half = np.ones((4, 1)), np.full((4, 1), 0.5)
    assert two_sided_p(one, one) == 1
    assert two_sided_p(one, half) == 0


def test_without_random_examples_the_probes_and_other_concepts_serve():
    model, x = network(), images(20)
    method = TCAV({"a": images(6, mark=True), "b": images(6)}, layer=["conv", "pool"], runs=3)
    found = keras_explain.explain(model, x, method, target=0)
    assert found["tcav/score"].shape == (2, 2, 2)
    assert np.isfinite(found["tcav/score"]).all()
    with_labels = keras_explain.explain(model, x, method, labels=np.zeros(20, int))
    np.testing.assert_array_equal(with_labels["tcav/score"][..., 0], found["tcav/score"][..., 0])
    assert np.isnan(with_labels["tcav/score"][..., 1]).all()
    assert np.isnan(with_labels["tcav/p_value"][..., 1]).all()


def test_several_inputs_and_token_ids():
    ids, b = keras.Input((6,), dtype="int32", name="ids"), keras.Input((3,), name="b")
    words = layers.GlobalAveragePooling1D()(layers.Embedding(9, 4, "random_normal")(ids))
    merged = layers.Dense(5, "tanh", name="hidden")(layers.Concatenate()([words, b]))
    model = keras.Model({"ids": ids, "b": b}, layers.Dense(2)(merged))

    model.get_layer("hidden").kernel.assign(RNG.normal(size=(7, 5)))
    embedding = next(layer for layer in model.layers if isinstance(layer, layers.Embedding))
    embedding.embeddings.assign(50 * RNG.normal(size=(9, 4)) * (np.arange(9) == 8)[:, None])

    def some(count, word):
        ids = RNG.integers(0, 8, (count, 6))
        ids[:, 0] = word
        return {"ids": ids, "b": RNG.normal(size=(count, 3)).astype("f4")}

    method = TCAV({"word": some(8, 8)}, random=some(20, 1))
    found = keras_explain.explain(model, some(5, 2), method, target=0)
    assert found["tcav/score"].shape == (1, 1, 2)
    # A linear head has one gradient for all probes: the share is 0 or 1 in each of the runs.
    runs = found["tcav/score"] * method.runs
    np.testing.assert_allclose(runs, np.round(runs), atol=1e-5)
    assert found["tcav/accuracy"] > 0.9


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="`concepts` must map at least one concept's name"):
        TCAV()
    with pytest.raises(ValueError, match="`runs` must be at least 2"):
        TCAV({"a": images(4)}, runs=1)
    model, x = network(), images(4)
    with pytest.raises(ValueError, match=r"`concepts\['a'\]` must hold examples.*at least 4"):
        keras_explain.explain(model, x, TCAV({"a": np.zeros((4, 9, 9, 1))}), target=0)
    with pytest.raises(ValueError, match="`random` must hold examples.*at least 4"):
        keras_explain.explain(model, x, TCAV({"a": images(4)}, random=images(3)), target=0)
    with pytest.raises(ValueError, match="`classes` must be indices from 0 to 1"):
        keras_explain.explain(model, x, TCAV({"a": images(4)}, classes=[2]), target=0)
    with pytest.raises(ValueError, match="`layer` names no layer"):
        keras_explain.explain(model, x, TCAV({"a": images(4)}, layer="con"), target=0)
