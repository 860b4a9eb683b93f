"""Compare with an independent implementation, and keep the figure for the table in the docs.

`pytest --agreement` writes what was measured into `docs/agreement.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

TABLE = Path(__file__).parents[1] / "docs" / "agreement.json"

_measured: dict[tuple[str, str], dict[str, Any]] = {}


def agrees(
    method: str,
    against: str,
    found: Any,
    expected: Any,
    within: float = 1e-4,
    *,
    sampled: bool = False,
) -> None:
    """Assert that two arrays agree, and note how well.

    Args:
        method: Registered name of the method.
        against: What it is checked against: "Captum", "zennit", "NumPy", "closed form" ...
        found: Ours.
        expected: Theirs; must not be all zero.
        within: Largest difference allowed, as a share of the largest expected magnitude.
        sampled: Whether `within` is a sampling error rather than rounding.
    """
    found, expected = np.asarray(found, "f8"), np.asarray(expected, "f8")
    assert found.shape == expected.shape
    size = np.abs(expected).max()
    assert np.isfinite(expected).all()
    assert size > 0, "nothing to compare with"
    difference = float(np.abs(found - expected).max() / size)
    assert difference <= within, f"{method} is {difference:.2g} from {against}, not {within:.2g}"
    before = _measured.get((method, against), {"difference": 0.0})
    _measured[method, against] = {
        "difference": max(difference, before["difference"]),
        "within": within,
        "sampled": sampled,
    }


def write() -> None:
    """Merge what this run measured into the table."""
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    for (method, against), entry in _measured.items():
        table.setdefault(method, {})[against] = entry
    ordered = {name: dict(sorted(table[name].items())) for name in sorted(table)}
    TABLE.write_text(json.dumps(ordered, indent=1) + "\n")
