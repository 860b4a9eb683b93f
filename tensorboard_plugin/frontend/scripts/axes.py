"""Write `src/core/axes.json`: what the axes of records mean, as Python says it.

Run it again after a change of `keras_explain/store/format/axes.py`, and commit the result:

    python scripts/axes.py
"""

import json
from pathlib import Path

from keras_explain.store.format.axes import ROLES

TARGET = Path(__file__).parents[1] / "src" / "core" / "axes.json"


def text() -> str:
    """The file."""
    return json.dumps({role: list(axes) for role, axes in ROLES.items()}, indent=2) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
