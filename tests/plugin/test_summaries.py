"""Runs without records: what TensorBoard's data provider keeps of them, as it was written."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from tensorboard import errors
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

from keras_explain.store import EventFile, announcement
from keras_explain.summaries import values
from keras_explain.tensorboard_plugin import summaries
from tests.fixtures.foreign import EDGES, SIZE, START, STEPS, counts, make_foreign_run, picture
from tests.fixtures.make_run import make_run
from tests.fixtures.unbundle import unbundle

from .conftest import ask, client_of
from .test_hostile_requests import NAMES, NUMBERS, assert_refused
from .test_tensorboard import TensorBoard

HOSTILE = {
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "html": b"<!doctype html><script>alert(1)</script>",
    "empty": b"",
    "late": b" \x89PNG\r\n\x1a\n",
    "webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    "gif": b"GIF90a",
}
KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}


def image(tag, content):
    return values.image(tag, content, SIZE, SIZE, "")


def make_odd_run(folder):
    """What TensorBoard reads and no page should be sent, beside the three kinds that it is."""
    events = EventFile(folder)
    events.add(1, 1.0, [image(f"bad/{name}", content) for name, content in HOSTILE.items()])
    events.add(1, 1.0, [image(kind, picture(kind, 1, kind=kind)) for kind in KINDS])
    several = values.image("batch", picture("batch", 1, 0), SIZE, SIZE, "")
    several.tensor.string_val.append(picture("batch", 1, 1))
    several.tensor.tensor_shape.dim[0].size = 4
    events.add(1, float("nan"), [several])
    wrong = values.histogram("wrong", EDGES, np.array([1, 1, -3, 1, 1, 1]), "wrong")
    events.add(1, 1.0, [wrong, image("<img src=x onerror=alert(1)>", picture("x", 1))])
    events.add(2, 2.0, [values.histogram("wrong", EDGES, counts(2), "wrong")])
    events.add(3, 3.0, [values.histogram("wrong", EDGES, np.zeros(6), "wrong")])
    events.add(2**60, 2.0, [image("PNG", picture("PNG", 2))])
    events.close()


def provider_of(logdir):
    multiplexer = EventMultiplexer(tensor_size_guidance={"images": 4})
    multiplexer.AddRunsFromDirectory(str(logdir))
    multiplexer.Reload()
    return MultiplexerDataProvider(multiplexer, str(logdir))


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    place = tmp_path_factory.mktemp("logs")
    make_run(place / "whole", steps=3)
    make_foreign_run(place / "cam")
    make_odd_run(place / "a_odd")
    ours = EventFile(place / "bare" / "explain")
    ours.add(4, 4.0, [announcement(["saliency"]), image("saliency", picture("saliency", 4))])
    ours.close()
    return place


@pytest.fixture(scope="module")
def client(logdir):
    return client_of(provider_of(logdir), logdir)


def manifest(client, run):
    return json.loads(ask(client, "manifest", run=run).data)


def test_runs_with_records_come_first_and_once(client):
    runs = json.loads(ask(client, "runs").data)["runs"]
    assert [run["run"] for run in runs] == ["whole/explain", "a_odd", "bare/explain", "cam"]
    assert [run.get("summaries", False) for run in runs] == [False, True, True, True]
    assert [run["name"] for run in runs] == ["whole", "a_odd", "bare", "cam"]
    assert runs[-1]["last"] == STEPS[-1]
    assert runs[-1]["updated"] == START + STEPS[-1]


def test_the_manifest_has_every_step_of_every_tag(client):
    told = manifest(client, "cam")
    assert told["steps"] == list(STEPS)
    assert told["wall_times"] == [START + step for step in STEPS]
    assert told["records"] == []
    kept = {each["tag"]: each["steps"] for each in told["summaries"]["pictures"]}
    assert kept == {"grad_cam": list(STEPS), "smooth_grad": list(STEPS[:-1])}
    (histogram,) = told["summaries"]["histograms"]
    assert (histogram["tag"], histogram["steps"]) == ("dense/kernel", list(STEPS))


def test_what_is_missing_is_said_with_its_reason(client, logdir):
    (why,) = manifest(client, "cam")["summaries"]["missing"]
    assert "another tool" in why
    assert manifest(client, "cam")["summaries"]["foreign"]
    (why,) = manifest(client, "bare/explain")["summaries"]["missing"]
    assert "plugins/keras_explain" in why
    assert not manifest(client, "bare/explain")["summaries"]["foreign"]
    for options in ({}, {"logdir": "abfs://bucket/logs"}):
        far = client_of(provider_of(logdir), **options)
        assert "from afar" in manifest(far, "bare/explain")["summaries"]["missing"][0]


def test_a_run_behind_a_link_out_of_the_log_directory_says_so(tmp_path):
    """As TensorBoard itself advises: links to the runs to be compared, in a folder of their own."""
    make_run(tmp_path / "elsewhere" / "run", steps=3)
    make_foreign_run(tmp_path / "elsewhere" / "run" / "explain")
    (tmp_path / "compared").mkdir()
    (tmp_path / "compared" / "mine").symlink_to(tmp_path / "elsewhere" / "run")
    client = client_of(provider_of(tmp_path / "compared"), tmp_path / "compared")
    reply = json.loads(ask(client, "runs").data)
    assert [(run["run"], run["steps"]) for run in reply["runs"]] == [("mine/explain", None)]
    assert "problem" not in reply
    told = manifest(client, "mine/explain")["summaries"]
    assert told["pictures"]
    assert "a link that leads out of the log directory" in told["missing"][0]
    assert "--logdir_spec" in told["missing"][0]
    assert "not beside its event file" not in " ".join(told["missing"])


def test_the_number_of_pictures_kept_is_tensorboard_s(logdir):
    flags = SimpleNamespace(logdir=str(logdir), logdir_spec=None, samples_per_plugin={"images": 4})
    told = manifest(client_of(provider_of(logdir), logdir, flags=flags), "cam")
    assert "keeps 4 pictures" in told["summaries"]["missing"][1]
    assert "--samples_per_plugin images=" in told["summaries"]["missing"][1]
    flags.samples_per_plugin["images"] = 0
    told = manifest(client_of(provider_of(logdir), logdir, flags=flags), "cam")
    assert len(told["summaries"]["missing"]) == 1


@pytest.mark.parametrize("step", STEPS)
def test_a_picture_is_the_file_that_was_written(client, step):
    reply = ask(client, "picture", run="cam", tag="grad_cam", step=step)
    assert reply.data == picture("grad_cam", step)
    assert reply.content_type == "image/png"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert ask(client, "picture", method="HEAD", run="cam", tag="grad_cam", step=step).data == b""


def test_only_png_jpeg_and_gif_are_sent(client):
    for kind, content_type in KINDS.items():
        reply = ask(client, "picture", run="a_odd", tag=kind, step=1)
        assert reply.data == picture(kind, 1, kind=kind)
        assert reply.content_type == content_type
    for name in HOSTILE:
        assert_refused(ask(client, "picture", run="a_odd", tag=f"bad/{name}", step=1))


def test_a_picture_that_is_too_large_is_refused(client, monkeypatch):
    monkeypatch.setattr("keras_explain.tensorboard_plugin.summary_replies.MAX_PICTURE", 50)
    assert_refused(ask(client, "picture", run="cam", tag="grad_cam", step=0))


def test_pictures_of_one_step_are_chosen_by_number(client):
    told = {each["tag"]: each for each in manifest(client, "a_odd")["summaries"]["pictures"]}
    assert told["batch"]["samples"] == 2
    for sample in (0, 1):
        reply = ask(client, "picture", run="a_odd", tag="batch", step=1, sample=sample)
        assert reply.data == picture("batch", 1, sample)
    for sample in (2, 9_999, -1, 10**9):
        assert_refused(ask(client, "picture", run="a_odd", tag="batch", step=1, sample=sample))


def test_a_step_that_is_not_kept_is_never_another_s(client):
    reply = ask(client, "picture", run="cam", tag="smooth_grad", step=STEPS[-1])
    assert_refused(reply)
    assert "0, 2, 3." in reply.text
    assert 2**60 not in manifest(client, "a_odd")["steps"]


def test_a_picture_is_kept_by_the_browser_only_with_its_stamp(client):
    asked = {"run": "cam", "tag": "grad_cam", "step": 0}
    assert "max-age" not in ask(client, "picture", **asked).headers.get("Cache-Control", "")
    assert "max-age" in ask(client, "picture", **asked, stamp="1").headers["Cache-Control"]


def test_histograms_are_the_buckets_that_were_written(client):
    arrays, header = unbundle(ask(client, "histograms", run="cam", tag="dense/kernel").data)
    assert header["steps"] == list(STEPS)
    parts = np.split(arrays["buckets"], np.cumsum(arrays["counts"])[:-1])
    for step, buckets in zip(STEPS, parts, strict=True):
        filled = np.flatnonzero(counts(step))
        expected = np.stack([EDGES[:-1], EDGES[1:], counts(step)], axis=1)
        expected = expected[filled[0] : filled[-1] + 1].astype(np.float32)
        np.testing.assert_array_equal(buckets, expected)


def test_a_damaged_histogram_is_told_from_an_empty_one(client):
    arrays, header = unbundle(ask(client, "histograms", run="a_odd", tag="wrong").data)
    assert header["steps"] == [1, 2, 3]
    assert arrays["counts"].tolist() == [-1, 6, 0]
    assert len(arrays["buckets"]) == 6


@pytest.mark.parametrize("route", ["picture", "histograms"])
def test_what_is_not_listed_is_refused(client, route):
    valid = {"run": "cam", "tag": "grad_cam", "step": "0"}
    valid["tag"] = "grad_cam" if route == "picture" else "dense/kernel"
    assert ask(client, route, **valid).status_code == 200
    for name in NAMES:
        assert_refused(ask(client, route, **{**valid, "run": name}))
        assert_refused(ask(client, route, **{**valid, "tag": name}))
    for missing in ("run", "tag"):
        assert_refused(ask(client, route, **{**valid, missing: None}))
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(client, route, method=method, **valid).status_code == 405


def test_steps_and_samples_are_whole_numbers(client):
    for number in NUMBERS:
        asked = {"run": "cam", "tag": "grad_cam", "step": 0, "sample": 0}
        assert_refused(ask(client, "picture", **{**asked, "step": number}))
        assert_refused(ask(client, "picture", **{**asked, "sample": number}))
    assert_refused(ask(client, "picture", run="cam", tag="grad_cam"))


class Failing:
    """A data provider whose `broken` methods raise."""

    def __init__(self, real, error, *broken):
        self.real, self.error, self.broken = real, error, broken

    def __getattr__(self, name):
        if name in self.broken:
            return self.fail
        return getattr(self.real, name)

    def fail(self, *args, **options):
        raise self.error


@pytest.mark.parametrize(
    "error", [errors.PermissionDeniedError("no entry"), ValueError("no entry"), OSError("no entry")]
)
def test_the_provider_s_errors_are_told_in_words(logdir, error):
    broken = Failing(
        provider_of(logdir), error, "list_blob_sequences", "read_tensors", "read_blob_sequences"
    )
    client = client_of(broken, logdir)
    told = json.loads(ask(client, "runs").data)
    assert [run["run"] for run in told["runs"]] == ["whole/explain"]
    assert "no entry" in told["problem"]
    for route in ("picture", "manifest", "histograms"):
        reply = ask(client, route, run="cam", tag="dense/kernel", step=0)
        assert reply.status_code == 503
        assert "no entry" in reply.text
        assert reply.content_type == "text/plain; charset=utf-8"


def test_a_picture_that_is_gone_in_the_meantime_is_not_found(logdir):
    gone = Failing(provider_of(logdir), errors.NotFoundError("gone"), "read_blob")
    assert_refused(ask(client_of(gone, logdir), "picture", run="cam", tag="grad_cam", step=0))


def test_only_tags_with_news_are_read_again(logdir):
    provider = provider_of(logdir)
    asked = []
    real = provider.read_tensors
    provider.read_tensors = lambda *args, **of: (asked.append(of), real(*args, **of))[1]
    client = client_of(provider, logdir)
    first = manifest(client, "cam")
    assert manifest(client, "cam") == first
    assert len(asked) == 1


def test_tags_are_read_a_few_at_a_time_and_not_without_end(tmp_path, monkeypatch):
    make_foreign_run(tmp_path / "many", tags=[f"tag{at:03d}" for at in range(90)], steps=(1, 2))
    monkeypatch.setattr(summaries, "MOST_TAGS", 80)
    client = client_of(provider_of(tmp_path), tmp_path)
    told = manifest(client, "many")["summaries"]["pictures"]
    assert [each["tag"] for each in told] == [f"tag{at:03d}" for at in range(80)]


def test_tensorboard_s_own_server_gives_the_same(logdir, client):
    board = TensorBoard("--logdir", logdir)
    try:
        board.wait_for_runs(4)
        listing = json.loads(board.get("data/plugins_listing")[2])["keras_explain"]
        assert listing["enabled"]
        _, headers, content = board.explain("picture", run="cam", tag="grad_cam", step=3)
        assert (headers["Content-Type"], content) == ("image/png", picture("grad_cam", 3))
        told = json.loads(board.explain("manifest", run="cam")[2])
        assert told["steps"] == list(STEPS)
        status, _, content = board.explain("histograms", run="cam", tag="dense/kernel")
        assert status == 200
        assert content == ask(client, "histograms", run="cam", tag="dense/kernel").data
    finally:
        board.close()
