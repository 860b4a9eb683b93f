"""Which steps a folder shows, from the names of its files and what has been read of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

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
    """

    steps: tuple[Step, ...]
    problems: tuple[Problem, ...]
    records: Layout
    listed: tuple[Found, ...] = ()
    unread: int = 0

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
    kept = {of: whole.get(of) for of in _not_superseded(usable)}
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
    )


def listed(values: Sequence[object]) -> str:
    """What may be asked for, in words."""
    if not values:
        return "one that has been written (there is none)"
    more = f", ... ({len(values)} in all)" if len(values) > 30 else ""
    return "one of " + ", ".join(str(value)[:80] for value in values[:30]) + more


def _not_superseded(files: Sequence[Found]) -> list[Found]:
    """Those of the sorted `files` that no newer attempt has started below."""
    kept: list[Found] = []
    end = math.inf
    for _, attempt in groupby(reversed(files), key=lambda found: found.attempt):
        of_attempt = list(attempt)
        kept += [found for found in of_attempt if found.step < end]
        end = min(end, of_attempt[-1].step)
    return kept[::-1]
