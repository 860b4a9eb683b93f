"""What the tab is told of the predictions of every task, against NumPy."""

import numpy as np
import pytest

from tests.fixtures import tasks

from .conftest import Provider, ask, client_of
from .test_routes import bundle_of

STEPS = range(tasks.STEPS)
LAST = tasks.STEPS - 1
RUN = "run/explain"


def client(place, name, **options):
    tasks.make_task_run(place / "run", name, **options)
    return client_of(Provider(RUN), place)


def told(place, name, **options):
    return bundle_of(client(place, name, **options), "targets", run=RUN)[0]


def outputs(name, step=LAST):
    return tasks.outputs_of(tasks.CASES[name].task, step).astype(np.float64)


def truth(name):
    return tasks.truth_of(tasks.CASES[name].task)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_the_manifest_says_the_task(tmp_path):
    manifest = ask(client(tmp_path, "box"), "manifest", run=RUN).get_json()
    assert manifest["probes"]["task"] == {
        "kind": "numbers", "scale": "values", "shape": [4], "output": "box",
    }  # fmt: skip
    assert manifest["probes"]["labels"] is None
    assert manifest["target"] == "output 0"


@pytest.mark.parametrize("name", ["softmax", "logits"])
def test_classes_have_probabilities(tmp_path, name):
    arrays = told(tmp_path, name)
    for step in STEPS:
        chances = outputs(name, step) if name == "softmax" else softmax(outputs(name, step))
        of_true = chances[np.arange(tasks.PROBES), truth(name)]
        np.testing.assert_array_equal(arrays["predicted"][step], chances.argmax(axis=1))
        np.testing.assert_allclose(arrays["probability"][step], chances.max(axis=1), rtol=1e-5)
        np.testing.assert_allclose(arrays["true_probability"][step], of_true, rtol=1e-5)
        np.testing.assert_allclose(arrays["loss"][step], -np.log(of_true), rtol=1e-4)
        right = chances.argmax(axis=1) == truth(name)
        np.testing.assert_array_equal(arrays["right"][step], right)


def test_one_logit_stands_for_two_classes(tmp_path):
    arrays = told(tmp_path, "one_logit")
    chance = 1 / (1 + np.exp(-outputs("one_logit")[:, 0]))
    np.testing.assert_array_equal(arrays["predicted"][LAST], chance > 0.5)
    np.testing.assert_allclose(
        arrays["probability"][LAST], np.maximum(chance, 1 - chance), rtol=1e-5
    )
    of_true = np.where(truth("one_logit") == 1, chance, 1 - chance)
    np.testing.assert_allclose(arrays["true_probability"][LAST], of_true, rtol=1e-5)


def test_labels_are_told_one_by_one(tmp_path):
    arrays = told(tmp_path, "labels")
    assert (arrays["predicted"] == -1).all()
    for place in range(4):
        assert (arrays[f"output/{place}"] == place).all()
        for step in STEPS:
            chance = outputs("labels", step)[:, place]
            np.testing.assert_allclose(arrays[f"figure/{place}"][step], chance, rtol=1e-6)
        np.testing.assert_array_equal(arrays[f"truth/{place}"][LAST], truth("labels")[:, place])
    right = ((outputs("labels") > 0.5) == truth("labels")).mean(axis=1)
    np.testing.assert_allclose(arrays["right"][LAST], right, rtol=1e-6)


def test_of_many_labels_those_are_told_that_matter(tmp_path):
    arrays = told(tmp_path, "many_labels")
    chances = 1 / (1 + np.exp(-outputs("many_labels")))
    assert "output/16" not in arrays
    for probe in range(tasks.PROBES):
        places = np.array([arrays[f"output/{place}"][LAST, probe] for place in range(16)])
        of_true = np.flatnonzero(truth("many_labels")[probe])
        missed = of_true[~np.isin(of_true, places)]
        assert len(missed) == max(0, len(of_true) - 16)
        found = [arrays[f"figure/{place}"][LAST, probe] for place in range(16)]
        np.testing.assert_allclose(found, chances[probe][places], rtol=1e-4)
        others = places[truth("many_labels")[probe][places] == 0]
        untold = np.setdiff1d(np.flatnonzero(truth("many_labels")[probe] == 0), others)
        if len(others):
            assert chances[probe][others].min() >= chances[probe][untold].max() - 1e-6


