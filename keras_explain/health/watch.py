"""The health of one run: what has been measured, and the alerts that follow from it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from ..store.index import Index
from ..store.reader import Reader
from .alert import SEVERITIES, Alert
from .history import History
from .measures import figures_of
from .rule import RULES, Rule, Signal, Values, stretches
from .thresholds import Thresholds

KEPT = 8
"""So many sets of thresholds have their report kept."""


@dataclass(frozen=True)
class Finding:
    """An alert, and the figures that it is about.

    Attributes:
        alert: What is wrong.
        values: The figure at each step checked, `(steps,)`; NaN where it is not known.
    """

    alert: Alert
    values: Values


@dataclass(frozen=True)
class Report:
    """What the rules found.

    Attributes:
        steps: The steps checked.
        pending: How many steps are still to be checked.
        looked_at: By rule, at how many places; 0 where the run does not hold what it needs.
        findings: What is wrong, the worst first, then the newest.
    """

    steps: tuple[int, ...]
    pending: int
    looked_at: dict[str, int]
    findings: tuple[Finding, ...]


class Health:
    """Watches the run of a `reader`. Each step is read only once. May be shared by threads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._history = History()
        self._reports: OrderedDict[Thresholds, Report] = OrderedDict()
        self._lock = threading.Lock()

    def report(self, index: Index, thresholds: Thresholds, seconds: float | None = None) -> Report:
        """What the rules find at the steps of the `index`.

        Args:
            index: What the reader has listed.
            thresholds: The limits.
            seconds: How long steps may be measured now, one at least; the next call goes on. None
                for all.
        """
        with self._lock:
            pending = self._measure(index, seconds)
            report = self._reports.pop(thresholds, None)
            if report is None or report.pending != pending:
                report = _report(self._history, thresholds, pending)
            self._reports[thresholds] = report
            if len(self._reports) > KEPT:
                self._reports.popitem(last=False)
            return report

    def _measure(self, index: Index, seconds: float | None) -> int:
        before = list(self._history.steps)
        waiting = self._history.unmeasured(index)
        measured = 0
        begin = time.monotonic()
        for step in waiting:
            self._history.add(step, figures_of(self._reader, index, step))
            measured += 1
            if seconds is not None and time.monotonic() - begin >= seconds:
                break
        if measured or before != self._history.steps:
            self._reports.clear()
        return len(waiting) - measured


def _report(history: History, thresholds: Thresholds, pending: int) -> Report:
    looked_at, findings = {}, []
    for rule in RULES.values():
        signals = list(rule.check(history, thresholds))
        looked_at[rule.name] = sum(signal.looked_at for signal in signals)
        findings += [found for signal in signals for found in _findings(history, rule, signal)]
    order = {severity: at for at, severity in enumerate(SEVERITIES)}
    findings.sort(key=lambda found: (order[found.alert.severity], -found.alert.since))
    return Report(tuple(history.steps), pending, looked_at, tuple(findings))


def _findings(history: History, rule: Rule, signal: Signal) -> list[Finding]:
    known = ~np.isnan(signal.values)
    found = []
    for first, last in stretches(signal.holds, known, signal.patience):
        held = np.flatnonzero(signal.holds[first : last + 1] & known[first : last + 1]) + first
        values = signal.values[held]
        worst = int(held[np.argmin(values) if signal.least else np.argmax(values)])
        goes_on = not known[last + 1 :].any()
        alert = Alert(
            rule=rule.name,
            severity=rule.severity,
            place=signal.place(worst),
            count=signal.count(worst),
            since=history.steps[first],
            until=None if goes_on else history.steps[last],
            worst=history.steps[worst],
            value=float(signal.values[worst]),
            threshold=float(np.broadcast_to(signal.threshold, known.shape)[worst]),
            sentence=signal.says(worst),
        )
        found.append(Finding(alert, signal.values))
    return found
