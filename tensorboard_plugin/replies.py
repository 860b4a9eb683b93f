"""What there is: the runs, one run's manifest, its figures by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_explain.store import Reader, StoreError
from keras_explain.store.index import Index, Step
from keras_explain.store.schema import SCHEMA, STATS

from .bundle import bundle
from .example_run import EXAMPLE
from .outcomes import FIGURES, LISTED, Outcomes, listed, loaded
from .queries import BadRequest

MAX_LISTED = 100
"""Most failures and problems that are listed."""

MAX_BYTES = 64 * 2**20
"""Largest table of figures."""

AT_ONCE = 64
"""So many of the newest steps the first manifest tells everything about."""

SECONDS = 0.3
"""How long a request may read on."""


def runs(readers: Mapping[str, tuple[str, Reader]], logdir: str) -> dict[str, Any]:
    """The runs, given by name in TensorBoard as the name shown and the reader."""
    listed = []
    for run, (name, reader) in readers.items():
        index = reader.index()
        steps = index.steps
        listed.append(
            {
                "run": run,
                "name": name,
                "steps": len(index.listed),
                "last": steps[-1].info.step if steps else None,
                "updated": steps[-1].info.wall_time if steps else None,
                "probes": steps[-1].probes if steps else None,
            }
        )
    return {"runs": listed, "logdir": logdir, "example": EXAMPLE}


def manifest(reader: Reader, run: str, name: str, more: bool = False) -> dict[str, Any]:
    """Everything about a run but its arrays; it grows by a few numbers a step.

    Of a long run it says at first only which steps there are, and about the newest ones the rest:
    `unread` is how many are still to come, and None stands for what is not known of them yet.

    Args:
        reader: Reads the run.
        run: Its name in TensorBoard.
        name: Its name for people.
        more: Whether to read on first, for `SECONDS`.
    """
    index = reader.index()
    index = reader.index([found.step for found in index.listed[-AT_ONCE:]])
    if more:
        index = reader.read_on(SECONDS)
    read = [index.by_number.get(found.step) for found in index.listed]
    infos = [step.info for step in index.steps]
    problems = [{"file": of.file, "error": of.error} for of in index.problems]
    probes, trouble = _probes(reader, index)
    failures = [dict(vars(failure)) for info in infos for failure in info.failures]
    logged = dict.fromkeys(log for info in infos for log in info.logs)
    return {
        "schema": SCHEMA,
        "run": run,
        "name": name,
        "probes": probes,
        "steps": [found.step for found in index.listed],
        "unread": index.unread,
        "epochs": [step and step.info.epoch for step in read],
        "wall_times": [step and step.info.wall_time for step in read],
        "attempts": [found.attempt for found in index.listed],
        "changed": [found.changed // 1_000 for found in index.listed],
        "logs": {
            log: [step and _finite(step.info.logs.get(log)) for step in read] for log in logged
        },
        "score": infos[-1].score if infos else None,
        "target": infos[-1].target if infos else None,
        "records": [
            {
                "key": key,
                **stored.spec.to_json(),
                "form": stored.spec.form,
                "shape": list(stored.row_shape),
                "row_count": stored.row_count,
            }
            for key, stored in index.records.items()
        ],
        "missing": index.lacking(),
        "failures": failures[-MAX_LISTED:],
        "totals": infos[-1].totals if infos else {},
        "share": _share(infos[-1].seconds) if infos else None,
        "problems": (problems + trouble)[-MAX_LISTED:],
    }


def columns(
    reader: Reader, key: str, names: Sequence[str], numbers: Sequence[int] | None = None
) -> bytes:
    """A bundle of the named ones of a record's statistics, `(steps, rows)` each.

    Args:
        reader: Reads the run.
        key: Which record.
        names: Of `STATS`.
        numbers: Which steps; NaN for one that is not shown any more. All by default.

    Raises:
        UnknownRecord: if there is no such record.
        BadRequest: if the reply would be too large.
    """
    index = reader.read_on() if numbers is None else reader.index(numbers)
    asked, steps = _steps(index, numbers)
    _check_size(len(steps) * index.record(key).row_count * len(STATS))
    figures = reader.stats(index, key, steps)
    return bundle({name: figures[name] for name in names}, steps=asked, key=key)


def targets(reader: Reader, numbers: Sequence[int] | None = None) -> bytes:
    """A bundle of what was explained and what the model said, `(steps, probes)` each.

    `target` and `score`, and what `outcomes.Outcomes` tells.

    Args:
        reader: Reads the run.
        numbers: Which steps, as above.

    Raises:
        BadRequest: if the reply would be too large.
    """
    index = reader.read_on() if numbers is None else reader.index(numbers)
    asked, steps = _steps(index, numbers)
    count = len(index.steps[-1].info.targets) if index.steps else 0
    places = listed(reader, index.steps[-1]) if index.steps else 0
    _check_size(len(steps) * count * (3 + len(FIGURES) + len(LISTED) * places))
    shape = (len(steps), count)
    target, score = np.full(shape, -1, "i4"), np.full(shape, np.nan, "f4")
    outcomes = Outcomes.unknown(len(steps), count, places)
    for at, step in enumerate(steps):
        if step is None:
            continue
        if len(step.info.targets) == count:
            target[at] = np.clip(step.info.targets, -1, 2**31 - 1)
        scores = loaded(reader, step, "scores", count)
        if scores is not None:
            score[at] = scores.reshape(count, -1)[:, 0]
        outcomes.read(at, reader, step)
    return bundle({"target": target, "score": score, **outcomes.arrays}, steps=asked)


def _steps(index: Index, numbers: Sequence[int] | None) -> tuple[list[int], list[Step | None]]:
    """Numbers of the steps, and those that are shown of them; all by default."""
    asked = list(index.by_number) if numbers is None else list(numbers)
    return asked, [index.by_number.get(number) for number in asked]


def _probes(reader: Reader, index: Index) -> tuple[dict[str, Any], list[dict[str, str]]]:
    nothing: dict[str, Any] = {
        "hash": None,
        "count": 0,
        "inputs": [],
        "labels": None,
        "class_names": None,
        "task": None,
        "truth": False,
    }
    if not index.steps:
        return nothing, []
    step = index.steps[-1]
    try:
        file = reader.probes(step)
    except StoreError as error:
        known = {**nothing, "hash": step.probes, "count": len(step.info.targets)}
        return known, [{"file": f"probes-{step.probes[:12]}", "error": str(error)}]
    return {
        "hash": file.hash,
        "count": file.count,
        "inputs": [dict(fields) for fields in file.described.values()],
        "labels": file.labels,
        "class_names": file.class_names,
        "task": None if file.task is None else file.task.to_json(),
        "truth": file.has_truth,
    }, []


def _share(seconds: Mapping[str, float]) -> float | None:
    """Of the training's time, what went into explaining; None where it is not known."""
    explaining, training = seconds.get("explaining"), seconds.get("training", 0.0)
    return _finite(explaining / training) if explaining is not None and training > 0 else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _check_size(figures: int) -> None:
    if 4 * figures > MAX_BYTES:
        raise BadRequest(f"At most {MAX_BYTES} bytes of figures are sent. Received: {4 * figures}")
