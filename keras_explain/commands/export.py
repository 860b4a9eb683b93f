"""`keras-explain export`: a record as a file that other programs read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from keras_explain.run import Run
from keras_explain.store import Reader, StoreError
from keras_explain.store.export import csv_of, npz_of
from keras_explain.store.folder import publish
from keras_explain.store.format.forms import has_pictures

from .arguments import Misuse, NothingFound
from .progress import Progress
from .records import STEPS_HELP, keys_of, opened_run, run_argument, steps_of

HELP = "write a record as numbers (.npz), a table (.csv) or pictures (.png)"
DESCRIPTION = (
    "Write one record of a run into a file: .npz has the raw numbers for numpy.load, .csv the "
    "figures of every step and example, and .png a contact sheet of the examples' maps, a file for "
    "each step, with the same colours."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    run_argument(parser)
    parser.add_argument(
        "--what", metavar="NAME", help="which record; without it, the names of all are listed"
    )
    parser.add_argument(
        "--out", metavar="FILE", help="the file, whose ending says what it is: .npz, .csv or .png"
    )
    parser.add_argument(
        "--steps",
        metavar="STEPS",
        help=f"{STEPS_HELP} (default: all; for pictures the last; a table has all)",
    )


def run(options: argparse.Namespace) -> int:
    """Write, and say what."""
    run = opened_run(options.run)
    if options.what is None:
        print("\n".join(run.keys))
        return 0
    (key,) = keys_of([options.what], run)
    out = None if options.out is None else Path(options.out)
    if out is None or out.suffix.lower() not in WRITERS:
        raise Misuse(f"--out must end in {', '.join(WRITERS)}. Received: {options.out!r}")
    written = WRITERS[out.suffix.lower()](run, key, out, options.steps)
    print("\n".join(map(str, written)))
    return 0


def _npz(run: Run, key: str, out: Path, steps: str | None) -> list[Path]:
    chosen = list(run.steps) if steps is None else steps_of(steps, run)
    reader = Reader(run.folder)
    publish(out, npz_of(reader, key, chosen, range(reader.index().record(key).row_count)))
    return [out]


def _csv(run: Run, key: str, out: Path, steps: str | None) -> list[Path]:
    if steps is not None:
        raise Misuse("a .csv has every step: leave --steps out")
    reader = Reader(run.folder)
    text = csv_of(reader, key, range(reader.index().record(key).row_count))
    publish(out, text.encode("utf-8", "backslashreplace"))
    return [out]


def _png(run: Run, key: str, out: Path, steps: str | None) -> list[Path]:
    from keras_explain.summaries.contact import ContactSheets
    from keras_explain.summaries.sheets import png

    spec = run.specs[key]
    if not has_pictures(spec):
        maps = [name for name, other in run.specs.items() if has_pictures(other)]
        raise Misuse(f"a .png is of maps: {', '.join(maps) or 'there are none'}. Received: {key!r}")
    chosen = steps_of("last" if steps is None else steps, run)
    sheets, usable = ContactSheets(run.probes), []
    for step in chosen:
        try:
            sheets.see(spec, run.load(key, step))
        except StoreError as error:
            print(error, file=sys.stderr)
        else:
            usable.append(step)
    if not usable:
        raise NothingFound(f"{key} cannot be read at any of these steps.")
    written = []
    with Progress("pictures") as progress:
        for place, step in enumerate(usable):
            path = out if len(chosen) == 1 else out.with_stem(f"{out.stem}-{step}")
            publish(path, png(sheets.of(spec, run.load(key, step)).picture))
            written.append(path)
            progress(place + 1, len(usable))
    return written


WRITERS: dict[str, Callable[[Run, str, Path, str | None], list[Path]]] = {
    ".npz": _npz,
    ".csv": _csv,
    ".png": _png,
}
"""By ending of the file, what writes it and returns what was written."""
