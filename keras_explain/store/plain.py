"""Turn what people pass (tuples, NumPy scalars, small arrays) into plain JSON and read it back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


MAX_DEPTH = 20


def plain(value: Any, depth: int = 0) -> Any:
    """`value` as JSON that every language reads.

    JSON has no infinities, so a non-finite float becomes "NaN", "Infinity" or "-Infinity",
    which both Python's `float` and JavaScript's `Number` turn back into the number.

    Raises:
        ValueError: for a value that JSON cannot hold, or one nested `MAX_DEPTH` deep.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"Values must not be nested more than {MAX_DEPTH} deep.")
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _name_of_non_finite(value)
    if isinstance(value, Mapping):
        return {str(name): plain(item, depth + 1) for name, item in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        return [plain(item, depth + 1) for item in value]
    raise ValueError(
        "Only numbers, text, sequences and mappings can be stored beside a record. "
        f"Received: {value!r} of type {type(value).__name__}"
    )


def _name_of_non_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def dumps(value: Any) -> str:
    """`value`, already plain, as compact ASCII JSON (lone surrogates survive as escapes)."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def loads(text: str | bytes | bytearray) -> Any:
    """JSON from a stranger.

    Raises:
        ValueError: for whatever is not JSON, including nesting too deep to parse.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply.") from error
