"""Makes `models.md` from what the matrix of methods, kinds of model and backends found.

pytest -n 0 tests/backends/test_matrix.py --models
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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

Every method on every kind of model: {cells:,} cells, each on TensorFlow, JAX and PyTorch, held true
by `pytest tests/backends/test_matrix.py`. A tick means that all three backends return finite
records of the promised shape and sign, and that at the same weights these agree to 1e-4 of their
largest value; [below](#where-backends-part) is where that cannot be. (TensorFlow's convolutions
take no channels first on a CPU: there it is the other two. Strings are TensorFlow's alone. XLA
without its optimizations, as the tests run it, returns NaN for DebertaV3: JAX is not compared.) A
number says [why a method does not apply](#why-not): the same on all backends, and told before the
first batch. Each kind is also trained with the callback's defaults: the logged predictions equal
`model.predict`, `probe_loss` equals `model.evaluate`, and no default map is all zeros.
"""
APART = """\
## Where backends part

- `activation_maximization` climbs through dozens of steps, each of which makes the rounding of the
  last one larger: its pictures are only held to {climbing:.0%}, what they reach to {reached:.1%};
  `counterfactual` and `meaningful_perturbation`, which go by steps too, to {steps:.0%}.
- `agreement` counts ranks, and two values as good as equal may change places: {ranks:.0%}.
- `tcav/p_value` is of a test over counts of signs, and a product near zero may have either sign.
- On TensorFlow alone, keras-hub's Llama and Mistral attend by a softmax layer: it is heard
  (`gradient_flow`), and where all words are hidden it attends otherwise than the others' fused
  attention (`kernel_shap`, `lime`, `rise`, `shapley_sampling`).
- PyTorch does not tell what a `where` chooses by, so that `deep_lift` refuses DebertaV3 and Gemma
  there, and runs the steps of a custom recurrent cell one by one, so that it is heard.
- What is zero but for rounding is compared as such: each `gap` of a sum that is exact, and the
  gradient of a weight that does not matter, such as the bias of attention's keys.
"""
BESIDE = """\
## Beside others

How many methods return anything of the right shape, on Keras 3 with TensorFlow, by their default
use on eight examples; the others' were measured once, on the nearest kind of model.
"""


def page(groups: Mapping[str, Cells], bounds: Mapping[str, float]) -> str:
    """The page, from the kinds of each group, and each kind's cells by method."""
    cells = {kind: found for group in groups.values() for kind, found in group.items()}
    methods = sorted(set(next(iter(cells.values()))) - {"predictions", "scores"})
    why: list[str] = []
    tables = [line for name, group in groups.items() for line in table(name, group, methods, why)]
    ours = {k: sum("why" not in cells[k][method] for method in methods) for k in cells}
    lines = [
        INTRODUCTION.format(cells=len(cells) * len(methods)),
        *tables,
        "## Why not",
        "",
        *(f"{n}. {reason}" for n, reason in enumerate(why, 1)),
        "",
        APART.format(**bounds),
        BESIDE,
        "| model | keras_explain | tf-explain | tf-keras-vis | xplique |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {kind} | {ours[kind]} of {len(methods)} | " + " | ".join(PEERS[kind]) + " |"
            for kind in cells
            if kind in PEERS
        ),
    ]
    return "\n".join(lines) + "\n"


def table(name: str, kinds: Cells, methods: Sequence[str], why: list[str]) -> list[str]:
    """The methods on some kinds; a reason that is new is added to `why`."""
    rows = []
    for method in methods:
        marks = []
        for cells in kinds.values():
            if "why" not in cells[method]:
                marks.append("✓")
                continue
            reason = short(cells[method]["why"])
            if reason not in why:
                why.append(reason)
            marks.append(str(why.index(reason) + 1))
        rows.append(f"| `{method}` | " + " | ".join(marks) + " |")
    letters = [chr(ord("A") + n) for n in range(len(kinds))]
    return [
        f"## {name}",
        "",
        "| | " + " | ".join(letters) + " |",
        "| --- |" + " --- |" * len(kinds),
        *rows,
        "",
        *(f"{letter}: {kind}  " for letter, kind in zip(letters, kinds, strict=True)),
        "",
    ]


def short(reason: str) -> str:
    """The reason without what is particular to one model."""
    return re.split(r" Known: | Received[:,] ", reason)[0].rstrip(".")
