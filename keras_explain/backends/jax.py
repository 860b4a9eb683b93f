"""Compile and differentiate on JAX.

JAX differentiates functions, not what has been computed. So that a method can ask for the gradient
at any tensor, its question is traced as an operation of its own, and answered when the trace is
run: by a tape over the operations before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, mlir
from numpy.typing import NDArray

from . import jax_activations
from .jax_operations import followed as followed
from .jax_operations import key_of as key_of
from .jax_operations import made_by as made_by
from .jax_weights import values_of

activations = jax_activations

IS_TRACED = True
"""Whether the Python of a compiled function runs once for all calls."""


def compiled(function: Callable[..., Any], *variables: Sequence[Any]) -> Callable[..., Any]:
    """`function` as one graph, traced once for each set of argument shapes.

    Args:
        function: Its first arguments are the values that the variables have at each call, one list
            for each that is given here. It must not touch the variables themselves.
        *variables: Lists of Keras variables.
    """
    return _Compiled(function, variables)


class _Compiled:
    def __init__(self, function: Callable[..., Any], variables: Sequence[Sequence[Any]]) -> None:
        self._lengths = [len(some) for some in variables]
        self._variables = [variable for some in variables for variable in some]
        self._graph = jax.jit(partial(_differentiated, function))

    def __call__(self, *arguments: Any) -> Any:
        return self._graph(*self._values(), *arguments)

    def trace(self, *arguments: Any) -> None:
        self._graph.trace(*self._values(), *arguments)

    def _values(self) -> list[list[Any]]:
        values = iter(values_of(self._variables))
        return [list(islice(values, length)) for length in self._lengths]


def _differentiated(function: Callable[..., Any], *arguments: Any) -> Any:
    """What `function` returns, with the gradients that it asked for."""
    closed, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
    tape = _Tape(closed.jaxpr)
    found = tape.run([*closed.consts, *jax.tree.leaves(arguments)])
    return jax.tree.unflatten(jax.tree.structure(shapes), found)


def trace(function: _Compiled, *arguments: Any) -> None:
    """Trace a compiled `function` for these arguments without running it."""
    function.trace(*arguments)


class Recording:
    """What ran inside `recording`, ready to be differentiated several times."""

    def gradients(self, objective: Any, at: Sequence[Any]) -> list[Any]:
        """Gradients of the scalar `objective` at recorded tensors; zeros where it ignores one."""
        return list(_gradients_p.bind(objective, *at)) if at else []


@contextmanager
def recording(sources: Sequence[Any]) -> Iterator[Recording]:
    """Record all that is computed from the tensors `sources`, to be differentiated later."""
    yield Recording()


_gradients_p = Primitive("keras_explain_gradients")
_gradients_p.multiple_results = True
_gradients_p.def_abstract_eval(lambda objective, *at: [one.strip_weak_type() for one in at])


@dataclass
class _Tape:
    """Runs a trace, and keeps the way back of what gradients are asked through.

    Attributes:
        jaxpr: The trace.
        values: What each of its variables is.
        ways: Each operation that ran on the way, which of its inputs vary, and the way back.
    """

    jaxpr: Any
    values: dict[Any, Any] = field(default_factory=dict)
    ways: list[tuple[Any, list[int], Callable[..., Any]]] = field(default_factory=list)

    def run(self, given: Sequence[Any]) -> list[Any]:
        """What the trace returns for these constants and arguments."""
        equations = self.jaxpr.eqns
        self.values = dict(zip((*self.jaxpr.constvars, *self.jaxpr.invars), given, strict=True))
        asked = [n for n, one in enumerate(equations) if one.primitive is _gradients_p]
        begin = {v for n in asked for v in equations[n].invars[1:] if not _is_literal(v)}
        varies = begin.intersection(self.values)
        for n, equation in enumerate(equations):
            if equation.primitive is _gradients_p:
                made = self._gradients(*equation.invars)
            elif asked and n < asked[-1]:
                places = [
                    place
                    for place, v in enumerate(equation.invars)
                    if not _is_literal(v) and v in varies and _is_float(v.aval)
                ]
                made = self._taped(equation, places)
                if places:
                    varies.update(equation.outvars)
            else:
                made = _bound(equation, self._read(equation.invars))
            varies |= begin.intersection(equation.outvars)
            self.values.update(zip(equation.outvars, made, strict=True))
        return self._read(self.jaxpr.outvars)

    def _read(self, variables: Sequence[Any]) -> list[Any]:
        return [v.val if _is_literal(v) else self.values[v] for v in variables]

    def _taped(self, equation: Any, places: list[int]) -> list[Any]:
        given = self._read(equation.invars)
        if not places:
            return _bound(equation, given)

        def of_varying(*varying: Any) -> list[Any]:
            inputs = list(given)
            for place, value in zip(places, varying, strict=True):
                inputs[place] = value
            return _bound(equation, inputs)

        made, pull = jax.vjp(of_varying, *(given[place] for place in places))
        self.ways.append((equation, places, pull))
        return made

    def _gradients(self, objective: Any, *at: Any) -> list[Any]:
        """One sweep back from the objective."""
        arrived: dict[Any, Any] = {}
        if not _is_literal(objective):
            arrived[objective] = jnp.ones_like(self.values[objective])
        for equation, places, pull in reversed(self.ways):
            if not any(v in arrived for v in equation.outvars):
                continue
            cotangents = [
                arrived[v] if v in arrived else _nothing(v.aval) for v in equation.outvars
            ]
            for place, cotangent in zip(places, pull(cotangents), strict=True):
                v = equation.invars[place]
                arrived[v] = arrived[v] + cotangent if v in arrived else cotangent
        return [
            arrived[v]
            if not _is_literal(v) and v in arrived
            else jnp.zeros(v.aval.shape, v.aval.dtype)
            for v in at
        ]


def _bound(equation: Any, inputs: Sequence[Any]) -> list[Any]:
    """What an operation of a trace makes of its inputs."""
    primitive = equation.primitive
    parameters = primitive.get_bind_params(equation.params)
    functions, parameters = parameters if isinstance(parameters, tuple) else ((), parameters)
    made = primitive.bind(*functions, *inputs, **parameters)
    return list(made) if primitive.multiple_results else [made]


def _is_literal(variable: Any) -> bool:
    return hasattr(variable, "val")


def _is_float(aval: Any) -> bool:
    return bool(jnp.issubdtype(aval.dtype, jnp.floating))


def _nothing(aval: Any) -> Any:
    """The cotangent of what does not matter."""
    if _is_float(aval):
        return jnp.zeros(aval.shape, aval.dtype)
    return np.zeros(aval.shape, jax.dtypes.float0)


def eagerly() -> AbstractContextManager[None]:
    """What is computed in this context is computed at once, also while a function is traced."""
    scope: AbstractContextManager[None] = jax.ensure_compile_time_eval()
    return scope


def numpy_of(tensor: Any) -> NDArray[Any]:
    """The tensor as a NumPy array; on the CPU without a copy."""
    return np.asarray(tensor)


def wait(tensors: Any) -> None:
    """Return when these have been computed: a call returns before that."""
    jax.block_until_ready(tensors)


def is_beside(tensor: Any, other: Any) -> bool:
    """Whether both can be used together: what is traced inside a loop ends with its turn."""
    if not isinstance(tensor, jax.core.Tracer):
        return True
    return isinstance(other, jax.core.Tracer) and tensor._trace is other._trace


def before_casts(tensor: Any) -> Iterator[Any]:
    """The tensor, and what it was cast from, inside a trace; so on until there is no cast."""
    yield tensor
    made = made_by(tensor)
    while made is not None and made.kind == "convert_element_type":
        tensor = made.inputs[0]
        yield tensor
        made = made_by(tensor)


def unmoved(tensor: Any) -> Iterator[Any]:
    """What the tensor is a mere cast or reshape of, inside a trace; nothing where it is none."""
    made = made_by(tensor)
    if made is not None and made.kind in ("convert_element_type", "reshape", "squeeze"):
        yield made.inputs[0]


def vjp(function: Callable[..., Any], *inputs: Any) -> tuple[Any, Callable[[Any], list[Any]]]:
    """What `function` makes of the inputs, and the way back through it.

    Returns:
        The output, and a function from a cotangent of its shape to the gradients of the sum of
        their product at each input (zeros where an input does not matter). It may be called
        several times, also inside the gradient of `with_way_back`.
    """
    output, pull = jax.vjp(function, *inputs)

    def back(cotangent: Any) -> list[Any]:
        found = pull(jnp.broadcast_to(cotangent, output.shape).astype(output.dtype))
        return [
            jnp.zeros_like(one) if gradient.dtype == jax.dtypes.float0 else gradient
            for one, gradient in zip(inputs, found, strict=True)
        ]

    return output, back


def with_way_back(call: Callable[..., tuple[Any, Callable[[Any], Any]]]) -> Callable[..., Any]:
    """A function of tensors whose gradient is what it says itself.

    Not by `jax.custom_gradient`: that asks for the way back only later, when nobody listens to the
    model any more.

    Args:
        call: Returns the output, and a function from what arrives there on the way back to what
            goes on to the tensors.
    """

    def made(*tensors: Any) -> Any:
        output, back = call(*tensors)
        outputs, structure = jax.tree.flatten(output)

        def of_flat(*arrived: Any) -> list[Any]:
            found = back(jax.tree.unflatten(structure, arrived))
            found = list(found) if isinstance(found, list | tuple) else [found]
            return [
                jnp.broadcast_to(one, tensor.shape).astype(tensor.dtype)
                for one, tensor in zip(found, tensors, strict=True)
            ]

        way = jax.make_jaxpr(of_flat)(*outputs)
        found = _way_back_p.bind(
            *outputs, *tensors, *way.consts, way=way.jaxpr, sizes=(len(outputs), len(tensors))
        )
        return jax.tree.unflatten(structure, found)

    return made


def _outputs(*values: Any, way: Any, sizes: tuple[int, int]) -> list[Any]:
    return list(values[: sizes[0]])


_way_back_p = Primitive("keras_explain_way_back")
_way_back_p.multiple_results = True
_way_back_p.def_impl(_outputs)
_way_back_p.def_abstract_eval(_outputs)
mlir.register_lowering(_way_back_p, mlir.lower_fun(_outputs, multiple_results=True))

# The derivative of the above: a linear map, of which only the transposed is known.
_moved_p = Primitive("keras_explain_moved")
_moved_p.multiple_results = True


def _of_moves(*values: Any, way: Any, inputs: int) -> list[Any]:
    return [v.aval for v in way.invars]


_moved_p.def_abstract_eval(_of_moves)


def _jvp(primals: Any, tangents: Any, *, way: Any, sizes: tuple[int, int]) -> Any:
    outputs, inputs = sizes
    made = _way_back_p.bind(*primals, way=way, sizes=sizes)
    moves = map(ad.instantiate_zeros, tangents[outputs : outputs + inputs])
    consts = primals[outputs + inputs :]
    return made, _moved_p.bind(*moves, *consts, way=way, inputs=inputs)


def _transposed(cotangents: Any, *values: Any, way: Any, inputs: int) -> list[Any]:
    arrived = map(ad.instantiate_zeros, cotangents)
    consts = values[inputs:]
    return [*jax.core.eval_jaxpr(way, consts, *arrived), *(None for _ in consts)]


ad.primitive_jvps[_way_back_p] = _jvp
ad.primitive_transposes[_moved_p] = _transposed


def products(query: Any, key: Any) -> Any:
    """Each head's products of queries and keys, `(rows, heads, queries, keys)`.

    Args:
        query: `(rows, queries, heads, channels)`.
        key: `(rows, keys, heads, channels)`.
    """
    return jnp.einsum("btnh,bsnh->bnts", query, key)
