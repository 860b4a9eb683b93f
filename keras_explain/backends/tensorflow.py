"""Compile and differentiate on TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from . import tensorflow_activations
from .tensorflow_operations import followed as followed
from .tensorflow_operations import key_of as key_of
from .tensorflow_operations import made_by as made_by

ORDER_KEPT = ("Cast", "EnsureShape", "ExpandDims", "Identity", "Reshape", "Squeeze")
"""Operations that keep values in their order."""

activations = tensorflow_activations

IS_TRACED = True
"""Whether the Python of a compiled function runs once for all calls."""


def compiled(function: Callable[..., Any], *variables: Sequence[Any]) -> Callable[..., Any]:
    """`function` as one graph, traced once for each set of argument shapes.

    XLA is left out: on CPUs it costs more to compile than it saves in a pass.

    Args:
        function: Its first arguments are the values that the variables have at each call, one list
            for each that is given here. It must not touch the variables themselves.
        *variables: Lists of Keras variables. The graph reads them itself: to read hundreds apart
            and hand them over costs milliseconds a call.
    """

    # Not a function of its own: TensorFlow would count all graphs of ours as traces of one.
    traced = partial(_at_present, function, variables)
    graph: Callable[..., Any] = tf.function(traced, autograph=False, reduce_retracing=False)
    return graph


def _at_present(
    function: Callable[..., Any], variables: Sequence[Sequence[Any]], *arguments: Any
) -> Any:
    values = ([tf.convert_to_tensor(variable.value) for variable in some] for some in variables)
    return function(*values, *arguments)


def trace(function: Any, *arguments: Any) -> None:
    """Trace a compiled `function` for these arguments without running it."""
    function.get_concrete_function(*arguments)


class Recording:
    """What ran inside `recording`, ready to be differentiated several times."""

    def __init__(self, tape: tf.GradientTape) -> None:
        self._tape = tape

    def gradients(self, objective: Any, at: Sequence[Any]) -> list[Any]:
        """Gradients of the scalar `objective` at recorded tensors; zeros where it ignores one."""
        if not at:
            return []
        gradients: list[Any] = self._tape.gradient(
            objective, list(at), unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        # An embedding's gradient comes as the slices that were looked up.
        return [tf.convert_to_tensor(gradient) for gradient in gradients]


@contextmanager
def recording(sources: Sequence[Any]) -> Iterator[Recording]:
    """Record all that is computed from the tensors `sources`, to be differentiated later."""
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        for source in sources:
            tape.watch(source)
        yield Recording(tape)


def eagerly() -> AbstractContextManager[None]:
    """What is computed in this context is computed at once, also while a graph is traced."""
    scope: AbstractContextManager[None] = tf.init_scope()
    return scope


def numpy_of(tensor: tf.Tensor) -> NDArray[Any]:
    """The tensor as a NumPy array; on the CPU without a copy."""
    array: NDArray[Any] = np.asarray(tensor)
    return array


def wait(tensors: Any) -> None:
    """Return when these have been computed: on a GPU a call returns before that."""
    if tf.config.list_logical_devices("GPU"):
        tf.test.experimental.sync_devices()


def is_beside(tensor: Any, other: Any) -> bool:
    """Whether both can be used together: a tensor of a loop's inner graph ends with its turn."""
    graph = getattr(tensor, "graph", None)
    return graph is None or graph is getattr(other, "graph", None)


def before_casts(tensor: Any) -> Iterator[Any]:
    """The tensor, and what it was cast from, inside a graph; so on until there is no cast."""
    yield tensor
    while hasattr(tensor, "graph") and tensor.op.type == "Cast":
        tensor = tensor.op.inputs[0]
        yield tensor


def unmoved(tensor: Any) -> Iterator[Any]:
    """What the tensor is a mere cast or reshape of, inside a graph; nothing where it is none."""
    if hasattr(tensor, "graph") and tensor.op.type in ORDER_KEPT:
        yield tensor.op.inputs[0]


def vjp(function: Callable[..., Any], *inputs: Any) -> tuple[Any, Callable[[Any], list[Any]]]:
    """What `function` makes of the inputs, and the way back through it.

    Returns:
        The output, and a function from a cotangent of its shape to the gradients of the sum of
        their product at each input (zeros where an input does not matter). It may be called
        several times, also inside the gradient of `with_way_back`.
    """
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        for tensor in inputs:
            tape.watch(tensor)
        output = function(*inputs)

    def pull(cotangent: Any) -> list[Any]:
        gradients: list[Any] = tape.gradient(
            output,
            list(inputs),
            output_gradients=cotangent,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        return [tf.convert_to_tensor(gradient) for gradient in gradients]

    return output, pull


def with_way_back(call: Callable[..., tuple[Any, Callable[[Any], Any]]]) -> Callable[..., Any]:
    """A function of tensors whose gradient is what it says itself.

    Args:
        call: Returns the output, and a function from what arrives there on the way back to what
            goes on to the tensors.
    """

    def adapted(*tensors: Any) -> tuple[Any, Callable[..., Any]]:
        output, back = call(*tensors)

        def gradient(*arrived: Any) -> Any:
            found = back(arrived[0])
            return tuple(found) if isinstance(found, list) else found

        return output, gradient

    made: Callable[..., Any] = tf.custom_gradient(adapted)
    return made


def products(query: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Each head's products of queries and keys, `(rows, heads, queries, keys)`.

    By the very operation that Keras's own attention takes: a graph with both computes it once.

    Args:
        query: `(rows, queries, heads, channels)`.
        key: `(rows, keys, heads, channels)`.
    """
    return tf.einsum("BTNH,BSNH->BNTS", query, key, optimize="optimal")
