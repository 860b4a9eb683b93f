"""Which steps a folder shows, from the names of its files and what has been read of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from typing import NamedTuple

from .errors import UnknownRecord
from .folder import Found
from .layout import Layout, StepHeader, Stored
from .place import Place


@dataclass(frozen=True)
class Step(StepHeader):
    """A step that is shown, and its file."""

    path: Place


@dataclass(frozen=True)
class Problem:
    """A file that cannot be used, and why; `lasting` until the file changes."""

    file: str
    error: str
    lasting: bool = True


@dataclass(frozen=True)
class Index:
    """What a folder held when it was looked at.

    Attributes:
        steps: The steps shown, in order, as far as their files have been read.
        problems: Files that cannot be used.
        records: By key, the record as the newest step that has it says.
        listed: The files of the steps shown, and of those that will be shown if nothing is wrong
            with them, in order.
        unread: How many files have not been read yet, shown or not.
        attempts: Numbers of the trainings that the files are of, the one shown last: an attempt
            that a newer one only goes on from is part of that.
    """

    steps: tuple[Step, ...]
    problems: tuple[Problem, ...]
    records: Layout
    listed: tuple[Found, ...] = ()
    unread: int = 0
    attempts: tuple[int, ...] = ()

    @cached_property
    def by_number(self) -> dict[int, Step]:
        """The steps shown, by their numbers."""
        return {step.info.step: step for step in self.steps}

    def step(self, number: int) -> Step:
        """The step of that number.

        Raises:
            UnknownRecord: if it is not shown.
        """
        if number in self.by_number:
            return self.by_number[number]
        raise UnknownRecord(f"`step` must be {listed(list(self.by_number))}. Received: {number!r}")

    def record(self, key: str) -> Stored:
        """The record of that key.

        Raises:
            UnknownRecord: if no step has it.
        """
        if key in self.records:
            return self.records[key]
        raise UnknownRecord(f"`key` must be {listed(list(self.records))}. Received: {key[:80]!r}")

    def stored(self, step: Step, key: str) -> Stored | None:
        """The record at that step, if it is there and of the same meaning and shape as now."""
        return self._same(step.layout.get(key), key)

    def lacking(self) -> dict[str, list[int]]:
        """By key, the steps without the record, for the keys that lack any."""
        layouts = {id(step.layout): step.layout for step in self.steps}
        lacks = {
            name: [key for key in self.records if self._same(layout.get(key), key) is None]
            for name, layout in layouts.items()  # thousands of steps share a layout
        }
        found: dict[str, list[int]] = {key: [] for key in self.records}
        for step in self.steps:
            for key in lacks[id(step.layout)]:
                found[key].append(step.info.step)
        return {key: steps for key, steps in found.items() if steps}

    def _same(self, stored: Stored | None, key: str) -> Stored | None:
        now = self.records[key]
        if stored is None or stored is now:
            return stored
        same = stored.spec == now.spec and stored.values.shape == now.values.shape
        return stored if same else None


EMPTY = Index((), (), {})


def index_of(found: Iterable[Found], known: Mapping[Found, Step | Problem]) -> Index:
    """What is shown of the files `found`, of which those `known` have been read."""
    order = sorted(found)
    problems = {of: read for of in order if isinstance(read := known.get(of), Problem)}
    usable = list({of[:2]: of for of in order if of not in problems}.values())
    whole = {of: step for of in usable if isinstance(step := known.get(of), Step)}
    newest = whole[max(whole)] if whole else None
    probes = newest and newest.probes
    ranges = _ranges(usable, whole)
    kept = {of: whole.get(of) for of in _not_superseded(usable, ranges)}
    theirs = {of.attempt for of, step in kept.items() if step and step.probes == probes}
    files = tuple(
        of for of, step in kept.items() if (step.probes == probes if step else of.attempt in theirs)
    )
    shown = tuple(step for of in files if (step := whole.get(of)))
    records: dict[str, Stored] = {}
    for layout in {id(step.layout): step.layout for step in reversed(shown)}.values():
        for key, stored in layout.items():
            records.setdefault(key, stored)
    return Index(
        shown,
        tuple(problems.values()),
        records,
        files,
        len(usable) - len(whole),
        _trainings(ranges),
    )


@dataclass(frozen=True)
class Hidden:
    """Steps of another training that one which starts now will hide.

    Attributes:
        attempt: The number by which they can still be read.
        first: The first of them.
        last: The last of them.
        same_probes: Whether they explain the same examples, as far as that is known.
    """

    attempt: int
    first: int
    last: int
    same_probes: bool


def hidden_by(index: Index, start: int, probes: str | None) -> Hidden | None:
    """What a training hides that starts with the network of step `start`, -1 for a new one.

    Args:
        index: The folder as it is.
        start: As `Writer` takes it.
        probes: Content hash of its probes, where it is known yet.
    """
    if not index.listed:
        return None
    last = index.listed[-1]
    same = probes is None or not index.steps or index.steps[-1].probes == probes
    if same and start >= last.step:
        return None
    hidden = [of.step for of in index.listed if of.step > start or start < 0 or not same]
    return Hidden(last.attempt, hidden[0], hidden[-1], same)


def listed(values: Sequence[object]) -> str:
    """What may be asked for, in words."""
    if not values:
        return "one that has been written (there is none)"
    more = f", ... ({len(values)} in all)" if len(values) > 30 else ""
    return "one of " + ", ".join(str(value)[:80] for value in values[:30]) + more


class _Range(NamedTuple):
    """The steps of one attempt."""

    attempt: int
    begins: int
    """The first step that its training has changed the network for, or -1."""
    hides: int
    """From which step on it hides those of older attempts."""
    last: int
    probes: str | None
    """As far as they are known."""


def _ranges(files: Sequence[Found], known: Mapping[Found, Step]) -> list[_Range]:
    """The attempts of the sorted `files`, the oldest first."""
    ranges = []
    for attempt, found in groupby(files, key=lambda of: of.attempt):
        of_attempt = list(found)
        steps = [step for of in of_attempt if (step := known.get(of))]
        said = [step.since for step in steps if step.since is not None]
        first, last = of_attempt[0].step, of_attempt[-1].step
        begins = said[0] if said else first
        probes = steps[-1].probes if steps else None
        ranges.append(_Range(attempt, begins, min(begins, first), last, probes))
    return ranges


def _trainings(ranges: Sequence[_Range]) -> tuple[int, ...]:
    """The attempts but for those from whose last step the next one goes on, or that have none."""

    def goes_on(after: _Range, before: _Range) -> bool:
        same = None in (after.probes, before.probes) or after.probes == before.probes
        return before.last < 0 or (after.begins > before.last and same)

    ended = [not goes_on(after, before) for before, after in pairwise(ranges)]
    return tuple(
        of.attempt for of, has_ended in zip(ranges, [*ended, True], strict=False) if has_ended
    )


def _not_superseded(files: Sequence[Found], ranges: Sequence[_Range]) -> list[Found]:
    """Those of the sorted `files` that no newer attempt hides."""
    ends: dict[int, float] = {}
    end = math.inf
    for of in reversed(ranges):
        ends[of.attempt] = end
        end = min(end, of.hides)
    return [found for found in files if found.step < ends[found.attempt]]
