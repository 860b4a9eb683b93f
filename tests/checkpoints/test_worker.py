"""What a worker keeps from one share of a replay to the next."""

import pickle

import keras
import numpy as np
import pytest

from keras_explain.checkpoints import worker


class Explainer:
    """Says what it was asked."""

    def __init__(self, job):
        self.job = job

    def done(self, place):
        return self.job, place, id(self)


@pytest.fixture(autouse=True)
def said(monkeypatch):
    monkeypatch.setattr("keras_explain.checkpoints.explainer.Explainer", Explainer)
    monkeypatch.setattr(worker, "_kept", {})


def share(token, job, places):
    packed = np.frombuffer(pickle.dumps(job), np.uint8)
    return worker.work({}, keras.backend.backend(), token, packed, places)


def test_shares_of_one_replay_are_explained_by_one_explainer():
    first, second = share("one", "a", [0, 3]), share("one", "a", [1])
    assert [done[:2] for done in first + second] == [("a", 0), ("a", 3), ("a", 1)]
    assert len({made for *_, made in first + second}) == 1


def test_another_replay_begins_anew():
    share("one", "a", [0])
    assert [done[:2] for done in share("two", "b", [0, 1])] == [("b", 0), ("b", 1)]
    assert len(worker._kept) == 1
