"""Things are made ahead, one at a time, in order."""

import threading

import pytest

from keras_explain.ahead import made_ahead


def test_all_is_made_in_order():
    assert list(made_ahead(lambda item: item * 2, range(5))) == [0, 2, 4, 6, 8]
    assert list(made_ahead(str, [7])) == ["7"]
    assert list(made_ahead(str, [])) == []


def test_the_next_thing_is_made_while_one_is_in_use_and_no_more():
    begun = [threading.Event() for _ in range(4)]

    def make(item):
        begun[item].set()
        return item

    made = made_ahead(make, range(4))
    assert next(made) == 0
    assert begun[1].wait(10)
    assert not begun[2].is_set()
    assert list(made) == [1, 2, 3]


def test_what_fails_is_raised_where_it_is_due():
    def make(item):
        if item == 2:
            raise ValueError("no third")
        return item

    made = made_ahead(make, range(4))
    assert [next(made), next(made)] == [0, 1]
    with pytest.raises(ValueError, match="no third"):
        next(made)


def test_whoever_stops_early_leaves_no_thread_behind():
    made = made_ahead(lambda item: item, range(100))
    next(made)
    made.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("keras_explain_ahead")]
