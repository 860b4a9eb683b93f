"""What a reader makes of the predictions that a run keeps, against NumPy."""

import numpy as np
import pytest

import keras_explain
from keras_explain.store import Reader
from keras_explain.store.predictions import in_parts, predictions_at
from tests.fixtures import tasks

LAST = tasks.STEPS - 1


def said(folder, name, **options):
    run = keras_explain.Run(tasks.make_task_run(folder, name, **options))
    return run, run.outcome(LAST)


@pytest.mark.parametrize("name", list(tasks.CASES))
def test_outputs_come_back_in_the_shape_of_the_task(tmp_path, name):
    run, found = said(tmp_path, name)
    task = tasks.CASES[name].task
    assert run.task == task
    np.testing.assert_array_equal(run.predictions(LAST), tasks.outputs_of(task, LAST))
    np.testing.assert_array_equal(found.outputs, tasks.outputs_of(task, LAST))
    np.testing.assert_array_equal(found.truth, tasks.truth_of(task))


def test_logits_are_judged_by_their_softmax(tmp_path):
    _, found = said(tmp_path, "logits")
    outputs = tasks.outputs_of(found.task, LAST).astype(np.float64)
    chances = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    truth = tasks.truth_of(found.task)
    of_true = chances[np.arange(tasks.PROBES), truth]
    np.testing.assert_allclose(found.confidence, chances.max(axis=1), rtol=1e-5)
    np.testing.assert_allclose(found.of_true, of_true, rtol=1e-5)
    np.testing.assert_allclose(found.loss, -np.log(of_true), rtol=1e-4)
    np.testing.assert_array_equal(found.right, outputs.argmax(axis=1) == truth)
    np.testing.assert_array_equal(found.answers[:, 0], outputs.argmax(axis=1))


def test_one_logit_is_judged_by_its_sign(tmp_path):
    _, found = said(tmp_path, "one_logit")
    outputs = tasks.outputs_of(found.task, LAST)[:, 0].astype(np.float64)
    truth = tasks.truth_of(found.task)
    np.testing.assert_array_equal(found.right, (outputs > 0) == truth)
    chance = 1 / (1 + np.exp(-outputs))
    np.testing.assert_allclose(found.confidence, np.maximum(chance, 1 - chance), rtol=1e-5)


def test_each_label_is_an_answer(tmp_path):
    _, found = said(tmp_path, "labels")
    outputs, truth = tasks.outputs_of(found.task, LAST), tasks.truth_of(found.task)
    np.testing.assert_array_equal(found.answers, outputs > 0.5)
    np.testing.assert_allclose(found.right, ((outputs > 0.5) == truth).mean(axis=1), rtol=1e-6)
    assert found.confidence is None


def test_numbers_have_an_error_and_no_verdict(tmp_path):
    _, found = said(tmp_path, "box")
    error = tasks.outputs_of(found.task, LAST) - tasks.truth_of(found.task)
    np.testing.assert_allclose(found.error, error)
    np.testing.assert_allclose(found.loss, (error**2).mean(axis=1), rtol=1e-5)
    assert np.isnan(found.right).all()
    assert found.answers is None


def test_a_mask_has_the_classes_overlap(tmp_path):
    _, found = said(tmp_path, "segmentation")
    predicted = tasks.outputs_of(found.task, LAST).argmax(axis=-1)
    truth = tasks.truth_of(found.task)
    known = truth >= 0
    right = [(p == t)[k].mean() for p, t, k in zip(predicted, truth, known, strict=True)]
    np.testing.assert_allclose(found.right, right, rtol=1e-5)
    for row in range(tasks.PROBES):
        for index in range(3):
            one, other = ((values[row] == index) & known[row] for values in (predicted, truth))
            either = (one | other).sum()
            expected = (one & other).sum() / either if either else np.nan
            np.testing.assert_allclose(found.overlap[row, index], expected, rtol=1e-5)
    assert found.answers is None


def test_classes_alone_are_judged_alike(tmp_path):
    _, whole = said(tmp_path / "whole", "segmentation")
    _, found = said(tmp_path / "reduced", "segmentation", reduced=True)
    assert found.outputs is None
    np.testing.assert_array_equal(found.predicted, whole.predicted)
    np.testing.assert_array_equal(found.right, whole.right)
    np.testing.assert_array_equal(found.overlap, whole.overlap)
    np.testing.assert_allclose(found.confidence, whole.confidence)
    assert np.isnan(found.loss).all()


def test_a_run_that_does_not_say_its_task_has_numbers_alone(tmp_path):
    run, found = said(tmp_path, "softmax", says=False)
    assert run.task is None
    assert found.task.kind == "unknown"
    assert found.predicted is None
    assert found.truth is None
    assert np.isnan(found.right).all()
    np.testing.assert_array_equal(found.outputs, run.load("predictions", LAST))


def test_outputs_of_another_size_than_the_task_s_are_numbers_alone(tmp_path):
    case = tasks.CASES["softmax"]
    run = keras_explain.Run(tasks.make_task_run(tmp_path, "softmax"))
    writer = keras_explain.store.Writer(
        run.folder, tasks.probe_set(case, case.task), start=LAST + 1
    )
    info = keras_explain.store.StepInfo(LAST + 1, 1.0, [0] * tasks.PROBES)
    writer.write(info, [(tasks.PREDICTIONS, np.zeros((tasks.PROBES, 5), np.float32))])
    assert run.refresh().outcome(LAST + 1).task.kind == "unknown"


def test_a_step_without_predictions_says_nothing(tmp_path):
    case = tasks.CASES["softmax"]
    run = keras_explain.Run(tasks.make_task_run(tmp_path, "softmax"))
    writer = keras_explain.store.Writer(
        run.folder, tasks.probe_set(case, case.task), start=LAST + 1
    )
    writer.write(keras_explain.store.StepInfo(LAST + 1, 1.0, [0] * tasks.PROBES), [])
    assert run.refresh().outcome(LAST + 1) is None


def test_a_large_step_is_read_in_parts(tmp_path, monkeypatch):
    run, whole = said(tmp_path, "segmentation")
    monkeypatch.setattr("keras_explain.store.predictions.AT_ONCE", 5 * tasks.SIDE**2 * 3)
    reader = Reader(run.folder)
    step = reader.index().by_number[LAST]
    parts = list(in_parts(reader, step))
    assert [len(part.rows) for part in parts] == [5, 5, 2]
    np.testing.assert_array_equal(np.concatenate([p.right for p in parts]), whole.right)
    some = predictions_at(reader, step, [7, 2])
    np.testing.assert_array_equal(some.right, whole.right[[7, 2]])
