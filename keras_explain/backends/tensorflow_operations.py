"""What TensorFlow computed a tensor from, and whether that was linear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CONSTANT = frozenset({"Shape", "ShapeN", "Rank", "Size", "ZerosLike", "OnesLike"})
"""What follows from shapes alone."""
LINEAR = frozenset({
    "Add", "AddN", "AddV2", "AvgPool", "AvgPool3D", "BatchToSpaceND", "BiasAdd", "Concat",
    "ConcatV2", "Cumsum", "DepthToSpace", "EnsureShape", "Identity", "IdentityN", "Mean", "Neg",
    "Pack", "ParallelConcat", "Snapshot", "SpaceToBatchND", "SpaceToDepth", "Split", "SplitV",
    "Squeeze", "Sub", "Sum", "Unpack", "UnsortedSegmentSum",
})  # fmt: skip
LINEAR_IN_FIRST = frozenset({
    "BroadcastTo", "DivNoNan", "ExpandDims", "FusedBatchNormV3", "Gather", "GatherNd", "GatherV2",
    "MirrorPad", "Pad", "PadV2", "RealDiv", "Reshape", "ResizeArea", "ResizeBicubic",
    "ResizeBilinear", "ResizeNearestNeighbor", "Reverse", "ReverseV2", "Roll", "ScaleAndTranslate",
    "Slice", "StridedSlice", "Tile", "Transpose", "MatrixBandPart", "Div", "Cast",
})  # fmt: skip
"""Linear where nothing but the first input varies."""
LINEAR_IN_ONE = frozenset({
    "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Conv2D", "Conv2DBackpropInput", "Conv3D",
    "Conv3DBackpropInputV2", "DepthwiseConv2dNative", "Einsum", "MatMul", "Mul", "MulNoNan",
})  # fmt: skip
"""Linear where only one of the inputs varies."""
CHOICES = frozenset({"Select", "SelectV2"})


@dataclass(frozen=True)
class Made:
    """How a tensor was made.

    Attributes:
        kind: The operation's kind, such as `Mul`.
        name: Its name in the graph, below those of the layers that it stands in.
        inputs: What it was computed from.
        is_float: Whether the tensor holds floating-point numbers.
    """

    kind: str
    name: str
    inputs: tuple[Any, ...]
    is_float: bool

    def is_linear(self, varies: Sequence[bool]) -> bool:
        """Whether it is linear in those of its inputs that vary."""
        if not self.is_float:
            return False
        if self.kind in CHOICES:
            return not varies[0]
        if self.kind in LINEAR_IN_FIRST:
            return not any(varies[1:])
        return self.kind in LINEAR or (self.kind in LINEAR_IN_ONE and sum(varies) == 1)


def made_by(tensor: Any) -> Made | None:
    """How a tensor of a graph was made; None for one that was computed at once, outside of it."""
    if not hasattr(tensor, "graph"):
        return None
    inputs = () if tensor.op.type in CONSTANT else tuple(tensor.op.inputs)
    return Made(tensor.op.type, tensor.op.name, inputs, tensor.dtype.is_floating)


def key_of(tensor: Any) -> str:
    """A name that is the tensor's own in its graph."""
    return str(tensor.name) if hasattr(tensor, "graph") else f"constant {id(tensor)}"
