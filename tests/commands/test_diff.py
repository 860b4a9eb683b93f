"""`keras-explain diff` prints the figures of the records themselves."""

import csv
import io

import numpy as np
import pytest

import keras_explain
from keras_explain.store.similarity import diff


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_two_steps_are_compared_by_the_figures_of_run_diff(ran, logs):
    code, shown, _ = ran("diff", logs / "a", 0, "last", "--csv", "-")
    run, lines = keras_explain.Run(logs / "a"), table(shown)
    assert code == 0
    for key in ("saliency", "grad_cam/conv5", "predictions"):
        found = run.diff(key, 0, 3)
        mine = {int(line["row"]): line for line in lines if line["record"] == key}
        assert len(mine) == 16
        for row, line in mine.items():
            for name, figure in (("cosine", found.cosine), ("spearman", found.spearman)):
                written = float(line[name] or "nan")
                np.testing.assert_allclose(written, figure[row], rtol=1e-5, atol=1e-12)
            assert line["label"] == run.probes.class_names[run.probes.labels[row]]


def test_who_disagrees_most_comes_first(ran, logs):
    _, shown, _ = ran("diff", logs / "a", -1, 3, "--csv", "-")
    cosine = [float(line["cosine"]) for line in table(shown) if line["cosine"]]
    assert cosine == sorted(cosine, reverse=True)
    assert len(set(cosine)) > 10
    _, printed, _ = ran("diff", logs / "a", -1, 3, "--most", 3)
    first = table(shown)[0]
    lines = printed.splitlines()
    assert lines[1].startswith(first["record"])
    assert f"{float(first['cosine']):.3f}" in lines[1]
    assert len(lines) == 1 + 3 + 1
    assert "more: --csv FILE has them" in lines[-1]


def test_two_runs_are_compared_on_the_same_examples(ran, logs):
    arguments = ("--run-b", logs / "b", "--records", "saliency", "--csv", "-")
    _, shown, _ = ran("diff", logs / "a", 3, 3, *arguments)
    a, b = (keras_explain.Run(logs / name) for name in "ab")
    found = diff(a.load("saliency", 3), b.load("saliency", 3))
    mine = {int(line["row"]): float(line["cosine"]) for line in table(shown)}
    np.testing.assert_allclose([mine[row] for row in range(16)], found.cosine, rtol=1e-5)


def test_points_figures_and_weights_are_not_compared(ran, logs):
    _, shown, _ = ran("diff", logs / "a", 0, 3, "--csv", "-")
    run = keras_explain.Run(logs / "a")
    for key in {line["record"] for line in table(shown)}:
        assert run.specs[key].rows is None
        assert run.specs[key].axes not in ((), ("metric",), ("coordinate",))


def test_a_file_has_all_lines(ran, logs, tmp_path):
    code, shown, _ = ran("diff", logs / "a", 0, 3, "--most", 1, "--csv", tmp_path / "d.csv")
    assert code == 0
    assert f"{tmp_path / 'd.csv'} has them" in shown
    assert len(table((tmp_path / "d.csv").read_text())) > 100


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("nowhere", 0, 1), 1, "holds no records of keras_explain"),
        (("a", 0, 99), 2, "a step must be one of -1, 0, 1, 2, 3, first or last. Received: '99'"),
        (("a", 0, "x"), 2, "Received: 'x'"),
        (("a", 0, 1, "--records", "lime"), 2, "a record must be one of predictions"),
        (("a", 0, 0, "--run-b", "others"), 2, "watch different examples"),
        (("a", 0, 1, "--records", "scores"), 1, "no record in common that can be compared"),
        (("a", 0), 2, "the following arguments are required: B"),
        (("a", 0, 1, "--most", 0), 2, "must be a whole number from 1 on. Received: '0'"),
    ],
)
def test_what_cannot_be_is_told_with_what_can(ran, logs, arguments, code, says, monkeypatch):
    monkeypatch.chdir(logs)
    found, _, told = ran("diff", *arguments)
    assert found == code
    assert says in told
