"""What only the run as a whole knows: each map's drift, and the event file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..store import RECORDS, ProbeSet, Reader
from ..store.encoding import Encoded
from ..store.event_file import PLUGIN
from ..store.folder import publish
from ..store.index import Step
from ..store.layout import Prepared, step_bytes
from ..store.place import Place
from ..store.prepare import drifted, median_drift
from ..summaries import Summaries, drift_figures


def finish(run: Place, probes: ProbeSet, summaries: bool) -> None:
    """Measure the drift from step to step, and write the event file anew.

    Every step's records are read once, those of two steps at a time in memory.

    Args:
        run: The sub-run, `<log_dir>/explain`.
        probes: The probes.
        summaries: Whether TensorBoard's own tabs get pictures, histograms and scalars.
    """
    earlier = event_files(run)
    events = Summaries(run, probes, summaries)
    before: Mapping[str, Encoded] = {}
    reader = Reader(run / RECORDS)
    for step in reader.index().steps:
        written = reader.written(step)
        if written is None:
            continue
        records = [drifted(record, before.get(record.spec.key)) for record in written]
        _publish_changed(step, written, records)
        before = {record.spec.key: record.encoded for record in records}
        values = [(record.spec, record.encoded.decode()) for record in records]
        figures = drift_figures([record.spec for record in records], median_drift(records))
        events.add(step.info.step, values, figures)
    events.close()
    for path in earlier:
        path.unlink()


def event_files(run: Place) -> list[Place]:
    """Those that a replay has written."""
    return [*run.glob(f"events.out.tfevents.*.{PLUGIN}")]


def _publish_changed(step: Step, was: Sequence[Prepared], records: Sequence[Prepared]) -> None:
    pairs = zip(was, records, strict=True)
    if not all(np.array_equal(a.stats, b.stats, equal_nan=True) for a, b in pairs):
        content = step_bytes(step.info, step.attempt, step.probes, records, step.since)
        publish(step.path, content)
