"""The pictures and histograms that TensorBoard keeps of a run, asked of its data provider.

They are what is left where a run has no records, whoever wrote them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorboard import errors
from tensorboard.data.provider import RunTagFilter

from .queries import NotFound

PICTURES, HISTOGRAMS = "images", "histograms"
"""TensorBoard's names of the plugins whose summaries these are."""

MOST_TAGS = 1_000
"""Most tags of a kind that are looked at in one run."""

MOST_STEPS = 1_000
"""Most steps of a tag that are read."""

MAX_STEP = 10**10 - 1
"""Steps beyond are left out: no request can name them."""

_TOGETHER = 32  # tags a read: TensorBoard's messages are bounded
_KEPT = 8
_SIZES = 2  # a picture's summary begins with its width and height


class Unanswered(RuntimeError):
    """TensorBoard's data provider failed; the message says how."""


@dataclass(frozen=True)
class Series:
    """The summaries of one tag, as far as TensorBoard keeps them.

    Attributes:
        tag: Its name.
        title: What TensorBoard calls it.
        samples: Pictures a step, or 1.
        times: By step, when it was written.
        stamp: Changes whenever there is something new.
    """

    tag: str
    title: str
    samples: int
    times: Mapping[int, float]
    stamp: tuple[Any, ...]


class Summaries:
    """Asks a data provider for pictures and histograms.

    Args:
        provider: TensorBoard's data provider.
    """

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._known: dict[tuple[str, str, str], dict[str, Series]] = {}

    def runs(self, context: Any, experiment: str) -> dict[str, tuple[int, float]]:
        """By run that has any, the last step and when it was written."""
        found: dict[str, tuple[int, float]] = {}
        for kind in (PICTURES, HISTOGRAMS):
            for run, tags in self._listed(kind, context, experiment).items():
                for series in tags.values():
                    last = (_whole(series.max_step), _finite(series.max_wall_time))
                    found[run] = max(found.get(run, last), last)
        return found

    def series(self, kind: str, run: str, context: Any, experiment: str) -> dict[str, Series]:
        """By tag, what there is of a run; only tags with something new are read again."""
        listed = self._listed(kind, context, experiment, run).get(run, {})
        before = self._known.get((experiment, run, kind), {})
        found: dict[str, Series] = {}
        stale: dict[str, Any] = {}
        for tag in sorted(listed)[:MOST_TAGS]:
            if tag in before and before[tag].stamp == _stamp(listed[tag]):
                found[tag] = before[tag]
            else:
                stale[tag] = listed[tag]
        names = list(stale)
        for start in range(0, len(names), _TOGETHER):
            some = names[start : start + _TOGETHER]
            read = self._read(kind, run, some, context, experiment)
            for tag in some:
                found[tag] = _series(tag, stale[tag], read.get(tag, []))
        self._known.pop((experiment, run, kind), None)
        self._known[experiment, run, kind] = found
        while len(self._known) > _KEPT:
            self._known.pop(next(iter(self._known)), None)
        return dict(sorted(found.items()))

    def picture(
        self, run: str, tag: str, step: int, sample: int, context: Any, experiment: str
    ) -> bytes:
        """One picture as the file that was written.

        Raises:
            NotFound: if TensorBoard keeps no such picture.
        """
        self._check(PICTURES, run, tag, context, experiment)
        data = self._read(PICTURES, run, [tag], context, experiment).get(tag, [])
        values = next((each.values for each in data if each.step == step), None)
        if values is None:
            kept = ", ".join(str(each.step) for each in data[:50])
            raise NotFound(f"`step` must be one that TensorBoard keeps: {kept}. Received: {step}")
        if not 0 <= sample < len(values) - _SIZES:
            most = len(values) - _SIZES - 1
            raise NotFound(f"`sample` must be from 0 to {most}. Received: {sample}")
        with _asking():
            key = values[sample + _SIZES].blob_key
            return bytes(self._provider.read_blob(context, blob_key=key))

    def histograms(
        self, run: str, tag: str, context: Any, experiment: str
    ) -> dict[int, NDArray[np.float64] | None]:
        """By step, the buckets `(buckets, 3)`: left, right, count; None where they are damaged.

        Raises:
            NotFound: if TensorBoard keeps no such histograms.
        """
        self._check(HISTOGRAMS, run, tag, context, experiment)
        data = self._read(HISTOGRAMS, run, [tag], context, experiment).get(tag, [])
        found = {each.step: _buckets(each.numpy) for each in data if _is_sayable(each.step)}
        return dict(sorted(found.items()))

    def _check(self, kind: str, run: str, tag: str, context: Any, experiment: str) -> None:
        """Names come from TensorBoard, never from a request, which only chooses among them."""
        if tag in self._known.get((experiment, run, kind), {}):
            return
        listed = self._listed(kind, context, experiment)
        if run not in listed:
            known = ", ".join(name[:80] for name in sorted(listed)[:20])
            raise NotFound(f"`run` must be one of: {known}. Received: {run[:80]!r}")
        if tag not in listed[run]:
            known = ", ".join(name[:80] for name in sorted(listed[run])[:20])
            raise NotFound(f"`tag` must be one of: {known}. Received: {tag[:80]!r}")

    def _listed(
        self, kind: str, context: Any, experiment: str, run: str | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        with _asking():
            name = "list_blob_sequences" if kind == PICTURES else "list_tensors"
            of = None if run is None else RunTagFilter(runs=[run])
            return (
                getattr(self._provider, name)(
                    context, experiment_id=experiment, plugin_name=kind, run_tag_filter=of
                )
                or {}
            )

    def _read(
        self, kind: str, run: str, tags: list[str], context: Any, experiment: str
    ) -> Mapping[str, list[Any]]:
        with _asking():
            name = "read_blob_sequences" if kind == PICTURES else "read_tensors"
            read = getattr(self._provider, name)(
                context,
                experiment_id=experiment,
                plugin_name=kind,
                downsample=MOST_STEPS,
                run_tag_filter=RunTagFilter(runs=[run], tags=tags),
            )
            return (read or {}).get(run, {})


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except errors.NotFoundError as error:
        raise NotFound(f"TensorBoard does not keep this any more: {str(error)[:200]}") from error
    except Exception as error:  # a data provider may be anybody's, local or far
        details = getattr(error, "details", None)  # of gRPC
        says = details() if callable(details) else error
        kind = type(error).__name__
        raise Unanswered(f"TensorBoard's data provider failed: {kind}: {says!s:.200}") from error


def _series(tag: str, listed: Any, data: list[Any]) -> Series:
    samples = getattr(listed, "max_length", _SIZES + 1) - _SIZES
    return Series(
        tag=tag,
        title=listed.display_name or tag,
        samples=max(0, samples),
        times={
            each.step: _finite(each.wall_time)
            for each in sorted(data, key=lambda each: each.step)
            if _is_sayable(each.step)
        },
        stamp=_stamp(listed),
    )


def _stamp(listed: Any) -> tuple[Any, ...]:
    return (listed.max_step, listed.max_wall_time)


def _is_sayable(step: int) -> bool:
    return abs(step) <= MAX_STEP


def _whole(step: int | None) -> int:
    return max(-MAX_STEP, min(MAX_STEP, step or 0))


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else 0.0


def _buckets(array: NDArray[Any]) -> NDArray[np.float64] | None:
    if array.size == 0:
        return np.empty((0, 3))
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in "fiu":
        return None
    buckets = array.astype(np.float64)
    left, right, count = buckets.T
    whole = np.isfinite(count).all() and (count >= 0).all() and (left <= right).all()
    return buckets if whole else None
