"""Records on an object store, over the real protocol: what is asked of it, and when it is down."""

import socket
import threading
import time
from functools import partial
from types import SimpleNamespace

import boto3
import fsspec
import numpy as np
import pytest

import keras_explain
from keras_explain.store import (
    Reader,
    RecordsNotFound,
    Writer,
    announcement,
    event_file_in,
    event_objects,
)
from keras_explain.store import reader as store_reader
from keras_explain.store.folder import probes_file, step_file
from keras_explain.store.place import Remote, place_of
from tests.fixtures.make_run import make_run
from tests.fixtures.object_store import BUCKET, ObjectStore

from .conftest import probe_set, step_info, step_records


@pytest.fixture(scope="module")
def server():
    store = ObjectStore()
    yield store
    store.shut()


@pytest.fixture
def store(server):
    server.asked.clear()
    return server


def root(name):
    return place_of(f"s3://{BUCKET}/{name}")


def test_a_run_reads_back_as_from_a_disk(store, tmp_path):
    make_run(root("whole/a"), steps=3)
    make_run(tmp_path, steps=3)
    far, near = keras_explain.Run(f"s3://{BUCKET}/whole/a"), keras_explain.Run(tmp_path)
    assert (far.steps, far.keys, far.problems) == (near.steps, near.keys, ())
    for key in near.keys:
        for step in near.steps:
            if key != "grad_cam/conv5" or step != 1:  # which lacks it
                np.testing.assert_array_equal(far.load(key, step), near.load(key, step))
    assert far.probes.hash == near.probes.hash
    np.testing.assert_array_equal(far.stats("saliency")["drift"], near.stats("saliency")["drift"])
    above = keras_explain.Run(f"s3://{BUCKET}/whole")
    assert above.folder == far.folder


def test_a_step_is_one_put(store):
    writer = Writer(root("puts"), probe_set(), 0)
    store.asked.clear()
    writer.write(step_info(0), step_records(0))
    puts = [*store.requests("PUT"), *store.requests("POST")]
    assert [path.partition("?")[0] for _, path, _ in puts] == [
        f"/{BUCKET}/puts/step-000-0000000001.safetensors"
    ]
    assert store.requests("DELETE") == []


def test_rows_are_read_by_range(store):
    writer = Writer(root("ranges"), probe_set(), 0)
    writer.write(step_info(0), step_records(0))
    reader = Reader(root("ranges"))
    (step,) = reader.index().steps
    reader.load(step, "maps", [1])
    gets = store.requests("GET", "step-000-")
    assert gets
    assert {status for _, _, status in gets} == {206}


def test_the_store_is_listed_once_a_poll_and_anew_for_refresh(store):
    writer = Writer(root("poll"), probe_set(), 0)
    writer.write(step_info(0), step_records(0))
    reader = Reader(root("poll"))
    first = reader.index()
    store.asked.clear()
    assert reader.index() is first
    assert reader.index() is first
    assert store.asked == []
    run = keras_explain.Run(root("poll"))
    writer.write(step_info(1), step_records(1))
    assert run.refresh().steps == (0, 1)
    run.refresh()
    store.asked.clear()
    run.refresh()  # nothing new: a list and no file
    assert len(store.asked) == len(store.requests("GET", "list-type=2")) == 1


def test_a_step_that_is_written_again_is_read_again(store):
    for value in (1, 2):
        writer = Writer(root("again"), probe_set(), 0)
        writer.write(step_info(0, logs={"loss": float(value)}), step_records(0))
    run = keras_explain.Run(root("again"))
    writer.write(step_info(0, logs={"loss": 3.0}), step_records(0))
    assert run.refresh().logs["loss"] == [3.0]


def test_a_training_goes_on_behind_its_last_step_in_the_same_attempt(store):
    first = Writer(root("resumed"), probe_set(), 0)
    first.write(step_info(0), step_records(0))
    first.close()
    writer = Writer(root("resumed"), probe_set(), 1)
    writer.write(step_info(1), step_records(1))
    assert writer.attempt == 0
    assert keras_explain.Run(root("resumed")).steps == (0, 1)


def test_what_another_machine_puts_is_seen_after_a_while_or_at_once_where_asked(store, monkeypatch):
    writer = Writer(root("far"), probe_set(), 0)
    contents = [writer.write(step_info(step), step_records(step)).read_bytes() for step in range(3)]
    for step in (1, 2):
        (root("far") / step_file(0, step)).unlink()
    reader, clock = Reader(root("far")), SimpleNamespace(time=lambda: time.time() + clock.later)
    clock.later = 0
    monkeypatch.setattr(store_reader, "time", clock)
    # A client may keep what it has listed; and it does not see what others put.
    monkeypatch.setitem(fsspec.config.conf, "s3", {"use_listings_cache": True})
    assert len(reader.index().steps) == 1
    put = partial(boto3.client("s3").put_object, Bucket=BUCKET)
    put(Key=f"far/{step_file(0, 1)}", Body=contents[1])
    assert len(reader.index().steps) == 1
    assert len(reader.index(fresh=True).steps) == 2
    put(Key=f"far/{step_file(0, 2)}", Body=contents[2])
    assert len(reader.index().steps) == 2
    clock.later = 6
    assert len(reader.index().steps) == 3


