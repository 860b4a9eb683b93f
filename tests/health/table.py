"""The page docs/health.md: its words, and the tables that are measured.

`pytest --health tests/health/test_trainings.py` writes it; without, the test compares what does not
depend on the machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import keras_explain
from keras_explain.health import RULES, Health, Rule, Thresholds
from keras_explain.store import Reader

from .trainings import PROBES, TRAININGS, Training

PAGE = Path(__file__).parents[2] / "docs" / "health.md"

TEXT = """\
# Is the training well, and are its explanations?

The tab's **Health** lists what is wrong, the worst first; so does

```python
run = keras_explain.Run("logs/run1")
run.alerts()  # rule, severity, place, since, until, value, threshold, sentence
run.alerts(dead_share=0.8)  # with another threshold
```

An alert is about one stretch of logged steps: since when, and until when if it is over. Each step
is measured once: the next look costs the steps that have come since, however long the run is.

## What does each alert mean?

{rules}

## Where are the thresholds, and how far from them are healthy trainings?

All can be changed in the tab, and as arguments of `run.alerts`. The last column is the figure that
came nearest to the threshold in any of the healthy trainings below, for as many steps as it takes
for an alert.

{limits}

A unit that is zero for all examples need not be dead: with sixteen examples, many units of a good
network are. More examples tell it more surely, and so do the many places of a convolution.

## How was it tested?

On real trainings on scikit-learn's digits, with {probes} examples that are not trained on. The sick
ones are sick in a known way; the healthy ones differ in architecture, optimizer and rate. The tests
fail if a sick one is not found out by the step stated, or if the healthy ones have more in all than
{most} alerts.

### When is a sick training found out?

{sick}

### Which alerts does each training have?

A number is a count; in a healthy training each is a false alarm. One sickness has many symptoms: a
dead network has flat maps, and its first kernel gets no gradient.

{counts}

False alarms over the {healthy} healthy trainings: {false}.

