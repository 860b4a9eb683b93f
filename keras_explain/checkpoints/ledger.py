"""What a replay's folder says of itself, so that a second call can go on with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..store.folder import publish, step_file, step_files
from ..store.place import Place
from ..store.plain import dumps, loads
from .names import Checkpoint

NAME = "replay.json"


@dataclass(frozen=True)
class Ledger:
    """Which checkpoints are explained in a run, and how.

    Attributes:
        folder: The records' folder.
        asked: What was asked of every checkpoint, as plain JSON.
        stamps: By step, the checkpoint's name and version.
    """

    folder: Place
    asked: Mapping[str, Any]
    stamps: Mapping[str, Any]

    @classmethod
    def of(
        cls, folder: Place, asked: Mapping[str, Any], checkpoints: Sequence[Checkpoint]
    ) -> Ledger:
        """That of a replay that is about to begin."""
        stamps = {str(c.step): [c.path.name, *c.version] for c in checkpoints}
        return cls(folder, json.loads(dumps(asked)), stamps)

    def open(self) -> None:
        """Make the folder ready for this replay: what it holds of it already stays.

        Steps whose checkpoint is another one by now are removed; those of a training never are.

        Raises:
            ValueError: If the folder holds another run, or steps that a training wrote there later.
            OSError: If it cannot be written.
        """
        stamps = self._before().get("stamps", {})
        there = list(step_files(self.folder))
        trained = sorted(f.step for f in there if f.attempt != 0 or str(f.step) not in stamps)
        if trained:
            raise ValueError(
                "`log_dir` must be a folder of its own: a training has written steps "
                f"{trained[0]} to {trained[-1]} there since the last replay, and a replay removes "
                f"none of these. Give another folder. Received: {str(self.folder)!r}"
            )
        for found in there:
            if stamps[str(found.step)] != self.stamps.get(str(found.step)):
                (self.folder / found.name).unlink()
        self.folder.mkdir(parents=True, exist_ok=True)
        content = dumps({"asked": self.asked, "stamps": self.stamps})
        publish(self.folder / NAME, content.encode())

    def remove(self, step: int) -> None:
        """Remove a step that cannot be used."""
        (self.folder / step_file(0, step)).unlink()

    def _before(self) -> Mapping[str, Any]:
        path = self.folder / NAME
        try:
            known = loads(path.read_bytes())
            asked = known["asked"]
        except FileNotFoundError:
            if any(step_files(self.folder)):
                raise ValueError(
                    "`log_dir` must be a folder of its own: this one holds the records of another "
                    f"run. Received: {str(self.folder)!r}"
                ) from None
            return {}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged: remove it and the run. {error}") from error
        other = [name for name in self.asked if asked.get(name) != self.asked[name]]
        if other:
            raise ValueError(
                "`log_dir` holds a replay that was asked something else: give another folder. "
                f"Different: {', '.join(other)}. Received: {str(self.folder)!r}"
            )
        return dict(known)
