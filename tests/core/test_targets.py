"""Which output is explained."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain import Contrast, NextToken, Region, TopK
from keras_explain.callbacks import Explain
from keras_explain.methods import IntegratedGradients, Saliency
from keras_explain.targets import scores_of, target_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 5)).astype("f4")
Y = np.array([2, 0, 1, 1])
KERNEL = RNG.normal(size=(5, 3)).astype("f4")
BIAS = np.array([0.5, -0.25, 0.125], "f4")
LOGITS = X @ KERNEL + BIAS
ROWS = np.arange(4)


def weighed(spec, labels, logits):
    """Index, weights and score of each row."""
    logits = np.asarray(logits, "f4")
    indices, weights = target_of(spec, labels, logits.shape).weigh(
        keras.ops.convert_to_tensor(logits)
    )
    return np.asarray(indices), np.asarray(weights), np.asarray(scores_of(logits, weights))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([2, 0, 1]),
        np.array([[2], [0], [1]]),
        np.array([2.0, 0.0, 1.0]),
        np.eye(3)[[2, 0, 1]],
        np.eye(3)[[2, 0, 1]] * 0.9 + 0.1 / 3,
    ],
    ids=["indices", "column", "floats", "one-hot", "smoothed"],
)
def test_true_reads_classes_in_every_form(labels):
    indices, _, scores = weighed("true", labels, LOGITS[:3])
    assert indices.tolist() == [2, 0, 1]
    np.testing.assert_allclose(scores, LOGITS[[0, 1, 2], [2, 0, 1]], rtol=1e-6)


def test_one_output_needs_no_label():
    assert weighed("true", np.array([0.3, 1.7]), [[1.0], [2.0]])[2].tolist() == [1, 2]


@pytest.mark.parametrize("labels", [None, np.array([0.5, 0.2]), np.array([[0.3, 1], [0, 1]])])
def test_true_refuses_what_are_not_classes(labels):
    with pytest.raises(ValueError, match="needs one class a probe.* regression .* give"):
        target_of("true", labels, (2, 2))


@pytest.mark.parametrize("spec", [1.5, "best", [0, 1], [[0], [1], [2]], None, [True, False, True]])
def test_other_targets_are_refused(spec):
    with pytest.raises(ValueError, match="`target` must be 'true', 'predicted', an index"):
        target_of(spec, None, (3, 3))


@pytest.mark.parametrize("spec", [3, -1, [0, 1, 3]])
def test_outputs_that_the_model_does_not_have_are_refused(spec):
    with pytest.raises(ValueError, match="must name one of the model's outputs, 0 to 2. Received"):
        target_of(spec, None, (3, 3))


def test_several_labels_are_summed():
    labels = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 1]])
    indices, weights, scores = weighed("true", labels, LOGITS)
    assert indices.tolist() == [0, 1, -1, 0]
    np.testing.assert_array_equal(weights, labels)
    np.testing.assert_allclose(scores, (LOGITS * labels).sum(axis=1), rtol=1e-6)


def test_scores_over_positions_are_averaged():
    logits = np.arange(2 * 4 * 3, dtype="float32").reshape(2, 4, 3)
    indices, _, scores = weighed([0, 2], None, logits)
    np.testing.assert_array_equal(indices, [0, 2])
    np.testing.assert_allclose(scores, [logits[0, :, 0].mean(), logits[1, :, 2].mean()])


def test_a_masked_logit_does_not_count():
    assert weighed(2, None, [[1.0, -np.inf, 3.0]])[2].tolist() == [3]
    assert weighed(Contrast(0), None, [[1.0, -np.inf, 3.0]])[2].tolist() == [-2]


RUNNER_UP = np.sort(np.where(np.eye(3)[Y] > 0, -np.inf, LOGITS), axis=1)[:, -1]
BEST = np.sort(LOGITS, axis=1)
TARGETS = {
    "true": ("true", LOGITS[ROWS, Y], "true"),
    "predicted": ("predicted", BEST[:, -1], "predicted"),
    "one": (1, LOGITS[:, 1], "output 1"),
    "one each": ([0, 1, 2, 0], LOGITS[ROWS, [0, 1, 2, 0]], "outputs 0, 1, 2, 0"),
    "runner-up": (Contrast(), LOGITS[ROWS, Y] - RUNNER_UP, "true minus the highest other"),
    "margin": (Contrast("predicted"), BEST[:, -1] - BEST[:, -2],
               "predicted minus the highest other"),
    "one against one": (Contrast(2, against=0), LOGITS[:, 2] - LOGITS[:, 0],
                        "output 2 minus output 0"),
    "against what it takes it for": (Contrast("true", "predicted"), LOGITS[ROWS, Y] - BEST[:, -1],
                                     "true minus predicted"),
    "two highest": (TopK(2), BEST[:, 1:].mean(axis=1), "mean of the 2 highest"),
    "highest": (TopK(1), BEST[:, -1], "highest"),
}  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_the_score_is_the_one_asked_for(name):
    spec, expected, text = TARGETS[name]
    assert target_of(spec, Y, LOGITS.shape).text == text
    np.testing.assert_allclose(weighed(spec, Y, LOGITS)[2], expected, atol=1e-6)


def linear(head="softmax"):
    model = keras.Sequential([keras.Input((5,)), layers.Dense(3, activation=head)])
    model.set_weights([KERNEL, BIAS])
    return model


@pytest.mark.parametrize("name", TARGETS)
def test_every_method_explains_it(name):
    """Of a linear model: the gradient is the weights' sum, and a path's is that times the input."""
    spec, expected, _ = TARGETS[name]
    gradient = weighed(spec, Y, LOGITS)[1] @ KERNEL.T
    ask = {"target": spec, "labels": Y}
    found = keras_explain.explain(linear(), X, "saliency", **ask)
    np.testing.assert_allclose(found, np.abs(gradient), atol=1e-6)
    for method in ("gradient_times_input", "integrated_gradients"):
        found = keras_explain.explain(linear(), X, method, **ask)
        found = found if isinstance(found, np.ndarray) else found[method]
        np.testing.assert_allclose(found, gradient * X, atol=1e-5)
    nothing = (weighed(spec, Y, LOGITS)[1] * BIAS).sum(axis=1)
    np.testing.assert_allclose(found.sum(axis=1), expected - nothing, atol=1e-5)


def test_several_labels_are_explained_together():
    labels = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 1]])
    found = keras_explain.explain(linear("sigmoid"), X, "gradient_times_input", labels=labels)
    np.testing.assert_allclose(found, (labels @ KERNEL.T) * X, atol=1e-6)


def test_outputs_of_a_regression_are_named_by_number():
    found = keras_explain.explain(
        linear(None), X, "gradient_times_input", target=2, labels=RNG.normal(size=(4, 3))
    )
    np.testing.assert_allclose(found, KERNEL[:, 2] * X, atol=1e-6)


PICTURES = RNG.normal(size=(2, 4, 6, 2)).astype("f4")
MIX = RNG.normal(size=(2, 3)).astype("f4")
DENSE = PICTURES @ MIX
CLASSES = RNG.integers(0, 3, (2, 4, 6))
HALF = np.zeros((4, 6))
HALF[:, :3] = 1


def segmenting(outputs=3):
    """Each position's classes from that position's channels alone."""
    head = "softmax" if outputs > 1 else "sigmoid"
    model = keras.Sequential([keras.Input((4, 6, 2)), layers.Conv2D(outputs, 1, activation=head)])
    model.set_weights([MIX[None, None, :, :outputs], np.zeros(outputs)])
    return model


def shared(region):
    return region / np.maximum(region.sum(axis=(1, 2), keepdims=True), 1)


IS_1 = (DENSE.argmax(axis=-1) == 1) * 1.0
REGIONS = {
    "given": (Region(HALF, of=2), shared(np.stack([HALF, HALF])), [2, 2]),
    "one each": (Region(np.stack([HALF, 1 - HALF]), of=[0, 2]),
                 shared(np.stack([HALF, 1 - HALF])), [0, 2]),
    "predicted": (Region("predicted", of=1), shared(IS_1), [1, 1]),
    "true": (Region("true", of=1), shared((CLASSES == 1) * 1.0), [1, 1]),
    "commonest": (Region("predicted"), None, DENSE.mean(axis=(1, 2)).argmax(axis=1)),
}  # fmt: skip


@pytest.mark.parametrize("name", REGIONS)
def test_a_region_of_a_segmentation_is_explained(name):
    spec, share, of = REGIONS[name]
    of = np.asarray(of)
    if share is None:
        share = shared((DENSE.argmax(axis=-1) == of[:, None, None]) * 1.0)
    gradient = share[..., None] * MIX.T[of][:, None, None]
    ask = {"target": spec, "labels": CLASSES}
    found = keras_explain.explain(segmenting(), PICTURES, "saliency", **ask)
    np.testing.assert_allclose(found, np.abs(gradient), atol=1e-6)
    found = keras_explain.explain(segmenting(), PICTURES, "integrated_gradients", **ask)
    found = found["integrated_gradients"]
    np.testing.assert_allclose(found, gradient * PICTURES, atol=1e-6)
    assert found[share == 0].any() == np.False_
    score = (DENSE[np.arange(2), :, :, of] * share).sum(axis=(1, 2))
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)), score, atol=1e-5)


@pytest.mark.parametrize("labels", [CLASSES, CLASSES[..., None], np.eye(3)[CLASSES]])
def test_true_of_dense_outputs_is_each_positions_own(labels):
    indices, weights, scores = weighed("true", labels, DENSE)
    own = np.take_along_axis(DENSE, CLASSES[..., None], axis=-1)[..., 0]
    np.testing.assert_allclose(scores, own.mean(axis=(1, 2)), atol=1e-6)
    assert indices.tolist() == [np.bincount(c.ravel()).argmax() for c in CLASSES]
    np.testing.assert_allclose(weights.sum(axis=(1, 2, 3)), 1, rtol=1e-6)


def test_positions_without_label_do_not_count():
    labels = np.where(HALF > 0, CLASSES, 255)
    own = np.take_along_axis(DENSE, CLASSES[..., None], axis=-1)[..., 0]
    _, _, scores = weighed("true", labels, DENSE)
    np.testing.assert_allclose(scores, own[:, :, :3].mean(axis=(1, 2)), atol=1e-6)
    assert weighed("true", np.full((2, 4, 6), 255), DENSE)[2].tolist() == [0, 0]


def test_a_single_dense_output_has_its_region_above_zero():
    one = DENSE[..., :1]
    positive = one[..., 0] > 0
    _, _, scores = weighed(Region("predicted", of=0), None, one)
    expected = [row[where].mean() for row, where in zip(one[..., 0], positive, strict=True)]
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    _, _, labelled = weighed(Region("true", of=0), positive * 1, one)
    np.testing.assert_allclose(labelled, scores)


def test_an_empty_region_has_a_score_of_zero():
    logits = np.zeros((1, 2, 2, 2))
    logits[..., 0] = 1
    assert weighed(Region("predicted", of=1), None, logits)[2].tolist() == [0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Contrast("best"), "`target` must be 'true', 'predicted'"),
        (lambda: Contrast(1, against="second"), "`against` must be .*; or 'runner_up'. Received"),
        (lambda: TopK(0), "`k` must be a whole number from 1 on. Received: 0"),
        (lambda: Region("all"), "`mask` must be an array of 0 and 1, 'predicted' or 'true'"),
        (lambda: Region(np.zeros((4, 6))), "`mask` must be an array of 0 and 1 with a 1 in it"),
        (lambda: Region(of=0.5), "`of` must be 'true', 'predicted', an index"),
        (lambda: target_of(TopK(4), None, (2, 3)), "`k` must be at most the number of outputs, 3"),
        (lambda: target_of(Contrast(0), None, (2, 1)), "Contrast needs two outputs or more"),
        (lambda: target_of(Contrast(0, 3), None, (2, 3)), "`against` must name one of the model's"),
        (lambda: target_of(Contrast(), None, (2, 3)), "needs one class a probe"),
        (lambda: target_of(Region(), None, (2, 3)), "Region needs dense outputs"),
        (lambda: target_of(Region("true", 1), None, (2, 4, 6, 3)), "`mask='true'` needs a class"),
        (lambda: target_of(Region(HALF.T), None, (2, 4, 6, 3)), r"broadcast to .* \(2, 4, 6\)"),
        (lambda: target_of(Contrast, None, (2, 3)), "an instance. Received: the class Contrast"),
    ],
)  # fmt: skip
def test_wrong_options_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_fit_explains_it_and_says_so(tmp_path):
    model = linear()
    model.compile("sgd", "sparse_categorical_crossentropy")
    methods = [Saliency(), IntegratedGradients()]
    callback = Explain(tmp_path, (X, Y), methods, target=Contrast("true"), strict=True)
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    assert run.target == "true minus the highest other"
    kernel, bias = model.get_weights()
    _, weights, scores = weighed(Contrast("true"), Y, X @ kernel + bias)
    np.testing.assert_allclose(run.load("scores", 1), scores, rtol=1e-5)
    np.testing.assert_allclose(run.load("saliency", 1), np.abs(weights @ kernel.T), rtol=2e-3)
    np.testing.assert_allclose(
        run.load("integrated_gradients", 1), weights @ kernel.T * X, rtol=2e-3, atol=1e-6
    )


def test_fit_explains_a_segmentation_by_default(tmp_path):
    model = segmenting()
    model.compile("sgd", "sparse_categorical_crossentropy")
    callback = Explain(tmp_path, (PICTURES, CLASSES), strict=True)
    model.fit(PICTURES, CLASSES, epochs=1, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    assert run.target == "true (at each position)"
    assert run.load("saliency", 0).shape == PICTURES.shape


TOKENS = RNG.normal(size=(3, 5, 7)).astype("f4")
NEXT = RNG.integers(0, 7, (3, 5))
NEXT_TOKENS = {
    "the last, true": (NextToken(), [4, 4, 4], NEXT[:, 4]),
    "one, predicted": (NextToken(2, "predicted"), [2, 2, 2], TOKENS[:, 2].argmax(axis=1)),
    "one each, given": (NextToken([0, 1, -1], [6, 5, 0]), [0, 1, 4], [6, 5, 0]),
    "of all alike": (NextToken(1, 3), [1, 1, 1], [3, 3, 3]),
}


@pytest.mark.parametrize("name", NEXT_TOKENS)
def test_one_token_is_explained_at_one_position(name):
    spec, at, token = NEXT_TOKENS[name]
    indices, weights, scores = weighed(spec, NEXT, TOKENS)
    np.testing.assert_array_equal(indices, token)
    np.testing.assert_allclose(scores, TOKENS[np.arange(3), at, token], rtol=1e-6)
    assert weights.sum() == 3


@pytest.mark.parametrize(
    ("spec", "labels", "shape", "said"),
    [
        (NextToken(), None, (3, 5, 7), "`token='true'` needs a token at each position"),
        (NextToken(5, 0), NEXT, (3, 5, 7), "one of the 5 positions, .*Received: 5"),
        (NextToken(0, 9), NEXT, (3, 5, 7), r"0 to 6. Received: \[9\]"),
        (NextToken(0, 0), None, (3, 7), r"`\(probes, tokens, vocabulary\)`. Received"),
    ],
)
def test_a_next_token_that_is_none_is_refused(spec, labels, shape, said):
    with pytest.raises(ValueError, match=said):
        target_of(spec, labels, shape)