This page is made by `pytest --health tests/health/test_trainings.py`.
"""

WORDS = {
    "not_finite": "a smaller rate, clipped gradients, the data of that step",
    "failing": "memory, or a method that does not fit the model",
    "vanishing": "other activations, normalisation, residual connections",
    "frozen": "a kernel without gradient, or with a rate of its own",
    "exploding": "a smaller rate, normalisation; NaN often follows",
    "dead_units": "a smaller rate, the initial bias, leaky units",
    "saturated": "smaller initial weights, normalised inputs",
    "flat_maps": "a network without gradient, a CAM without positive evidence",
    "wrong_reason": "a shortcut in the data, such as a watermark",
    "explanation_jump": "an event: the network looks elsewhere now",
    "collapse": "a constant or linear network, a map of the architecture alone",
}
"""By rule, what to think of."""

LENIENT = {
    "vanishing": 1,
    "exploding": 1,
    "dead_share": 0,
    "saturated": 0,
    "flat_share": 0,
    "alike": 0,
    "region_mass": 1,
}
"""By threshold, where it tells of everything."""

MEASURED = {"nearest healthy", "found at step", "where", *(rule.title for rule in RULES.values())}
"""Columns whose cells depend on the machine and on the seed."""

FALSE_ALARMS = {"error": 0, "warn": 3, "info": 6}
"""Most alerts over all healthy trainings: Grad-CAM of a healthy network may well be flat."""

LARGE = ("exploding", "dead_share", "saturated", "flat_share", "alike")
"""Thresholds that a figure must stay below."""


def page(runs: Mapping[str, keras_explain.Run]) -> str:
    """The page as it should be, from the trainings' runs."""
    counts = {each.name: _counts(runs[each.name]) for each in TRAININGS}
    healthy = [each for each in TRAININGS if not each.sick]
    totals = dict.fromkeys(("error", "warn", "info"), 0)
    for each in healthy:
        for alert in runs[each.name].alerts():
            totals[alert.severity] += 1
    return TEXT.format(
        rules=_table(
            ["alert", "severity", "what is wrong", "what to think of", "needs"],
            [
                [rule.title, rule.severity, rule.check.__doc__ or "", WORDS[name], rule.needs]
                for name, rule in RULES.items()
            ],
        ),
        limits=_table(
            ["threshold", "default", "meaning", "of", "nearest healthy"],
            [
                [
                    f"`{each.name}`",
                    f"{each.default:g}",
                    each.metadata["says"],
                    ", ".join(r.title.lower() for r in RULES.values() if each.name in r.limits),
                    _nearest(each.name, [runs[training.name] for training in healthy])
                    if each.name in LENIENT
                    else "",
                ]
                for each in fields(Thresholds)
            ],
        ),
        sick=_table(
            ["training", "what", "found at step", "at the latest", "where"],
            [row for each in TRAININGS for row in _found(each, runs[each.name])],
        ),
        counts=_table(
            ["training", *(rule.title for rule in RULES.values())],
            [
                [f"{each.name}{'' if each.sick else ' (healthy)'}", *_cells(counts[each.name])]
                for each in sorted(TRAININGS, key=lambda each: bool(each.sick))
            ],
        ),
        probes=PROBES,
        healthy=len(healthy),
        false=", ".join(f"{count} {severity}" for severity, count in totals.items()),
        most="{error} error, {warn} warn or {info} info".format(**FALSE_ALARMS),
    )


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of all tables of a page, by the title of the column."""
    rows, head = [], list[str]()
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line[:1] == "|" else []
        if cells and head and not set(cells) <= {"---"}:
            rows.append(dict(zip(head, cells, strict=True)))
        head = cells and (head or cells)
    return rows


def unmeasured(text: str) -> tuple[str, list[dict[str, str]]]:
    """What a page says whatever was measured: its text without tables, and their other cells."""
    said = "\n".join(line for line in text.splitlines() if line[:1] != "|")
    return re.sub(r"(False alarms .*:).*", r"\1", said), [
        {title: cell for title, cell in row.items() if title not in MEASURED}
        for row in rows_of(text)
    ]


def _nearest(limit: str, runs: Sequence[keras_explain.Run]) -> str:
    """The figure of the healthy trainings that is nearest to the limit, for as long as it takes."""
    nearest = []
    for run in runs:
        reader = Reader(run.folder)
        thresholds = Thresholds.of({limit: LENIENT[limit], "patience": 1})
        for found in Health(reader).report(reader.index(), thresholds).findings:
            rule = RULES[found.alert.rule]
            if rule.limits[:1] == (limit,):
                nearest.append(_worst(found.values, rule, limit))
    if not nearest:
        return "–"
    return f"{(max if limit in LARGE else min)(nearest):.2g}"


def _worst(values: NDArray[Any], rule: Rule, limit: str) -> float:
    """The figure that the worst of all stretches of the patience's length holds throughout."""
    known = values[np.isfinite(values)]
    length = min(len(known), Thresholds().patience if "patience" in rule.limits else 1)
    windows = np.lib.stride_tricks.sliding_window_view(known, length)
    if limit in LARGE:
        return float(windows.min(axis=1).max())
    return float(windows.max(axis=1).min())


def _found(training: Training, run: keras_explain.Run) -> list[list[str]]:
    rows = []
    for expected in training.sick:
        first = min(
            (a for a in run.alerts() if a.rule == expected.rule),
            key=lambda alert: alert.since,
            default=None,
        )
        at = ["never", ""] if first is None else [str(first.since), first.place.name]
        title = RULES[expected.rule].title
        rows.append([training.name, title, at[0], str(expected.by), f"`{at[1]}`"])
    return rows


def _counts(run: keras_explain.Run) -> dict[str, int]:
    counts = dict.fromkeys(RULES, 0)
    for alert in run.alerts():
        counts[alert.rule] += 1
    return counts


def _cells(counts: Mapping[str, int]) -> list[str]:
    return [str(count) if count else "" for count in counts.values()]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
