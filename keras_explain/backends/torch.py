"""Differentiate on PyTorch. Nothing is compiled: each pass runs the model's own kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import keras
import torch
from numpy.typing import NDArray

from . import torch_activations
from .torch_operations import followed as followed
from .torch_operations import key_of as key_of
from .torch_operations import made_by as made_by

activations = torch_activations

IS_TRACED = False
"""Whether the Python of a compiled function runs once for all calls."""


def compiled(function: Callable[..., Any], *variables: Sequence[Any]) -> Callable[..., Any]:
    """`function`, of what the variables are at each call.

    Args:
        function: Its first arguments are the values that the variables have at each call, one list
            for each that is given here. It must not touch the variables themselves.
        *variables: Lists of Keras variables.
    """

    def at_present(*arguments: Any) -> Any:
        values = [[variable.value.detach() for variable in some] for some in variables]
        with torch.no_grad():
            found = function(*values, *arguments)
        living = {_memory(value) for some in values for value in some}

        def kept(value: Any) -> Any:
            """Without all that led to it, and apart from weights that training will change."""
            value = value.detach()
            return value.clone() if _memory(value) in living else value

        return keras.tree.map_structure(kept, found)

    return at_present


def _memory(value: torch.Tensor) -> int:
    return int(value.untyped_storage().data_ptr())


def trace(function: Callable[..., Any], *arguments: Any) -> None:
    """Run a `function` once, so that what it finds out is known."""
    function(*arguments)


class Recording:
    """What ran inside `recording`, ready to be differentiated several times."""

    def gradients(self, objective: Any, at: Sequence[Any]) -> list[Any]:
        """Gradients of the scalar `objective` at recorded tensors; zeros where it ignores one."""
        return _gradients(objective, at)


@contextmanager
def recording(sources: Sequence[Any]) -> Iterator[Recording]:
    """Record all that is computed from the tensors `sources`, to be differentiated later."""
    with torch.enable_grad():
        for source in sources:
            source.requires_grad_()
        yield Recording()


def eagerly() -> AbstractContextManager[None]:
    """What is computed in this context is computed at once; here nothing need be done for it."""
    return nullcontext()


def numpy_of(tensor: torch.Tensor) -> NDArray[Any]:
    """The tensor as a NumPy array; on the CPU without a copy."""
    array: NDArray[Any] = keras.ops.convert_to_numpy(tensor)
    return array


def wait(tensors: Any) -> None:
    """Return when these have been computed: on a GPU a call returns before that."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def is_beside(tensor: Any, other: Any) -> bool:
    """Whether both can be used together: here loops run as they stand, and leave all they made."""
    return not torch._C._functorch.is_functorch_wrapped_tensor(tensor)


def before_casts(tensor: Any) -> Iterator[Any]:
    """The tensor; what it was cast from is not to be had again."""
    yield tensor


def unmoved(tensor: Any) -> Iterator[Any]:
    """What the tensor is a mere cast or reshape of: not to be had on PyTorch."""
    yield from ()


def vjp(function: Callable[..., Any], *inputs: Any) -> tuple[Any, Callable[[Any], list[Any]]]:
    """What `function` makes of the inputs, and the way back through it.

    Returns:
        The output, and a function from a cotangent of its shape to the gradients of the sum of
        their product at each input (zeros where an input does not matter). It may be called
        several times, also inside the gradient of `with_way_back`.
    """
    with torch.enable_grad():
        taken = [tensor.detach().requires_grad_(tensor.is_floating_point()) for tensor in inputs]
        output = function(*taken)

    def pull(cotangent: Any) -> list[Any]:
        return _gradients(output, taken, cotangent)

    return output.detach(), pull


def _gradients(output: Any, at: Sequence[Any], cotangent: Any = None) -> list[Any]:
    live = [tensor for tensor in at if tensor.requires_grad]
    found: dict[int, Any] = {}
    if live and output.requires_grad:
        gradients = torch.autograd.grad(
            output, live, cotangent, retain_graph=True, allow_unused=True
        )
        found = {id(tensor): g for tensor, g in zip(live, gradients, strict=True) if g is not None}
    return [found[id(tensor)] if id(tensor) in found else torch.zeros_like(tensor) for tensor in at]


def with_way_back(call: Callable[..., tuple[Any, Callable[[Any], Any]]]) -> Callable[..., Any]:
    """A function of tensors whose gradient is what it says itself.

    Args:
        call: Returns the output, and a function from what arrives there on the way back to what
            goes on to the tensors.
    """

    def adapted(*tensors: Any) -> tuple[Any, Callable[..., Any]]:
        output, back = call(*tensors)
        if output._is_view():  # which the model could not change in place
            output = output.clone()

        # Keras hands over the tensors first.
        def gradient(*tensors: Any, upstream: Any) -> Any:
            found = back(upstream)
            return tuple(found) if isinstance(found, list) else found

        return output, gradient

    made: Callable[..., Any] = keras.ops.custom_gradient(adapted)
    return made


def products(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """Each head's products of queries and keys, `(rows, heads, queries, keys)`.

    Args:
        query: `(rows, queries, heads, channels)`.
        key: `(rows, keys, heads, channels)`.
    """
    return torch.einsum("btnh,bsnh->bnts", query, key)
