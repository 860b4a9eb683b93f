"""`keras-explain diff`: how alike the explanations of two steps, or of two runs, are."""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Iterator
from typing import NamedTuple, TextIO

from keras_explain.run import Run
from keras_explain.store import DamagedRecord, Diff, UnknownRecord
from keras_explain.store.export import safe
from keras_explain.store.format.forms import turns
from keras_explain.store.similarity import diff

from .arguments import Misuse, NothingFound, whole
from .progress import Progress
from .records import example_names, keys_of, opened_run, plain, run_argument, step_of

HELP = "say which examples' explanations differ most between two steps, or two runs"
DESCRIPTION = (
    "Compare every record of step A with that of step B, example by example, those that disagree "
    "most first. Distances are 1 - cosine and 1 - rank correlation, from 0 (alike) to 2 "
    "(opposite); top 10% is the overlap, from 0 to 1, of the places of the largest tenth."
)


class Line(NamedTuple):
    """How alike one example's record is on both sides."""

    record: str
    row: int
    label: str
    cosine: float
    spearman: float
    top10: float


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    run_argument(parser)
    parser.add_argument("a", metavar="A", help="a step: its number, first or last")
    parser.add_argument("b", metavar="B", help="the step that it is compared with")
    parser.add_argument(
        "--run-b", metavar="RUN", help="run of step B (default: the same); of the same examples"
    )
    parser.add_argument(
        "--records", nargs="+", metavar="NAME", help="which records (default: all that compare)"
    )
    parser.add_argument(
        "--most",
        type=whole(1),
        default=20,
        metavar="N",
        help="lines that are shown (default: 20); a file has all",
    )
    parser.add_argument("--csv", metavar="FILE", help="write all lines to a file; - is the output")


def run(options: argparse.Namespace) -> int:
    """Compare, and print."""
    lines = sorted(compared(options), key=_disagreement, reverse=True)
    if not lines:
        raise NothingFound("The two sides have no record in common that can be compared.")
    if options.csv == "-":
        _write(lines, sys.stdout)
        return 0
    if options.csv is not None:
        with open(options.csv, "w", newline="", encoding="utf-8") as file:
            _write(lines, file)
    _print(lines[: options.most])
    if len(lines) > options.most:
        where = "--csv FILE has them" if options.csv is None else f"{options.csv} has them"
        print(f"... and {len(lines) - options.most} more: {where}.")
    return 0


def compared(options: argparse.Namespace) -> Iterator[Line]:
    """A line for each record and example of both sides."""
    a = opened_run(options.run)
    b = a if options.run_b is None else opened_run(options.run_b)
    step_a, step_b = step_of(options.a, a), step_of(options.b, b)
    if a.probes_hash != b.probes_hash:
        raise Misuse(
            "the two runs watch different examples "
            f"({str(a.probes_hash)[:8]} and {str(b.probes_hash)[:8]}); only equal ones are compared"
        )
    keys = list(a.keys) if options.records is None else keys_of(options.records, a)
    names = example_names(a)
    with Progress("records") as progress:
        for place, key in enumerate(keys):
            found = _diff(a, step_a, b, step_b, key)
            columns = () if found is None else (found.cosine, found.spearman, found.top10)
            for row, figures in enumerate(zip(*columns, strict=True)):
                name = names[row] if row < len(names) else ""
                yield Line(key, row, name, *map(float, figures))
            progress(place + 1, len(keys))


def _diff(a: Run, step_a: int, b: Run, step_b: int, key: str) -> Diff | None:
    """The difference of a record, where both sides have it and it is one of the examples' maps."""
    if a.specs[key].rows is not None or not turns(a.specs[key]) or key not in b.keys:
        return None
    try:
        one, other = a.load(key, step_a), b.load(key, step_b)
    except UnknownRecord:
        return None
    except DamagedRecord as error:
        print(error, file=sys.stderr)
        return None
    return diff(one, other) if one.shape == other.shape else None


def _disagreement(line: Line) -> float:
    return -1.0 if math.isnan(line.cosine) else line.cosine


def _write(lines: list[Line], file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(Line._fields)
    for line in lines:
        figures = ("" if math.isnan(figure) else f"{figure:.6g}" for figure in line[3:])
        writer.writerow([safe(line.record), line.row, safe(line.label), *figures])


def _print(lines: list[Line]) -> None:
    names = [(plain(line.record), plain(f"{line.row} {line.label}")) for line in lines]
    wide = [max(map(len, column)) for column in zip(("record", "example"), *names, strict=True)]
    print(f"{'record':{wide[0]}}  {'example':{wide[1]}}  1-cosine  1-rank corr.  top 10%")
    for line, (record, example) in zip(lines, names, strict=True):
        print(
            f"{record:{wide[0]}}  {example:{wide[1]}}"
            f"  {line.cosine:8.3f}  {line.spearman:12.3f}  {line.top10:7.2f}"
        )
