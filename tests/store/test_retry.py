"""What a file system refuses is asked for again, where that may pass, and not for ever."""

import errno
import os

import pytest

from keras_explain.store import retry

LASTING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOENT, errno.EPERM)


class Asked:
    """Refuses by each error in turn, and then does it."""

    def __init__(self, *errors):
        self.errors, self.count = list(errors), 0

    def __call__(self):
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture
def slept(monkeypatch):
    """The pauses that were made, none of which takes any time."""
    pauses = []
    monkeypatch.setattr(retry.time, "sleep", pauses.append)
    return pauses


def refusal(code):
    return OSError(code, os.strerror(code))


@pytest.mark.parametrize("times", [0, 1, 2])
def test_what_passes_is_done_after_so_many_refusals(slept, times):
    work = Asked(*map(refusal, (errno.EIO, errno.EMFILE)[:times]))
    assert retry.persistently(work) == "done"
    assert work.count == times + 1
    assert slept == list(retry.PAUSES[:times])


@pytest.mark.parametrize("code", sorted(retry.PASSING), ids=errno.errorcode.get)
def test_what_does_not_pass_after_all_is_refused_after_three_times(slept, code):
    work = Asked(*(refusal(code) for _ in range(100)))
    with pytest.raises(OSError, match=r".") as told:
        retry.persistently(work)
    assert told.value.errno == code
    assert work.count == 3
    assert slept == list(retry.PAUSES)


@pytest.mark.parametrize("code", LASTING, ids=errno.errorcode.get)
def test_what_lasts_is_asked_for_once(slept, code):
    for before in ([], [refusal(errno.EIO)]):
        work, slept[:] = Asked(*before, refusal(code)), []
        with pytest.raises(OSError, match=r".") as told:
            retry.persistently(work)
        assert told.value.errno == code
        assert work.count == 1 + len(before)
        assert len(slept) == len(before)


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()], ids=repr)
def test_what_is_no_refusal_is_not_asked_for_again(slept, error):
    work = Asked(error)
    with pytest.raises(type(error)):
        retry.persistently(work)
    assert (work.count, slept) == (1, [])


def test_all_pauses_together_are_less_than_a_second():
    assert sum(retry.PAUSES) < 1
