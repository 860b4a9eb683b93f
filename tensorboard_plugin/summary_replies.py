"""What is told of a run without records: the manifest, histograms, and what a picture's file is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_explain.store.schema import SCHEMA

from .bundle import bundle
from .queries import MAX_REPLY, BadRequest, NotFound
from .summaries import HISTOGRAMS, PICTURES, Series

MAX_PICTURE = 32 * 2**20
"""Largest file of a picture that is sent."""

SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
"""The only files that are sent, by what they begin with: none of them can hold a script."""

DEFAULT_KEPT = 10
"""Pictures of a tag that TensorBoard keeps where nobody says otherwise."""

NOT_HERE = (
    "The records of this run are missing: `plugins/keras_explain` is not beside its event file. "
    "Copy that folder along to see the raw maps of every step, layers and weights."
)
LINKED = (
    "The records of this run are not read: its folder is a link that leads out of the log "
    "directory. Start TensorBoard with `--logdir` at a folder that holds the linked one, or name "
    "it: `--logdir_spec name:/the/linked/folder`."
)
OUT_OF_REACH = (
    "TensorBoard reads this run from afar, where the tab can reach no records. For s3:// or gs:// "
    "install `keras_explain[s3]` or `[gcs]`; else open its log folder locally to see the raw maps "
    "of every step, layers and weights."
)
FOREIGN = (
    "This run has no records of keras_explain: another tool wrote what is shown. Add the callback "
    "`Explain` to a training to see raw maps, layers and weights."
)


def entry(run: str, name: str, last: tuple[int, float]) -> dict[str, Any]:
    """A run without records in the list of runs."""
    step, updated = last
    return {
        "run": run,
        "name": name,
        "steps": None,
        "last": step,
        "updated": updated,
        "probes": None,
        "summaries": True,
    }


def manifest(
    run: str,
    name: str,
    series: Mapping[str, Mapping[str, Series]],
    announced: bool,
    missing: list[str],
) -> dict[str, Any]:
    """The manifest of a run without records, in the form of one with them.

    Args:
        run: Its name in TensorBoard.
        name: What people call it.
        series: By kind and tag, what TensorBoard keeps.
        announced: Whether the callback has written its summaries.
        missing: What is missing and why, in sentences.
    """
    times: dict[int, float] = {}
    for kind in series.values():
        for each in kind.values():
            for step, time in each.times.items():
                times[step] = max(time, times.get(step, time))
    steps = sorted(times)
    return {
        "schema": SCHEMA,
        "run": run,
        "name": name,
        "probes": {"hash": None, "count": 0, "inputs": [], "labels": None, "class_names": None},
        "steps": steps,
        "unread": 0,
        "epochs": [None] * len(steps),
        "wall_times": [times[step] for step in steps],
        "attempts": [0] * len(steps),
        "changed": [int(1e6 * times[step]) for step in steps],
        "logs": {},
        "score": None,
        "records": [],
        "missing": {},
        "failures": [],
        "totals": {},
        "problems": [],
        "summaries": {
            "missing": missing,
            "foreign": not announced,
            "pictures": [_told(each) for each in series[PICTURES].values()],
            "histograms": [_told(each) for each in series[HISTOGRAMS].values()],
        },
    }


def linked(names: Sequence[str]) -> str:
    """Why runs that are behind a link, and have nothing else to show, are not listed."""
    some = ", ".join(name[:80] for name in names[:5]) + (", ..." if len(names) > 5 else "")
    return f"Not shown: {some}. {LINKED}"


def missing(
    announced: bool, local: bool, kept: int, pictures: Mapping[str, Series], is_linked: bool = False
) -> list[str]:
    """What is missing of a run without records, and why.

    Args:
        announced: Whether the callback has written its summaries.
        local: Whether there is a log folder on this machine.
        kept: Pictures of a tag that TensorBoard keeps; 0 is all.
        pictures: The pictures of the run.
        is_linked: Whether its folder is a link that leads out of the log directory.
    """
    here = LINKED if is_linked else NOT_HERE
    said = [FOREIGN if not announced else here if local else OUT_OF_REACH]
    if kept and any(len(each.times) >= kept for each in pictures.values()):
        said.append(
            f"TensorBoard keeps {kept} pictures of a tag, drawn by lot from all steps. "
            f"Start it with `--samples_per_plugin images={max(100, 10 * kept)}` to keep more."
        )
    return said


def picture_type(content: bytes) -> str:
    """The content type of a picture's file, by its first bytes.

    Raises:
        NotFound: if it is no picture that is sent, or too large.
    """
    if len(content) > MAX_PICTURE:
        raise NotFound(f"Pictures of at most {MAX_PICTURE} bytes are sent.")
    for signature, content_type in SIGNATURES.items():
        if content.startswith(signature):
            return content_type
    raise NotFound("This summary holds no PNG, JPEG or GIF.")


def histograms(found: Mapping[int, NDArray[np.float64] | None]) -> bytes:
    """A bundle of all buckets `(all, 3)`: left, right, count; and how many each step has.

    A step whose histogram is damaged has -1.
    """
    counts = [-1 if buckets is None else len(buckets) for buckets in found.values()]
    whole = [buckets for buckets in found.values() if buckets is not None]
    total = np.concatenate([np.empty((0, 3)), *whole])
    if 4 * total.size > MAX_REPLY:
        raise BadRequest(f"At most {MAX_REPLY} bytes are sent. Received: {4 * total.size}")
    with np.errstate(over="ignore"):
        buckets = total.astype("f4")
    return bundle({"buckets": buckets, "counts": np.array(counts, "i4")}, steps=list(found))


def _told(series: Series) -> dict[str, Any]:
    return {
        "tag": series.tag,
        "title": series.title,
        "samples": series.samples,
        "steps": list(series.times),
        "stamp": "-".join(map(str, series.stamp)),
    }
