"""Files to keep hold the numbers that `keras_explain.Run` reads, and nothing that runs."""

import csv
import io
import json

import numpy as np
import pytest

import keras_explain
from keras_explain.store import RecordSpec, Writer
from keras_explain.store.export import safe
from keras_explain.store.schema import STATS
from keras_explain.tensorboard_plugin import exports
from tests.store.conftest import probe_set, step_info

from .conftest import Provider, ask, client_of

RUN = "a/explain"


@pytest.fixture(scope="module")
def run(logdir):
    return keras_explain.Run(logdir / "a")


def npz(client, **query):
    reply = ask(client, "export", run=RUN, format="npz", **query)
    assert reply.status_code == 200, reply.text
    return reply, np.load(io.BytesIO(reply.data), allow_pickle=False)


def table(client, **query):
    reply = ask(client, "export", run=RUN, format="csv", **query)
    assert reply.status_code == 200, reply.text
    return list(csv.DictReader(io.StringIO(reply.text)))


def test_an_npz_holds_raw_values_of_all_channels(client, run):
    reply, found = npz(client, key="saliency")
    assert reply.headers["Content-Disposition"] == 'attachment; filename="saliency.npz"'
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert found["values"].dtype == np.float32
    for at, step in enumerate(run.steps):
        np.testing.assert_array_equal(found["values"][at], run.load("saliency", step))
    np.testing.assert_array_equal(found["steps"], run.steps)
    np.testing.assert_array_equal(found["labels"], run.probes.labels)
    about = json.loads(str(found["about"]))
    assert (about["key"], about["signed"], about["probes"]) == ("saliency", False, run.probes.hash)
    assert about["axes"] == ["height", "width", "channel"]


def test_an_npz_of_some_steps_and_rows_says_what_is_missing(client, run):
    _, found = npz(client, key="grad_cam/conv5", steps="3,1,77", rows="5,0")
    assert found["values"].shape[:2] == (3, 2)
    np.testing.assert_array_equal(found["values"][0], run.load("grad_cam/conv5", 3, [5, 0]))
    assert np.isnan(found["values"][1:]).all()  # not recorded at 1, and there is no 77
    np.testing.assert_array_equal(found["rows"], [5, 0])
    assert np.isnan(found["epochs"][2])


def test_a_table_has_a_line_for_each_step_and_row(client, run):
    lines = table(client, key="saliency", rows="4,2")
    assert len(lines) == 2 * len(run.steps)
    stats = run.stats("saliency")
    for at, step in enumerate(run.steps):
        for place, row in enumerate((4, 2)):
            line = lines[2 * at + place]
            assert (int(line["step"]), int(line["row"])) == (step, row)
            assert line["label"] == run.probes.class_names[run.probes.labels[row]]
            assert np.float32(line["score"]) == run.load("scores", step)[row]
            for name in STATS:
                expected = stats[name][at, row]
                assert (
                    np.isnan(expected) if line[name] == "" else np.float32(line[name]) == expected
                )


def test_a_table_of_few_values_has_them_by_name(client, run):
    key = "weight_gradients/statistics"
    lines = table(client, key=key)
    values = run.load(key, run.steps[-1])
    last = lines[-len(values) :]
    names = run.specs[key].labels["statistic"]
    for row, line in enumerate(last):
        assert line["name"] == run.specs[key].rows[row]
        for at, name in enumerate(names):
            given = line[name]
            assert (
                np.isnan(values[row, at]) if given == "" else np.float32(given) == values[row, at]
            )


def test_no_cell_of_a_log_s_text_is_a_formula(tmp_path):
    spec = RecordSpec("m", "m", ("metric",), False, rows=("=1+1", "@x"), labels={"metric": ("-2",)})
    Writer(tmp_path / "plugins/keras_explain", probe_set(), 0).write(
        step_info(0), [(spec, np.array([[1.0], [-2.0]]))]
    )
    client = client_of(Provider("."), tmp_path)
    text = ask(client, "export", run=".", key="m", format="csv").text
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["name"] for line in lines] == ["'=1+1", "'@x"]
    assert [float(line["'-2"]) for line in lines] == [1, -2]
    assert [safe(text) for text in ("a=b", "+1", "\tx")] == ["a=b", "'+1", "'\tx"]


def test_a_file_s_name_cannot_leave_its_header(tmp_path):
    spec = RecordSpec('..\\x"\n/..', "m", (), False)
    Writer(tmp_path / "plugins/keras_explain", probe_set(), 0).write(
        step_info(0), [(spec, np.zeros(probe_set().count))]
    )
    client = client_of(Provider("."), tmp_path)
    reply = ask(client, "export", run=".", key=spec.key, format="npz")
    assert reply.headers["Content-Disposition"] == 'attachment; filename="x.npz"'


@pytest.mark.parametrize(
    ("query", "code", "sentence"),
    [
        ({}, 400, "`key` must be given"),
        ({"key": "nothing"}, 404, "`key` must be one of"),
        ({"key": "saliency", "format": "exe"}, 400, "`format` must be of npz, csv"),
        ({"key": "saliency", "rows": "99"}, 400, "`rows` must be from 0 to 15"),
        ({"key": "saliency", "steps": "x"}, 400, "`steps` must be integers"),
    ],
)
def test_what_cannot_be_exported_is_said(client, query, code, sentence):
    reply = ask(client, "export", run=RUN, **query)
    assert reply.status_code == code
    assert sentence in reply.text


def test_files_are_bounded(client, monkeypatch):
    monkeypatch.setattr(exports, "MAX_EXPORT", 4 * 16 * 48 * 48 * 3 * 2)
    reply = ask(client, "export", run=RUN, key="saliency")
    assert reply.status_code == 400
    assert "2 steps of these 16 rows. Received: 5 steps" in reply.text
    assert ask(client, "export", run=RUN, key="saliency", steps="0,1").status_code == 200
    monkeypatch.setattr(exports, "MAX_LINES", 79)
    assert ask(client, "export", run=RUN, key="saliency", format="csv").status_code == 400


def test_a_table_has_empty_cells_where_a_step_lacks_the_record_or_has_another(tmp_path):
    def spec(*names):
        return RecordSpec("m", "m", ("metric",), False, labels={"metric": names})

    writer = Writer(tmp_path / "plugins/keras_explain", probe_set(), 0)
    count = probe_set().count
    writer.write(step_info(0), [(spec("a", "b", "c"), np.zeros((count, 3)))])
    writer.write(step_info(1), [])
    writer.write(step_info(2), [(spec("a", "b"), np.ones((count, 2)))])
    reply = ask(client_of(Provider("."), tmp_path), "export", run=".", key="m", format="csv")
    lines = list(csv.reader(io.StringIO(reply.text)))
    assert {len(line) for line in lines} == {len(lines[0])}
    assert lines[0][-2:] == ["a", "b"]
    assert [line[-2:] for line in lines[1::count]] == [["", ""], ["", ""], ["1", "1"]]
