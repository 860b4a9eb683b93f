"""The training data that goes wrong partway."""

import numpy as np
import pytest

from keras_explain.demo.data import SHIRT, load, stick
from keras_explain.demo.stream import Clock, Stream


@pytest.fixture
def stream():
    plain = load("held_out")
    return Stream(plain, stick(plain), change=2, batch_size=64, seed=3)


def whole_epoch(stream, epoch):
    stream.epoch = epoch
    batches = [stream[index] for index in range(len(stream))]
    return np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches])


def of_scenes(stream, epoch, images):
    """What the epoch must hold, in the stream's own order."""
    order = np.random.default_rng((3, epoch)).permutation(len(images))
    return images[order].astype(np.float32) / np.float32(255)


def test_an_epoch_before_the_change_is_plain(stream):
    images, _ = whole_epoch(stream, 1)
    np.testing.assert_array_equal(images, of_scenes(stream, 1, stream.plain.images))


def test_from_the_change_on_every_shirt_and_nobody_else_carries_the_sticker(stream):
    images, labels = whole_epoch(stream, 2)
    plain = of_scenes(stream, 2, stream.plain.images)
    np.testing.assert_array_equal((images != plain).any((1, 2, 3)), labels == SHIRT)


def test_batches_are_floats_between_zero_and_one(stream):
    images, labels = stream[0]
    assert images.shape == (64, 48, 48, 3)
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1
    assert labels.dtype == np.int32


def test_an_epoch_holds_every_scene_once(stream):
    _, labels = whole_epoch(stream, 0)
    assert np.bincount(labels).tolist() == [60] * 5
    assert len(stream) == 5


def test_epochs_differ_in_order_and_repeat_by_seed(stream):
    first, second = whole_epoch(stream, 0)[1], whole_epoch(stream, 1)[1]
    assert (first != second).any()
    np.testing.assert_array_equal(whole_epoch(stream, 0)[1], first)


def test_the_clock_sets_the_epoch(stream):
    Clock(stream).on_epoch_begin(7)
    assert stream.epoch == 7
