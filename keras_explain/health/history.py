"""The figures of all steps, as tables that grow with the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..store.index import Index, Step
from ..store.schema import RecordSpec

Figures = Mapping[tuple[str, str], NDArray[Any]]
"""What is known of a step: by kind and name of a figure, `(columns,)`."""


class _Table:
    """Rows of one length, a step each; a step without one is NaN, or -1 among integers."""

    def __init__(self, row: NDArray[Any]) -> None:
        self._missing = np.nan if row.dtype.kind == "f" else -1
        self.rows = np.full((16, len(row)), self._missing, row.dtype)

    def put(self, at: int, row: NDArray[Any]) -> None:
        if len(row) == self.rows.shape[1]:
            self.reach(at + 1)
            self.rows[at] = row

    def reach(self, count: int) -> None:
        if count > len(self.rows):
            more = np.full((count, self.rows.shape[1]), self._missing, self.rows.dtype)
            self.rows = np.concatenate([self.rows, more])  # twice the room: amortised

    def cut(self, count: int) -> None:
        self.rows[count:] = self._missing


class History:
    """What was measured at each step. Steps are added at the end, and measured only once.

    Attributes:
        steps: Numbers of the steps measured.
        specs: By key, the meaning of the run's records.
    """

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.specs: dict[str, RecordSpec] = {}
        self._measured: list[Step] = []
        self._tables: dict[tuple[str, str], _Table] = {}

    def unmeasured(self, index: Index) -> Sequence[Step]:
        """The steps of the index that have yet to be measured, in order.

        Steps that have been replaced or are hidden now are forgotten, with all after them.
        """
        specs = {key: stored.spec for key, stored in index.records.items()}
        if any(specs.get(key, spec) != spec for key, spec in self.specs.items()):
            self._forget(0)  # a record means something else now
        self.specs = specs
        same = zip(self._measured, index.steps, strict=False)
        first = next((at for at, (one, other) in enumerate(same) if one is not other), None)
        self._forget(min(len(self._measured), len(index.steps)) if first is None else first)
        return index.steps[len(self._measured) :]

    def add(self, step: Step, figures: Figures) -> None:
        """Keep the figures of the next step."""
        at = len(self._measured)
        for name, row in figures.items():
            if name not in self._tables:
                self._tables[name] = _Table(row)
            self._tables[name].put(at, row)
        self._measured.append(step)
        self.steps.append(step.info.step)

    def of(self, kind: str) -> dict[str, NDArray[Any]]:
        """By name, the figures of a kind, `(steps, columns)`."""
        count = len(self.steps)
        tables = {name: table for (of, name), table in self._tables.items() if of == kind}
        for table in tables.values():
            table.reach(count)
        return {name: table.rows[:count] for name, table in tables.items()}

    def _forget(self, count: int) -> None:
        if count < len(self._measured):
            del self._measured[count:], self.steps[count:]
            for table in self._tables.values():
                table.cut(count)
            if count == 0:
                self._tables.clear()
