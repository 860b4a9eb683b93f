"""What people are told is what has happened."""

import numpy as np

from keras_explain.demo import story
from keras_explain.demo.data import CLASSES, SHIRT
from keras_explain.demo.probes import STUCK_T_SHIRT, T_SHIRT


def certainty(stuck: str, plain: str) -> np.ndarray:
    rows = np.full((16, 5), 0.02, np.float32)
    rows[STUCK_T_SHIRT, CLASSES.index(stuck)] = 0.99
    rows[T_SHIRT, CLASSES.index(plain)] = 0.87
    return rows


def test_the_change_comes_partway():
    assert [story.change_of(epochs) for epochs in (2, 4, 8, 16, 20)] == [1, 1, 3, 6, 7]


def test_the_introduction_names_the_epoch_of_the_change():
    assert "From epoch 6 on" in story.introduction(16)


def test_the_verdict_says_what_the_network_says():
    text = " ".join(story.verdict(certainty("Shirt", "T-shirt"), 16).split())
    assert "(example 3) is now a Shirt, with 99% certainty" in text
    assert "(example 5) it is a T-shirt, with 87%" in text
    assert "compare epoch 5 with epoch 15 of example 0" in text


def test_the_verdict_does_not_claim_what_did_not_happen():
    text = " ".join(story.verdict(certainty("Coat", "T-shirt"), 2).split())
    assert "is still a Coat to it" in text
    assert "now a Shirt" not in text


def test_lines_fit_a_terminal():
    for text in (story.introduction(16), story.verdict(certainty("Shirt", "T-shirt"), 16)):
        assert max(map(len, text.splitlines())) <= story.WIDTH


def test_the_link_leads_to_a_record_and_a_probe_that_exist():
    view = story.best_view("seed-0", 16)
    assert view["m"] == "grad_cam/conv4"
    assert view["x"] in range(16)
    assert (view["a"], view["b"]) == (5, 15)
    assert CLASSES[SHIRT] == "Shirt"
