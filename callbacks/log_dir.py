"""The folder of a training's run: can it be written, is it another training's, which number."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from keras_explain.store import RECORDS, Reader
from keras_explain.store.index import Hidden, hidden_by
from keras_explain.store.place import Place, Remote, place_of
from keras_explain.store.writable import refusal

from .recorder import ExplanationWarning, Start

NUMBER = "{n}"
"""Stands in a `log_dir` for the first number whose folder does not exist yet."""

PATIENCE = 10.0
"""Seconds that a training waits at its start for an object store; later it never does."""

Result = TypeVar("Result")


def refuse_unwritable(log_dir: Place) -> None:
    """Refuse a folder in which nothing can be written; nothing is left behind there.

    A full disk or a store that does not answer is not refused: that may pass.

    Raises:
        ValueError: If it cannot be written.
    """
    why = _answered(log_dir, lambda: refusal(log_dir / "explain", RECORDS))
    if why is not None:
        raise ValueError(
            f"`log_dir` must be a folder that can be written, or one that can be made: {why}. "
            f"Received: {str(log_dir)!r}"
        )


def started(log_dir: Place, step: int, earlier: Start | None) -> Start:
    """Where and at which step a training starts, its number found and its folder taken.

    Args:
        log_dir: As it was given.
        step: The step of the network that the training starts with.
        earlier: Where the training before stopped, of the same callback.
    """
    if NUMBER not in str(log_dir):
        return Start(log_dir, step)
    if earlier is not None and step >= 0 and step == earlier.step:
        return earlier
    return Start(_numbered(log_dir), step)


def tell_of_hidden(start: Start, probes: str | None, by_epoch: bool) -> None:
    """Warn of the steps of another training that this one will hide, and name the cure.

    Args:
        start: Where this one starts.
        probes: Content hash of its probes, where it is known yet.
        by_epoch: Whether its steps are epochs.
    """
    folder = start.log_dir / "explain" / RECORDS
    reader = Reader(folder, first=1)
    hidden = _answered(folder, lambda: hidden_by(reader.index(), start.step, probes))
    if hidden is not None:
        # Also where warnings are errors, this one must not stop the training.
        with contextlib.suppress(ExplanationWarning):
            warnings.warn(_sentence(hidden, start, by_epoch), ExplanationWarning, stacklevel=2)


def _sentence(hidden: Hidden, start: Start, by_epoch: bool) -> str:
    place, number = str(start.log_dir), hidden.attempt
    name = start.log_dir.name
    steps = f"step {hidden.first}"
    if hidden.last != hidden.first:
        steps = f"steps {hidden.first} to {hidden.last}"
    others = "" if hidden.same_probes else ", with other probes"
    text = (
        f"keras_explain: `log_dir` {place!r} already holds {steps} of another training{others}. "
        f"This one starts at step {start.step} and hides them. They stay readable: "
        f'`keras_explain.Run({place!r}, attempt={number})`, "{name} (attempt {number})" in the '
        'tab. Give each training a `log_dir` of its own, such as `Explain(f"logs/fold{k}")`, or '
        '`Explain("logs/run-{n}")`, where {n} becomes the first free number.'
    )
    if hidden.same_probes:
        after = hidden.last + 1
        text += " If the same training goes on, " + (
            f"say so: `fit(..., initial_epoch={after}, epochs={after + 1})` is its next epoch."
            if by_epoch
            else f"count its steps on from {after}."
        )
    return text


def _numbered(log_dir: Place) -> Place:
    """The first free number's folder; on a disk it is made, so that nobody else takes it."""
    for number in itertools.count(1):
        place = place_of(str(log_dir).replace(NUMBER, str(number)))
        try:
            if isinstance(place, Remote):
                if place.is_dir():
                    continue
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                os.mkdir(place)
        except FileExistsError:
            continue
        except OSError:  # the disk is full, or the store down: that is told where a step is written
            return place
        return place
    raise AssertionError("unreachable")


def _answered(place: Place, ask: Callable[[], Result]) -> Result | None:
    """What `ask` returns, or None where a store takes too long or does not answer."""
    if isinstance(place, Path):
        with contextlib.suppress(OSError):
            return ask()
        return None
    answers: list[Result] = []

    def answer() -> None:
        with contextlib.suppress(OSError):
            answers.append(ask())

    asking = threading.Thread(target=answer, daemon=True, name="keras_explain-start")
    asking.start()
    asking.join(PATIENCE)
    return answers[0] if answers else None
