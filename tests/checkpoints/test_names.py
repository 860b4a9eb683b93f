"""Which step a checkpoint is, from its name or from the order in which it was written."""

import os

import pytest

from keras_explain.checkpoints.names import checkpoints_in


def saved(place, *names):
    place.mkdir(exist_ok=True)
    for at, name in enumerate(names):
        (place / name).write_bytes(b"")
        os.utime(place / name, (1_000 + at, 1_000 + at))
    return place


def steps(place, **options):
    found, said = checkpoints_in(place, **options)
    return {checkpoint.path.name: checkpoint.step for checkpoint in found}, said


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["w.01.keras", "w.02.keras", "w.10.keras"], [0, 1, 9]),
        (["w.01-0.87.keras", "w.02-0.91.keras"], [0, 1]),
        (["resnet50-1.keras", "resnet50-2.keras"], [0, 1]),
        (["9_lr_epoch-3.keras", "8_lr_epoch-4.keras"], [2, 3]),
        (["m00.weights.h5", "m01.weights.h5"], [-1, 0]),
        (["run2_epoch07.keras"], [6]),
    ],
)
def test_the_number_that_tells_names_apart_is_the_epoch(tmp_path, names, expected):
    found, said = steps(saved(tmp_path / "c", *names))
    assert found == dict(zip(names, expected, strict=True))
    assert "the first epoch is 1 there and 0 in the tab" in said


def test_who_counts_from_zero_says_so(tmp_path):
    found, said = steps(saved(tmp_path / "c", "w0.keras", "w1.keras"), first_epoch=0)
    assert list(found.values()) == [0, 1]
    assert "epochs count from 0 there" in said


def test_names_without_a_number_are_taken_in_the_order_of_writing(tmp_path):
    found, said = steps(saved(tmp_path / "c", "early.keras", "best.keras", "0.5.keras"))
    assert found == {"early.keras": 0, "best.keras": 1, "0.5.keras": 2}
    assert "the order in which they were written" in said


def test_patterns_and_lists_choose(tmp_path):
    place = saved(tmp_path / "c", "w1.keras", "w2.keras", "w2.weights.h5", "notes.txt")
    assert list(steps(str(place / "*.keras"))[0]) == ["w1.keras", "w2.keras"]
    assert list(steps([place / "w2.keras", str(place / "w1.keras")])[0].values()) == [0, 1]
    assert list(steps(place / "w2.keras")[0].values()) == [1]


def test_what_cannot_be_told_is_refused_with_what_can(tmp_path):
    place = saved(tmp_path / "c", "w1.keras", "w2.weights.h5", "notes.txt")
    with pytest.raises(ValueError, match=r"2 kinds: .keras, .weights.h5"):
        checkpoints_in(place)
    for wrong in (tmp_path / "none", tmp_path, place / "notes.txt", []):
        with pytest.raises(ValueError, match=r"must be a folder of .keras"):
            checkpoints_in(wrong)
    low = saved(tmp_path / "low", "w0.keras", "w1.keras")
    with pytest.raises(ValueError, match="`first_epoch` must not be above 1"):
        checkpoints_in(low, first_epoch=2)
