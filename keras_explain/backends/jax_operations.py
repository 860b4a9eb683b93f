"""What JAX computed a tensor from, and whether that was linear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jax import numpy

from .made import Kinds, Linear, Made, linear_of
from .trail import Trail

KINDS: Kinds = {
    Linear.ALWAYS: frozenset({
        "add", "add_any", "concatenate", "convert_element_type", "copy", "copy_p", "cumsum", "neg",
        "optimization_barrier", "reduce_precision", "reduce_sum", "reduce_window_sum", "split",
        "stack", "sub", "tile", "unstack",
    }),
    Linear.IN_FIRST: frozenset({
        "broadcast_in_dim", "div", "dynamic_slice", "gather", "pad", "reshape", "rev", "slice",
        "squeeze", "transpose",
    }),
    Linear.IN_ONE: frozenset({"conv_general_dilated", "dot_general", "mul"}),
    Linear.CHOICE: frozenset({"select_n"}),
    Linear.SCALES: frozenset({
        "abs", "clamp", "max", "min", "reduce_max", "reduce_min", "reduce_window_max", "sort",
        "top_k",
    }),
    Linear.DECIDES: frozenset({
        "and", "argmax", "argmin", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "reduce_and",
        "reduce_or",
    }),
}  # fmt: skip
FUNCTIONS = frozenset({
    "checkpoint", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "jit", "pjit",
    "remat", "remat2",
})  # fmt: skip
"""Functions that are called as one operation, by a parameter that ends in `jaxpr`."""
UNDERIVED = "stop_gradient"


def made_by(tensor: Any) -> Made | None:
    """How a tensor of a trace was made; None for what was given to it, or computed outside."""
    operation = getattr(tensor, "parent", None)
    if operation is None:
        return None
    kind = operation.primitive.name
    name = f"{operation.source_info.name_stack}/{kind}".strip("/")
    inputs = () if kind == UNDERIVED else tuple(operation.in_tracers)
    if kind in FUNCTIONS:
        return _Function(kind, name, inputs, Linear.NEVER, operation.params)
    linear = linear_of(kind, KINDS)
    if linear is not Linear.DECIDES and not _is_float(tensor):
        linear = Linear.NEVER
    return Made(kind, name, inputs, linear)


def key_of(tensor: Any) -> str:
    """A name that is the tensor's own as long as it lives."""
    return f"tensor {id(getattr(tensor, 'val', tensor))}"


@contextmanager
def followed() -> Iterator[Trail]:
    """Follow what is computed inside the block; a trace remembers it by itself."""
    yield Trail(key_of, _inputs_of, _carries)


def _inputs_of(tensor: Any) -> tuple[Any, ...]:
    made = made_by(tensor)
    return () if made is None else made.inputs


def _carries(tensor: Any) -> bool:
    return bool(numpy.issubdtype(tensor.dtype, numpy.inexact))


@dataclass(frozen=True)
class _Function(Made):
    """A function that was called as one operation; `parameters` are the operation's."""

    parameters: Mapping[str, Any]

    def is_linear(self, varies: Sequence[bool]) -> bool:
        """Whether all is that it does with what varies."""
        return _is_linear_inside(self.parameters, varies)

    @property
    def has_right_gradient(self) -> bool:
        """Whether that of all is right that it does."""
        return Linear.NEVER not in _inside(self.parameters)


def _body(parameters: Mapping[str, Any]) -> Any:
    inside = next(value for name, value in parameters.items() if name.endswith("jaxpr"))
    return getattr(inside, "jaxpr", inside)


def _inside(parameters: Mapping[str, Any]) -> set[Linear]:
    """How linear the operations are that a function consists of."""
    found: set[Linear] = set()
    for operation in _body(parameters).eqns:
        kind = operation.primitive.name
        found |= _inside(operation.params) if kind in FUNCTIONS else {linear_of(kind, KINDS)}
    return found


def _is_linear_inside(parameters: Mapping[str, Any], given: Sequence[bool]) -> bool:
    inside = _body(parameters)
    varies = {v for v, varying in zip(inside.invars, given, strict=True) if varying}
    faults = set()
    for operation in inside.eqns:
        kind = operation.primitive.name
        which = [not hasattr(v, "val") and v in varies for v in operation.invars]
        if kind == UNDERIVED or not any(which):
            continue
        varies.update(operation.outvars)
        is_linear = (
            _is_linear_inside(operation.params, which)
            if kind in FUNCTIONS
            else Made(kind, kind, (), linear_of(kind, KINDS)).is_linear(which)
        )
        if not is_linear or not all(map(_is_float, operation.outvars)):
            faults.update(operation.outvars)
    needed = {v for v in inside.outvars if not hasattr(v, "val")}
    for operation in reversed(inside.eqns):
        if needed.intersection(operation.outvars):
            needed.update(v for v in operation.invars if not hasattr(v, "val"))
    return not faults & needed


def _is_float(tensor: Any) -> bool:
    return bool(numpy.issubdtype(tensor.aval.dtype, numpy.floating))
