"""Which output is explained."""

import keras
import numpy as np
import pytest

from keras_explain.targets import scores_of, target_of


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
    assert target_of("true", labels, 3, 3).indices.tolist() == [2, 0, 1]


def test_one_output_needs_no_label():
    assert target_of("true", np.array([0.3, 1.7]), 2, 1).indices.tolist() == [0, 0]


@pytest.mark.parametrize("labels", [None, np.array([0.5, 0.2]), np.array([[1, 1], [0, 1]])])
def test_true_refuses_what_are_not_classes(labels):
    with pytest.raises(ValueError, match="needs one class a probe"):
        target_of("true", labels, 2, 2)


@pytest.mark.parametrize("spec", [1.5, "best", [0, 1], [[0], [1], [2]], None])
def test_other_targets_are_refused(spec):
    with pytest.raises(ValueError, match="`target` must be 'true', 'predicted', an index"):
        target_of(spec, None, 3, 3)


def test_scores_over_positions_are_averaged():
    scores = np.arange(2 * 4 * 3, dtype="float32").reshape(2, 4, 3)
    target = target_of([0, 2], None, 2, 3)
    indices, weights = target.weigh(keras.ops.convert_to_tensor(scores))
    np.testing.assert_array_equal(indices, [0, 2])
    picked = scores_of(keras.ops.convert_to_tensor(scores), weights)
    np.testing.assert_allclose(picked, [scores[0, :, 0].mean(), scores[1, :, 2].mean()])


def test_a_masked_logit_does_not_count():
    logits = keras.ops.convert_to_tensor([[1.0, -np.inf, 3.0]])
    _, weights = target_of(2, None, 1, 3).weigh(logits)
    assert float(scores_of(logits, weights)[0]) == 3.0
