"""What the numbers of a record are, and in which unit: said by the method, kept, shown in the tab.

Two records compare where both words are the same and known. A file without them reads as unknown:
its records are drawn, and nothing is said of how they compare.
"""

from __future__ import annotations

from collections.abc import Mapping

UNKNOWN = "unknown"

QUANTITIES: Mapping[str, str] = {
    "attribution": "what each value adds to the score, signed",
    "sensitivity": "how much the score changes with each value: a gradient, or its size",
    "relevance": "what the rules of layer-wise relevance propagation give to each value",
    "importance": "how much each place counts, by a measure of the method's own",
    "activation": "what a layer returns",
    "change": "by how much each value is changed",
    "mask": "how much of each value is taken away",
    "input": "an input that the method made",
    "coordinate": "where an example lies in a plane",
    "prediction": "what the model predicts, and the score that is explained",
    "figure": "single numbers, each with a name",
    "histogram": "counts in bins",
    UNKNOWN: "not said",
}
"""By the word that is kept, what it means."""

UNITS: Mapping[str, str] = {
    "score": "the unit of the score, such as a logit",
    "score per region": (
        "the unit of the score; every value of a region (patch, window, superpixel) has the number "
        "of the whole region, so values are not summed"
    ),
    "score per input unit": "the unit of the score, per unit of the input",
    "score per layer unit": "the unit of the score, per unit of the layer's output",
    "loss per weight unit": "the unit of the loss, per unit of the weight",
    "input": "the unit of the input",
    "layer": "the unit of the layer's output",
    "output": "the unit of the model's output, which the task tells",
    "probability": "a probability",
    "share": "a share of a whole",
    "several": "each number has its own; its name says which",
    "none": "a number without a unit",
    UNKNOWN: "not said",
}
"""By the word that is kept, what it means."""

SQUARED = ", squared"
"""Ending of the unit of squares, such as a variance."""

WITHOUT_SQUARE = frozenset({"probability", "share", "none"})

EXPLAINING = frozenset({"attribution", "sensitivity", "relevance", "importance", "change", "mask"})
"""Quantities that explain an example; the others describe it, the network, or other records."""


def is_unit(unit: object) -> bool:
    """Whether this is a unit that a record can have."""
    return isinstance(unit, str) and (unit in UNITS or unit.removesuffix(SQUARED) in _SQUARES)


def at_layer(unit: str) -> str:
    """What a unit becomes where the numbers lie on a layer's output instead of an input."""
    return {"score per input unit": "score per layer unit", "input": "layer"}.get(unit, unit)


def squared(unit: str) -> str:
    """The unit of the square of such numbers."""
    if unit in _SQUARES:
        return unit + SQUARED
    return "none" if unit in WITHOUT_SQUARE else UNKNOWN


_SQUARES = frozenset(UNITS) - WITHOUT_SQUARE - {UNKNOWN, "several"}