def test_the_keys_are_what_the_url_says(store):
    name = "Odd näme/" + "x" * 100 + "/Run=1"
    path = Writer(root(name), probe_set(), 0).write(step_info(0), step_records(0))
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="Odd")["Contents"]
    keys = {one["Key"] for one in listed}
    assert {f"{name}/{step_file(0, 0)}", f"{name}/{probes_file(probe_set().hash)}"} <= keys
    assert all(key.startswith(f"{name}/") for key in keys)
    assert str(path) == f"s3://{BUCKET}/{name}/{step_file(0, 0)}"
    assert keras_explain.Run(root(name)).steps == (0,)


def test_a_damaged_object_is_a_problem_and_no_data(store):
    writer = Writer(root("damaged"), probe_set(), 0)
    for step in range(2):
        path = writer.write(step_info(step), step_records(step))
    content = bytearray(path.read_bytes())
    path.write_bytes(bytes(content[:300]))
    (root("damaged") / "step-000-0000000009.safetensors").write_bytes(b"\xff" * 64)
    run = keras_explain.Run(root("damaged"))
    assert run.steps == (0,)
    assert len(run.problems) == 2


def test_where_there_is_nothing_it_is_said(store):
    with pytest.raises(RecordsNotFound, match="holds no records of keras_explain"):
        keras_explain.Run(f"s3://{BUCKET}/nowhere")
    make_run(root("two/a"), steps=1)
    make_run(root("two/b"), steps=1)
    with pytest.raises(RecordsNotFound, match=f"Runs below it: s3://{BUCKET}/two/a, s3"):
        keras_explain.Run(f"s3://{BUCKET}/two")


def test_an_unknown_protocol_is_refused_with_its_cure(monkeypatch):
    def missing(protocol):
        raise ImportError("Install gcsfs to access Google Storage")

    with pytest.raises(ValueError, match="nonsense:// cannot be used here: install what fsspec"):
        place_of("nonsense://bucket/run")
    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(ValueError, match=r"pip install 'keras_explain\[gcs\]'"):
        place_of("gs://bucket/run")


def test_any_protocol_of_fsspec_goes_the_same_way():
    make_run(place_of("memory://logs/run"), steps=2)
    run = keras_explain.Run("memory://logs/run")
    assert run.steps == (-1, 0)
    assert run.load("saliency", 0).shape == (16, 48, 48, 3)


def test_an_event_file_is_followed_by_another_before_it_grows_long(store, monkeypatch):
    from tensorboard.compat.proto.event_pb2 import Event

    monkeypatch.setattr(event_objects, "SEGMENT", 100)
    events = event_file_in(root("events"))
    for step in range(5):
        events.add(step, 1.0 + step, [announcement(["saliency" * 10])])
    events.close()
    paths = sorted(root("events").glob("events.out.tfevents.*"), key=lambda path: path.name)
    assert len(paths) > 2
    read = [event for path in paths for event in framed(path.read_bytes(), Event)]
    assert [event.step for event in read if event.HasField("summary")] == list(range(5))
    assert sum(event.file_version != "" for event in read) == len(paths)


def test_an_event_that_the_store_refused_is_not_put_with_the_next(store, monkeypatch):
    from tensorboard.compat.proto.event_pb2 import Event

    events = event_file_in(root("refused"))
    for step in range(3):
        with monkeypatch.context() as away:
            if step == 1:
                away.setattr(Remote, "write_bytes", refuse)
                with pytest.raises(OSError, match="away"):
                    events.add(step, 1.0, [announcement(["saliency"])])
            else:
                events.add(step, 1.0, [announcement(["saliency"])])
    read = framed(events.path.read_bytes(), Event)
    assert [event.step for event in read if event.HasField("summary")] == [0, 2]


def refuse(*_):
    raise OSError("away")


def framed(content, kind):
    """The events of a file."""
    while content:
        length = int.from_bytes(content[:8], "little")
        yield kind.FromString(content[12 : 12 + length])
        content = content[16 + length :]


class Refusing:
    """Listens, counts, and hangs up."""

    def __init__(self):
        self.calls = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            caller.close()

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


def test_a_store_that_is_down_is_asked_a_bounded_number_of_times(monkeypatch, store):
    refusing = Refusing()
    monkeypatch.setenv("AWS_ENDPOINT_URL", refusing.url)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    try:
        with pytest.raises(OSError, match="The store did not do it"):
            Remote(f"s3://{BUCKET}/down/x").write_bytes(b"x")
    finally:
        refusing.close()
        fsspec.get_filesystem_class("s3").clear_instance_cache()
    assert 1 <= refusing.calls <= 24
