"""The alerts of a run, as the tab has them."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from keras_explain.health import RULES, Finding, Health, Report, Thresholds
from keras_explain.store import Reader
from keras_explain.store.index import EMPTY

from .queries import BadRequest

LIMITS = tuple(each.name for each in fields(Thresholds))
"""Names of the thresholds."""

MAX_ALERTS = 200
"""Most alerts in a reply, the worst ones."""

MAX_POINTS = 200
"""Most points of the line of an alert's figure."""

SECONDS = 0.3
"""How long a request may measure steps; the next one goes on where it ended."""


class Watches:
    """By reader, the health of its run: what was measured once is not measured again."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Reader, Health] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, reader: Reader) -> Health:
        """The health of the run that `reader` reads."""
        with self._lock:
            return self._known.setdefault(reader, Health(reader))


def alerts(reader: Reader, watches: Watches, limits: Mapping[str, float], points: int) -> Any:
    """What is wrong with a run.

    Args:
        reader: Reads the run.
        watches: What is known of it already.
        limits: Thresholds by name that are not the default.
        points: How many points the line of each alert's figure has; 0 for the alerts alone.

    Raises:
        BadRequest: if a limit is out of its bounds.
    """
    try:
        thresholds = Thresholds.of(limits)
    except ValueError as error:
        raise BadRequest(str(error)) from error
    index = reader.read_on(SECONDS)
    # What is measured before a step that is still unread would have to be measured again.
    measured = EMPTY if index.unread else index
    report = watches.of(reader).report(measured, thresholds, SECONDS)
    shown = report.findings[:MAX_ALERTS]
    reply = {
        "checked": len(report.steps),
        "pending": report.pending + (len(index.listed) if index.unread else 0),
        "left_out": len(report.findings) - len(shown),
        "alerts": [_alert(found, report, points) for found in shown],
    }
    return {**reply, **_about(thresholds, report)} if points else reply


def _alert(found: Finding, report: Report, points: int) -> dict[str, Any]:
    alert = found.alert
    fields_ = {**vars(alert), "name": alert.name, "place": dict(vars(alert.place))}
    fields_["value"] = _number(alert.value)
    return {**fields_, "line": _line(found, report, points)} if points else fields_


def _line(found: Finding, report: Report, points: int) -> dict[str, list[Any]]:
    """The figure over the steps; of several steps to a point, the one nearest to the alert."""
    chosen = np.unique(np.linspace(0, len(report.steps) - 1, points).round().astype(int))
    worst = report.steps.index(found.alert.worst)
    chosen[np.argmin(np.abs(chosen - worst))] = worst
    return {
        "steps": [report.steps[at] for at in chosen],
        "values": [_number(float(found.values[at])) for at in chosen],
    }


def _about(thresholds: Thresholds, report: Report) -> dict[str, Any]:
    """What was checked, and by which limits."""
    return {
        "rules": [
            {
                "name": rule.name,
                "title": rule.title,
                "severity": rule.severity,
                "needs": rule.needs,
                "says": rule.check.__doc__ or "",
                "limits": list(rule.limits),
                "looked_at": report.looked_at[rule.name],
            }
            for rule in RULES.values()
        ],
        "limits": [
            {
                "name": each.name,
                "value": getattr(thresholds, each.name),
                "default": each.default,
                **each.metadata,
            }
            for each in fields(thresholds)
        ],
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
