"""What a record is, and what a step says about itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .format.forms import form_of
from .format.meaning import QUANTITIES, SQUARED, UNITS, UNKNOWN, is_unit
from .plain import JSON, plain

SCHEMA = 1
"""Version of the files. A reader refuses every other."""

STATS = ("min", "max", "mean", "p1", "p5", "p50", "p95", "p99", "finite", "zero", "drift")
"""Columns of a record's statistics, one figure a row each."""

SHOWN = ("all", "sum", "max")
"""How the axis "channel" becomes pictures: one each, or one of their sum or maximum."""

PRECISIONS = ("float16", "float32")
"""How numbers are stored: as float16 with a scale a row, or as they are."""

SCORES = ("logit", "probability", "output")
"""What kind of number is explained."""

SUFFIXES = ("#scale", "#crc32", "#stats")
"""Names of a record's side tensors: its key and one of these."""

MAX_NAME = 1_000
MAX_ERROR = 2_000


def require(holds: bool, rule: str, received: object) -> None:
    """Raise a `ValueError` that says the `rule` and what was `received`, unless it `holds`."""
    if not holds:
        raise ValueError(f"{rule} Received: {received!r}")


def is_name(value: object) -> bool:
    """Whether `value` is text of a bearable length."""
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME


def is_int(value: object) -> bool:
    """Whether `value` is an integer that fits 53 bits (what JSON readers agree on)."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


@dataclass(frozen=True)
class RecordSpec:
    """The meaning of one array of one method (and layer).

    The array itself is float32 `(rows, *row_shape)`: one row a probe, or one a name in `rows`.

    Attributes:
        key: Name of the record in its run, such as "grad_cam/conv5".
        method: Registered name of the method, such as "grad_cam".
        axes: Names of the axes of one row, such as `("height", "width", "channel")`.
        signed: Whether the values have two directions around zero.
        shown: One of `SHOWN`.
        layer: Name of the layer that the values belong to, if any.
        input: Name of the model's input that the map lies on, if any.
        rows: Names of the rows where a row is not a probe (weight paths).
        labels: By axis, the names of its entries; for "bin" the edges, one more than bins.
        options: The fields of the method, and what it found out about the layer.
        title: What a person reads, such as "Grad-CAM".
        precision: One of `PRECISIONS`; "float32" for rows that mix sizes far apart.
        quantity: What the numbers are, one of `format.meaning.QUANTITIES`.
        unit: Their unit, one of `format.meaning.UNITS`, or such a unit squared.
    """

    key: str
    method: str
    axes: tuple[str, ...]
    signed: bool
    shown: str = "all"
    layer: str | None = None
    input: str | None = None
    rows: tuple[str, ...] | None = None
    labels: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    options: Mapping[str, JSON] = field(default_factory=dict)
    title: str = ""
    precision: str = "float16"
    quantity: str = UNKNOWN
    unit: str = UNKNOWN

    def __post_init__(self) -> None:
        """Check the fields, and make them as plain as they come back from a file."""
        require(is_name(self.key), f"`key` must be text of 1 to {MAX_NAME} characters.", self.key)
        require(
            not self.key.endswith(SUFFIXES) and self.key != "__metadata__",
            f"`key` must not end with {', '.join(SUFFIXES)} or be '__metadata__'.",
            self.key,
        )
        require(is_name(self.method), "`method` must be the name of a method.", self.method)
        require(self.shown in SHOWN, f"`shown` must be one of {', '.join(SHOWN)}.", self.shown)
        require(
            self.precision in PRECISIONS,
            f"`precision` must be one of {', '.join(PRECISIONS)}.",
            self.precision,
        )
        require(
            isinstance(self.quantity, str) and self.quantity in QUANTITIES,
            f"`quantity` must be one of {', '.join(QUANTITIES)}.",
            self.quantity,
        )
        require(
            is_unit(self.unit),
            f"`unit` must be one of {', '.join(UNITS)}, or one that ends with {SQUARED!r}.",
            self.unit,
        )
        require(isinstance(self.signed, bool), "`signed` must be a bool.", self.signed)
        require(isinstance(self.title, str), "`title` must be text.", self.title)
        for name in ("layer", "input"):
            value = getattr(self, name)
            require(value is None or isinstance(value, str), f"`{name}` must be text.", value)
        self._freeze("axes", _names("axes", self.axes))
        require(len(set(self.axes)) == len(self.axes), "`axes` must differ.", self.axes)
        if self.rows is not None:
            self._freeze("rows", _names("rows", self.rows))
        labels, options = plain(self.labels), plain(self.options)
        require(isinstance(options, dict), "`options` must be a mapping.", self.options)
        require(
            isinstance(labels, dict) and all(isinstance(of, list) for of in labels.values()),
            "`labels` must map an axis to a sequence.",
            self.labels,
        )
        self._freeze("labels", {axis: tuple(entries) for axis, entries in labels.items()})
        self._freeze("options", options)

    def _freeze(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def form(self) -> str:
        """How it is drawn, one of `format.forms.FORMS`."""
        return form_of(self)

    def to_json(self) -> dict[str, JSON]:
        """Every field but `key`, as plain JSON."""
        return {
            "method": self.method,
            "axes": list(self.axes),
            "signed": self.signed,
            "shown": self.shown,
            "layer": self.layer,
            "input": self.input,
            "rows": None if self.rows is None else list(self.rows),
            "labels": {axis: list(entries) for axis, entries in self.labels.items()},
            "options": dict(self.options),
            "title": self.title,
            "precision": self.precision,
            "quantity": self.quantity,
            "unit": self.unit,
        }

    @classmethod
    def from_json(cls, key: str, fields: Any) -> RecordSpec:
        """The inverse of `to_json`.

        Raises:
            ValueError: if a field is missing, unknown or not what it should be.
        """
        require(isinstance(fields, dict), "A record's fields must be a mapping.", type(fields))
        try:
            return cls(key=key, **fields)
        except TypeError as error:  # a missing or unknown field
            raise ValueError(f"The fields of record {key!r} are not those of schema 1.") from error


def _names(field_name: str, values: Any) -> tuple[str, ...]:
    require(
        isinstance(values, Sequence) and not isinstance(values, str) and all(map(is_name, values)),
        f"`{field_name}` must be a sequence of names.",
        values,
    )
    return tuple(values)


@dataclass(frozen=True)
class Failure:
    """Something that went wrong while explaining, and did not stop the training.

    Attributes:
        step: When it happened.
        source: Which part failed, such as the name of a method.
        error: What it said; cut to `MAX_ERROR` characters.
    """

    step: int
    source: str
    error: str

    def __post_init__(self) -> None:
        """Check the fields."""
        require(is_int(self.step), "`step` must be an integer.", self.step)
        require(isinstance(self.source, str), "`source` must be text.", self.source)
        require(isinstance(self.error, str), "`error` must be text.", self.error)
        object.__setattr__(self, "source", self.source[:MAX_NAME])
        object.__setattr__(self, "error", self.error[:MAX_ERROR])


@dataclass(frozen=True)
class StepInfo:
    """What one logged step says about itself.

    Attributes:
        step: TensorBoard's step, at least -1 (before the first update).
        wall_time: Seconds since the epoch.
        targets: Index of the output explained, one a probe.
        epoch: Number of the epoch as Keras counts, from 0; None outside of one.
        batch: Number of the batch in it; None at the end of an epoch.
        logs: Keras's logs (loss, accuracy, ...).
        score: What kind of number is explained, one of `SCORES`.
        target: What is explained, in words, such as "true minus the highest other"; None where it
            is not known.
        failures: What failed since the step logged before.
        totals: Counts over the run so far, such as `{"failures": 2, "dropped": 0}`.
        seconds: Durations by name, such as `{"pass": 0.2}`.
    """

    step: int
    wall_time: float
    targets: Sequence[int]
    epoch: int | None = None
    batch: int | None = None
    logs: Mapping[str, float] = field(default_factory=dict)
    score: str = "logit"
    target: str | None = None
    failures: Sequence[Failure] = ()
    totals: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the fields, and make them as plain as they come back from a file."""
        require(
            is_int(self.step) and -1 <= self.step < 10**10 - 1,
            "`step` must be an integer from -1 to 9999999998.",
            self.step,
        )
        for name in ("epoch", "batch"):
            value = getattr(self, name)
            require(value is None or is_int(value), f"`{name}` must be an integer.", value)
        require(self.score in SCORES, f"`score` must be one of {', '.join(SCORES)}.", self.score)
        require(
            self.target is None or is_name(self.target),
            f"`target` must be text of 1 to {MAX_NAME} characters.",
            self.target,
        )
        self._freeze("wall_time", _number("wall_time", self.wall_time))
        require(math.isfinite(self.wall_time), "`wall_time` must be finite.", self.wall_time)
        targets = self.targets if _are_ints(self.targets) else plain(self.targets)
        require(_are_ints(targets), "`targets` must be integers, one a probe.", self.targets)
        self._freeze("targets", tuple(targets))
        self._freeze("failures", tuple(self.failures))
        self._freeze("logs", _numbers("logs", self.logs))
        self._freeze("seconds", _numbers("seconds", self.seconds))
        totals = plain(self.totals)
        require(
            isinstance(totals, dict) and all(map(is_int, totals.values())),
            "`totals` must map names to counts.",
            self.totals,
        )
        self._freeze("totals", totals)

    def _freeze(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def to_json(self) -> dict[str, JSON]:
        """Every field as plain JSON."""
        fields: dict[str, JSON] = plain({**vars(self), "failures": ()})
        fields["failures"] = [dict(vars(failure)) for failure in self.failures]
        return fields

    @classmethod
    def from_json(cls, fields: Any) -> StepInfo:
        """The inverse of `to_json`.

        Raises:
            ValueError: if a field is missing, unknown or not what it should be.
        """
        require(isinstance(fields, dict), "A step's fields must be a mapping.", type(fields))
        failures = fields.get("failures", ())
        require(isinstance(failures, list), "`failures` must be a list.", type(failures))
        try:
            return cls(**{**fields, "failures": [Failure(**failure) for failure in failures]})
        except TypeError as error:  # a missing or unknown field
            raise ValueError("The fields of the step are not those of schema 1.") from error


def _are_ints(values: object) -> bool:
    """`is_int` of a whole list, at once: there may be very many."""
    if not isinstance(values, list) or not set(map(type, values)) <= {int}:
        return False
    return not values or (is_int(min(values)) and is_int(max(values)))


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"`{name}` must be a number. Received: {value!r}") from error


def _numbers(name: str, values: Any) -> dict[str, float]:
    require(isinstance(values, Mapping), f"`{name}` must map names to numbers.", values)
    return {str(key): _number(f"{name}[{key!r}]", value) for key, value in values.items()}
