"""What PyTorch computed a tensor from, and whether that was linear: told from the way back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import torch
from torch.overrides import TorchFunctionMode

from .made import Kinds, Linear, Made, linear_of
from .trail import Trail

KINDS: Kinds = {
    Linear.ALWAYS: frozenset({
        "torch::autograd::CopySlices",  # in place
        "Add", "AdaptiveAvgPool1D", "AdaptiveAvgPool2D", "AdaptiveAvgPool3D", "Alias", "AsStrided",
        "AvgPool2D", "AvgPool3D", "Cat", "Clone", "ConstantPadNd", "Cumsum", "Expand", "Flip",
        "Gather", "Index", "IndexSelect", "Mean", "Neg", "Permute", "PixelShuffle",
        "PixelUnshuffle", "ReflectionPad1D", "ReflectionPad2D", "ReflectionPad3D", "Repeat",
        "ReplicationPad1D", "ReplicationPad2D", "ReplicationPad3D", "ReshapeAlias", "Roll",
        "Select", "Slice", "Split", "SplitWithSizes", "Squeeze", "Stack", "Sub", "Sum", "T", "Take",
        "ToCopy", "Transpose", "Tril", "Triu", "Unbind", "Unfold", "UnsafeSplit", "UnsafeView",
        "Unsqueeze", "UpsampleBicubic2D", "UpsampleBilinear2D", "UpsampleLinear1D",
        "UpsampleNearest1D", "UpsampleNearest2D", "UpsampleNearest3D", "UpsampleNearestExact2D",
        "UpsampleTrilinear3D", "View",
    }),
    Linear.IN_FIRST: frozenset({"CudnnBatchNorm", "Div", "NativeBatchNorm"}),
    Linear.IN_ONE: frozenset({
        "Addmm", "Baddbmm", "Bmm", "Convolution", "Mkldnn", "MkldnnConvolution", "Mm", "Mul", "Mv",
    }),
    Linear.SCALES: frozenset({
        "Abs", "Amax", "Amin", "LeakyRelu", "LogSoftmax", "Max", "MaxPool2DWithIndices",
        "MaxPool3DWithIndices", "Maximum", "Min", "Minimum", "Relu", "Softmax", "Sort", "Topk",
        "Where",
    }),
}  # fmt: skip
"""`where` may choose by what varies: its condition leaves no trace."""


@dataclass(frozen=True)
class Source:
    """A tensor that an operation took, as the way back knows it: by what made it."""

    node: Any
    number: int


def made_by(tensor: Any) -> Made | None:
    """How a tensor was made; None for one that does not depend on anything recorded."""
    node, _ = _source(tensor)
    if node is None or hasattr(node, "variable"):
        return None
    kind = re.sub(r"Backward\d*$", "", node.name())
    inputs = tuple(Source(*one) for one in node.next_functions)
    return Made(kind, f"{kind.lower()}_{node._sequence_nr()}", inputs, linear_of(kind, KINDS))


def key_of(tensor: Any) -> str:
    """A name that is the tensor's own as long as it lives."""
    node, number = _source(tensor)
    if node is None:  # what an operation took from outside is one and the same: nothing
        return "constant" if isinstance(tensor, Source) else f"constant {id(tensor)}"
    if hasattr(node, "variable"):
        return f"leaf {id(node.variable)}"
    return f"{node._sequence_nr()} {node.name()} {number}"


def _source(tensor: Any) -> tuple[Any, int]:
    """The node of the way back that a tensor comes out of, and as which of its outputs."""
    if isinstance(tensor, Source):
        return tensor.node, tensor.number
    if tensor.grad_fn is None and tensor.requires_grad:
        return _Leaf(tensor), 0
    return tensor.grad_fn, tensor.output_nr


@dataclass(frozen=True)
class _Leaf:
    """Where a way back ends; what PyTorch itself calls AccumulateGrad."""

    variable: Any


@dataclass(frozen=True, eq=False)
class _Value:
    """What a tensor held at one time, and what that was computed from.

    A tensor that is changed in place holds one value after the other. It is kept, so that no other
    comes by the same `id`.
    """

    tensor: torch.Tensor
    taken: tuple[_Value, ...] = ()

    @property
    def shape(self) -> Any:
        """The tensor's shape."""
        return self.tensor.shape


@dataclass
class _Calls(TorchFunctionMode):
    """Keeps which values PyTorch's functions made of which."""

    values: dict[int, _Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def value_of(self, tensor: Any) -> _Value:
        """The value that a tensor holds now."""
        if isinstance(tensor, _Value):
            return tensor
        return self.values.setdefault(id(tensor), _Value(tensor))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = tuple(_tensors((args, kwargs)))
        before = [one._version for one in given]
        output = func(*args, **(kwargs or {}))
        taken = () if func is torch.Tensor.detach else tuple(map(self.value_of, given))
        changed = [one for one, at in zip(given, before, strict=True) if one._version != at]
        for one in changed:  # in place, perhaps through a view of another
            for held in (one, one._base):
                if held is not None:
                    self.values[id(held)] = _Value(held, (self.value_of(held), *taken))
        for one in _tensors(output):
            if all(one is not other for other in given):
                self.values[id(one)] = _Value(one, taken)
        return output


def _tensors(structure: Any) -> Iterator[torch.Tensor]:
    if isinstance(structure, torch.Tensor):
        yield structure
    elif isinstance(structure, keras.Variable):  # which hands its value to PyTorch by itself
        yield structure.value
    elif isinstance(structure, Mapping):
        yield from _tensors(tuple(structure.values()))
    elif isinstance(structure, list | tuple):
        for part in structure:
            yield from _tensors(part)


@contextmanager
def followed() -> Iterator[Trail]:
    """Follow what is computed inside the block: the way back alone does not know of integers."""
    with _Calls() as calls:
        yield Trail(
            lambda tensor: id(calls.value_of(tensor)),
            lambda tensor: calls.value_of(tensor).taken,
            lambda tensor: carries(calls.value_of(tensor).tensor),
        )


def carries(tensor: torch.Tensor) -> bool:
    """Whether a gradient can pass the tensor."""
    return tensor.is_floating_point() or tensor.is_complex()
