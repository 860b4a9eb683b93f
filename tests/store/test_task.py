"""The task of the explained output: what its numbers mean, by closed forms."""

import math

import numpy as np
import pytest

from keras_explain.store import DamagedFile, ProbeSet
from keras_explain.store.format.task import Task
from keras_explain.store.probe_file import ProbeFile, probe_bytes


def test_one_logit_is_the_chance_of_the_second_of_two_classes():
    task = Task("binary", "logits", (1,))
    outputs = np.array([[0.0], [math.log(3)], [-800.0]], "f4")
    np.testing.assert_allclose(task.chances(outputs), [[0.5, 0.5], [0.25, 0.75], [1, 0]], rtol=1e-6)
    truth = np.array([0, 1, 1])
    np.testing.assert_array_equal(task.right(outputs, truth), [1, 1, 0])
    np.testing.assert_allclose(task.loss(outputs, truth)[:2], [math.log(2), -math.log(0.75)], 1e-6)


def test_logits_of_classes_become_probabilities():
    outputs = np.log(np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]], "f4")) + 7
    chances = Task("classes", "logits", (3,)).chances(outputs)
    np.testing.assert_allclose(chances, [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]], atol=1e-6)


def test_each_label_is_right_or_wrong_by_itself():
    task = Task("labels", "logits", (4,))
    outputs = np.array([[2.0, -1, 3, -4], [1, 1, 1, 1]])
    np.testing.assert_array_equal(
        task.right(outputs, np.array([[1, 0, 0, 0], [1, 1, 1, 1]])), [0.75, 1]
    )


def test_numbers_have_an_error_and_are_never_right():
    task = Task("numbers", "values", (2,))
    outputs, truth = np.array([[3.0, 1.0]]), np.array([[1.0, 2.0]])
    np.testing.assert_array_equal(task.error(outputs, truth), [[2, -1]])
    np.testing.assert_array_equal(task.loss(outputs, truth), [2.5])
    assert np.isnan(task.right(outputs, truth)).all()
    assert task.chances(outputs) is None
    assert task.predicted(outputs) is None


def test_labels_at_positions_are_right_by_share():
    task = Task("labels", "probabilities", (2, 2))
    outputs = np.array([[[0.9, 0.2], [0.4, 0.6]]])
    truth = np.array([[[1, 1], [0, -1]]])  # the last is not known
    np.testing.assert_allclose(task.right(outputs, truth), [2 / 3], rtol=1e-6)
    expected = -np.log([0.9, 0.2, 0.6]).mean()
    np.testing.assert_allclose(task.loss(outputs, truth), [expected], rtol=1e-5)


def test_what_was_predicted_is_judged_without_the_outputs():
    task = Task("classes", "logits", (3,))
    found = task.right_of(np.array([0, 2, -1, 1]), np.array([0, 1, 1, 7]))
    np.testing.assert_array_equal(found, [1, 0, np.nan, np.nan])


def test_one_logit_at_positions_overlaps_as_two_classes():
    task = Task("binary", "logits", (4, 1))
    outputs, truth = np.array([[[2.0], [3], [-1], [-2]]]), np.array([[1, 0, 0, 1]])
    np.testing.assert_allclose(task.overlap(task.predicted(outputs), truth), [[1 / 3, 1 / 3]])


def test_at_positions_what_has_no_label_does_not_count():
    task = Task("classes", "probabilities", (3, 2))
    outputs = np.array([[[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]])
    truth = np.array([[0, 0, -1]])
    np.testing.assert_array_equal(task.right(outputs, truth), [0.5])
    overlap = task.overlap(task.predicted(outputs), truth)
    np.testing.assert_array_equal(overlap, [[0.5, 0.0]])


def test_a_class_in_neither_mask_has_no_overlap():
    task = Task("classes", "probabilities", (2, 3))
    found = task.overlap(np.array([[0, 1]]), np.array([[0, 1]]))
    np.testing.assert_array_equal(found, [[1, 1, np.nan]])


def test_an_output_that_is_not_finite_predicts_nothing():
    task = Task("classes", "logits", (2,))
    outputs = np.array([[np.nan, 1.0], [1.0, 2.0]])
    np.testing.assert_array_equal(task.predicted(outputs), [-1, 1])
    np.testing.assert_array_equal(task.right(outputs, np.array([1, 1])), [np.nan, 1])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (("class", "logits", (3,)), "`kind` must be one of"),
        (("classes", "percent", (3,)), "`scale` must be one of"),
        (("numbers", "logits", (3,)), "'values' for numbers"),
        (("binary", "logits", (3,)), "has one output"),
        (("classes", "logits", ()), "`shape` must be sizes"),
    ],
)
def test_what_is_no_task_is_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        Task(*fields)


def probes(**known):
    return ProbeSet(
        inputs={"x": np.zeros((2, 3), "f4")},
        axes={"x": ("feature",)},
        kinds={"x": "features"},
        **known,
    )


def test_the_task_and_the_truth_come_back_from_the_file(tmp_path):
    task = Task("classes", "logits", (4, 5), output="mask")
    kept = probes(task=task, truth=np.arange(8).reshape(2, 4) % 5)
    path = tmp_path / "probes"
    path.write_bytes(probe_bytes(kept))
    read = ProbeFile.open(path, kept.hash)
    assert read.task == task
    np.testing.assert_array_equal(read.true([1]), [[4, 0, 1, 2]])
    assert read.load().hash == kept.hash


def test_a_task_that_is_none_is_damage(tmp_path, monkeypatch):
    kept = probes(task=Task("numbers", "values", (1,)))
    path = tmp_path / "probes"
    for fields in ({"kind": "number"}, {**kept.task.to_json(), "shape": [0]}, [], "classes"):
        with monkeypatch.context() as patch:
            patch.setattr(Task, "to_json", lambda task, fields=fields: fields)
            path.write_bytes(probe_bytes(kept))
        with pytest.raises(DamagedFile, match="Its task is not what it should be"):
            ProbeFile.open(path, kept.hash)


def test_the_truth_must_fit_the_task():
    with pytest.raises(ValueError, match=r"`truth` must be numbers of shape \(2, 3\)"):
        probes(task=Task("numbers", "values", (3,)), truth=np.zeros(2))
