"""Makes `models.md` from what the matrix of methods, kinds of model and backends found.

pytest -n 0 tests/backends/test_matrix.py --models
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Cells = Mapping[str, Mapping[str, Mapping[str, Any]]]

PEERS = {
    "Functional, residual": ("5 of 5", "2 of 2", "2 of 2"),
    "Sequential": ("3 of 5", "0 of 2", "2 of 2"),
    "one sigmoid": ("5 of 5", "2 of 2", "2 of 2"),
    "nested two deep": ("3 of 5", "1 of 2", "1 of 2"),
    "two inputs": ("1 of 5", "1 of 2", "0 of 2"),
    "subclassed": ("2 of 5", "0 of 2", "0 of 2"),
    "recurrent": ("1 of 5", "2 of 2", "1 of 1"),
    "regression, of a table": ("0 of 3", "1 of 1", "1 of 1"),
    "transformer of tokens": ("0 of 3", "0 of 1", "0 of 1"),
}
"""How many of their methods returned anything, on the nearest kind of model."""

INTRODUCTION = """\
# Does it work with my model?

Every method on every kind of model, on TensorFlow, JAX and PyTorch: {cells:,} cells, made and held
true by `pytest tests/backends/test_matrix.py`. A tick means that all three backends return finite
records of the promised shape and sign, and that at the same weights these agree to 1e-4 of their
largest value; [below](#where-backends-part) is where that cannot be. (TensorFlow's convolutions
take no channels first on a CPU: there it is the other two.) A number says why a method does not
apply: the same on all backends, and told before the first batch.
"""
APART = """\
## Where backends part

- `activation_maximization` climbs through dozens of steps, each of which makes the rounding of the
  last one larger: its pictures are only held to {climbing:.0%}, what they reach to {reached:.1%};
  `counterfactual` and `meaningful_perturbation`, which go by steps too, to {steps:.0%}.
- `agreement` counts ranks, and two values as good as equal may change places: {ranks:.0%}.
- `tcav/p_value` is of a test over counts of signs, and a product near zero may have either sign.
- What is zero but for rounding is compared as such: each `gap` of a sum that is exact, and the
  gradient of a weight that does not matter, such as the bias of attention's keys.
"""
BESIDE = """\
## Beside others

How many methods return anything of the right shape, on Keras 3 with TensorFlow, by their default
use on eight examples; the others' were measured once, on the nearest kind of model.
"""


def page(cells: Cells, bounds: Mapping[str, float]) -> str:
    """The page, from each kind's cells by method."""
    kinds = list(cells)
    methods = sorted(set(next(iter(cells.values()))) - {"predictions", "scores"})
    why: list[str] = []
    rows = []
    for method in methods:
        marks = []
        for kind in kinds:
            cell = cells[kind][method]
            if "why" not in cell:
                marks.append("✓")
                continue
            reason = short(cell["why"])
            if reason not in why:
                why.append(reason)
            marks.append(str(why.index(reason) + 1))
        rows.append(f"| `{method}` | " + " | ".join(marks) + " |")
    letters = [chr(ord("A") + n) for n in range(len(kinds))]
    ours = {k: sum("why" not in cells[k][method] for method in methods) for k in kinds}
    lines = [
        INTRODUCTION.format(cells=3 * len(kinds) * len(methods)),
        "| | " + " | ".join(letters) + " |",
        "| --- |" + " --- |" * len(kinds),
        *rows,
        "",
        *(f"{letter}: {kind}  " for letter, kind in zip(letters, kinds, strict=True)),
        "",
        *(f"{n}. {reason}" for n, reason in enumerate(why, 1)),
        "",
        APART.format(**bounds),
        BESIDE,
        "| model | keras_explain | tf-explain | tf-keras-vis | xplique |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {kind} | {ours[kind]} of {len(methods)} | " + " | ".join(PEERS[kind]) + " |"
            for kind in kinds
            if kind in PEERS
        ),
    ]
    return "\n".join(lines) + "\n"


def short(reason: str) -> str:
    """The reason without what is particular to one model."""
    return re.split(r" Known: | Received[:,] ", reason)[0].rstrip(".")
