"""What the commands that read a run share: opening it, and choosing among its parts."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence

from keras_explain.run import Run
from keras_explain.store import RecordsNotFound, StoreError

from .arguments import Misuse, NothingFound

_RANGE = re.compile(r"(-?\d+|first|last)(?::(-?\d+|first|last))?")
STEPS_HELP = "numbers, first, last, or ranges with a colon, such as 0,5:9,last"


def run_argument(parser: argparse.ArgumentParser) -> None:
    """The run that a command reads."""
    parser.add_argument(
        "run", metavar="RUN", help="the run's folder: the `log_dir` of the callback"
    )


def opened_run(place: str) -> Run:
    """The run at `place`.

    Raises:
        NothingFound: If there is none, or it has no steps yet.
    """
    try:
        run = Run(place)
    except RecordsNotFound as error:
        raise NothingFound(str(error)) from error
    for problem in run.problems:
        print(f"{problem.file}: {problem.error}", file=sys.stderr)
    if not run.steps:
        raise NothingFound(f"No step has been logged in {run.folder} yet.")
    return run


def step_of(text: str, run: Run) -> int:
    """A step of the run: its number, `first` or `last`.

    Raises:
        Misuse: If there is no such step; it says which there are.
    """
    named = {"first": run.steps[0], "last": run.steps[-1]}
    step = named.get(text)
    if step is None and re.fullmatch(r"-?\d+", text):
        step = int(text)
    if step not in run.steps:
        raise Misuse(f"a step must be {_those_of(run)}, first or last. Received: {text!r}")
    return int(step)


def steps_of(text: str, run: Run) -> list[int]:
    """Steps of the run, as `STEPS_HELP` says.

    Raises:
        Misuse: If there are no such steps.
    """
    chosen: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise Misuse(f"steps must be {STEPS_HELP}. Received: {text!r}")
        low = step_of(match[1], run)
        high = low if match[2] is None else step_of(match[2], run)
        chosen.update(step for step in run.steps if low <= step <= high)
    return sorted(chosen)


def keys_of(names: Sequence[str], run: Run) -> list[str]:
    """Those records of the run.

    Raises:
        Misuse: If one is not there.
    """
    for name in names:
        if name not in run.keys:
            raise Misuse(f"a record must be one of {', '.join(run.keys)}. Received: {name!r}")
    return list(names)


def example_names(run: Run) -> list[str]:
    """The class of each example by its name or number, where it is known."""
    try:
        probes = run.probes
    except StoreError:
        return []
    labels = [] if probes.labels is None else [int(label) for label in probes.labels]
    names = probes.class_names or ()
    return [names[at] if 0 <= at < len(names) else str(at) for at in labels]


def plain(text: str) -> str:
    """Text of a log that a terminal takes for nothing but text, of a bearable length."""
    return "".join(c if c.isprintable() else "?" for c in text[:80])


def _those_of(run: Run) -> str:
    steps = [str(step) for step in run.steps]
    if len(steps) > 12:
        steps = [*steps[:6], "...", *steps[-3:]]
    return f"one of {', '.join(steps)}"
