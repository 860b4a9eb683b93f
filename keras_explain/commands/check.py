"""`keras-explain check`: read all records of a log directory and say which are damaged."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from .arguments import printable

if TYPE_CHECKING:
    from keras_explain.store.check import Checked
    from keras_explain.store.place import Place

HELP = "read all records below a log directory and say which are damaged"
DESCRIPTION = (
    "Read every byte of the records below a log directory, and say of each file that is damaged "
    "why and what is lost. Nothing is changed. Exit code: 0 if all is well, 1 if something is "
    "lost, 2 if there are no records."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("logdir", metavar="LOGDIR", help="the folder of the runs, or its URL")


def run(options: argparse.Namespace) -> int:
    """Check, and print a line a run and two a flaw."""
    from keras_explain.store.check import check

    progress = _Progress(sys.stderr.isatty())
    runs: list[Checked] = []
    try:
        for checked in check(options.logdir, progress.tell):
            progress.clear()
            runs.append(checked)
            print(_report(checked, options.logdir), flush=True)
    except (OSError, ValueError) as error:  # no such folder, nothing in it, no such protocol
        print(error, file=sys.stderr)
        return 2
    finally:
        progress.clear()
    files, size = sum(run.files for run in runs), sum(run.size for run in runs)
    damaged = sum(len({flaw.file for flaw in run.flaws if flaw.is_damage}) for run in runs)
    verdict = f"{_count(damaged, 'file is', 'files are')} damaged" if damaged else "all is well"
    print(f"{_count(len(runs), 'run')}, {_count(files, 'file')}, {size / 1e6:.1f} MB: {verdict}.")
    return 1 if damaged else 0


def _report(checked: Checked, logdir: str) -> str:
    lines = [f"{printable(_name(checked.folder, logdir))}: {_count(checked.steps, 'step')}"]
    if checked.dropped:
        lines[0] += f"; {_count(checked.dropped, 'more')} could not be written while training"
    for flaw in checked.flaws:
        lines.append(f"  {printable(flaw.file)}: {printable(flaw.cause)}")
        lines.append(f"    lost: {printable(flaw.lost)}")
    return "\n".join(lines)


def _name(folder: Place, logdir: str) -> str:
    """The run as TensorBoard and the tab call it."""
    below = str(folder).removeprefix(logdir.rstrip("/\\")).replace("\\", "/").strip("/")
    run = below.removesuffix("plugins/keras_explain").strip("/")
    return ("" if run == "explain" else run.removesuffix("/explain")) or logdir


def _count(count: int, word: str, words: str = "") -> str:
    return f"{count} {word if count == 1 or word == 'more' else words or word + 's'}"


class _Progress:
    """A line that says which file is read, for a person who waits."""

    def __init__(self, is_shown: bool) -> None:
        self._is_shown = is_shown
        self._count = 0
        self._last = 0.0

    def tell(self, path: Place) -> None:
        """Another file is read."""
        self._count += 1
        now = time.monotonic()
        if self._is_shown and now - self._last > 0.2:
            self._last = now
            text = printable(f"{_count(self._count, 'file')} ... {path.name}")
            print(f"\r{text[:78]:<78}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leave nothing of the line."""
        if self._is_shown and self._last:
            print(f"\r{'':<78}\r", end="", file=sys.stderr, flush=True)
            self._last = 0.0