def test_numbers_are_told_with_what_is_true(tmp_path):
    arrays = told(tmp_path, "box")
    error = outputs("box") - truth("box")
    for place in range(4):
        np.testing.assert_allclose(
            arrays[f"figure/{place}"][LAST], outputs("box")[:, place], rtol=1e-6
        )
        np.testing.assert_array_equal(arrays[f"truth/{place}"][LAST], truth("box")[:, place])
    np.testing.assert_allclose(arrays["error"][LAST], np.abs(error).mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(arrays["loss"][LAST], (error**2).mean(axis=1), rtol=1e-5)
    for name in ("probability", "true_probability", "right"):
        assert np.isnan(arrays[name]).all()


@pytest.mark.parametrize("name", ["segmentation", "one_mask"])
def test_masks_have_shares_and_overlaps(tmp_path, name):
    arrays = told(tmp_path, name)
    values, known = outputs(name), truth(name) >= 0
    predicted = values.argmax(-1) if name == "segmentation" else values[..., 0] > 0.5
    overlaps = np.full((tasks.PROBES, tasks.CASES[name].task.classes), np.nan)
    for probe in range(tasks.PROBES):
        of_probe = known[probe]
        right = (predicted[probe] == truth(name)[probe])[of_probe].mean()
        np.testing.assert_allclose(arrays["right"][LAST, probe], right, rtol=1e-5)
        for index in range(overlaps.shape[1]):
            both = [(of[probe] == index)[of_probe] for of in (predicted, truth(name))]
            either = np.logical_or(*both).sum()
            overlaps[probe, index] = np.logical_and(*both).sum() / either if either else np.nan
    for index, column in enumerate(overlaps.T):
        np.testing.assert_allclose(arrays[f"figure/{index}"][LAST], column, rtol=1e-5)
        share = (truth(name) == index).mean(axis=(1, 2))
        np.testing.assert_allclose(arrays[f"truth/{index}"][LAST], share, rtol=1e-5)
    np.testing.assert_allclose(arrays["overlap"][LAST], np.nanmean(overlaps, axis=1), rtol=1e-5)


def test_a_picture_has_a_mean_error_alone(tmp_path):
    arrays = told(tmp_path, "autoencoder")
    error = np.abs(outputs("autoencoder") - truth("autoencoder")).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(arrays["error"][LAST], error, rtol=1e-5)
    assert not any(name.startswith("output/") for name in arrays)


def test_a_run_without_a_task_has_no_verdict(tmp_path):
    client_ = client(tmp_path, "softmax", says=False)
    arrays = bundle_of(client_, "targets", run=RUN)[0]
    assert (arrays["predicted"] == -1).all()
    for name in ("probability", "true_probability", "right", "loss", "error"):
        assert np.isnan(arrays[name]).all()
    for place in range(3):
        values = outputs("softmax")[:, place]
        np.testing.assert_allclose(arrays[f"figure/{place}"][LAST], values, rtol=1e-6)
        assert np.isnan(arrays[f"truth/{place}"]).all()
    assert ask(client_, "manifest", run=RUN).get_json()["probes"]["task"] is None
    refused = ask(client_, "answers", run=RUN, steps="0")
    assert (refused.status_code, refused.text) == (
        404, "The run does not say what the explained output is.",
    )  # fmt: skip


def test_masks_are_sent_as_bytes(tmp_path):
    arrays, extras = bundle_of(
        client(tmp_path, "segmentation"), "answers", run=RUN, steps="3,9", rows="4,1"
    )
    assert extras == {"steps": [3, 9], "rows": [4, 1], "none": 255}
    predicted = outputs("segmentation").argmax(axis=-1)[[4, 1]]
    assert arrays["predicted"].dtype == np.uint8
    np.testing.assert_array_equal(arrays["predicted"][0], predicted)
    assert (arrays["predicted"][1] == 255).all()  # step 9 was never written
    true = truth("segmentation")[[4, 1]]
    np.testing.assert_array_equal(arrays["truth"], np.where(true < 0, 255, true))


def test_classes_alone_are_sent_alike(tmp_path):
    asked = {"run": RUN, "steps": "2", "rows": "3"}
    whole = bundle_of(client(tmp_path / "a", "segmentation"), "answers", **asked)[0]
    found = bundle_of(client(tmp_path / "b", "segmentation", reduced=True), "answers", **asked)[0]
    for name, values in whole.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("name", ["autoencoder", "forecast", "labels"])
def test_other_outputs_are_sent_as_they_are(tmp_path, name):
    arrays, extras = bundle_of(client(tmp_path, name), "answers", run=RUN, steps="1,3")
    assert extras == {"steps": [1, 3], "rows": list(range(tasks.PROBES))}
    for at, step in enumerate((1, 3)):
        np.testing.assert_array_equal(arrays["values"][at], outputs(name, step).astype("f4"))
    np.testing.assert_array_equal(arrays["truth"], truth(name))


def test_too_large_a_reply_is_refused(tmp_path, monkeypatch):
    client_ = client(tmp_path, "autoencoder")
    monkeypatch.setattr("keras_explain.tensorboard_plugin.outcomes.MAX_REPLY", 10_000)
    assert ask(client_, "answers", run=RUN, steps="0").status_code == 400
    assert ask(client_, "answers", run=RUN, steps="0", rows="1").status_code == 200
    assert ask(client_, "answers", run=RUN).status_code == 400
    assert ask(client_, "answers", run=RUN, steps="0", rows="99").status_code == 400


@pytest.mark.parametrize("name", ["logits", "labels", "number", "segmentation"])
def test_a_flip_is_another_class_or_another_set_of_labels(tmp_path, name):
    query = {"run": RUN, "key": "saliency", "steps": "0", "stepsb": "3"}
    flipped = bundle_of(client(tmp_path, name), "pair", **query)[0]["flipped"][0]
    if name == "logits":
        one, other = (outputs(name, step).argmax(axis=1) for step in (0, 3))
        expected = one != other
    elif name == "labels":
        one, other = (outputs(name, step) > 0.5 for step in (0, 3))
        expected = (one != other).any(axis=1)
    else:
        expected = np.full(tasks.PROBES, -1)
    np.testing.assert_array_equal(flipped, expected)
