"""What TensorFlow computed a tensor from, and whether that was linear."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from .made import Kinds, Linear, Made, linear_of
from .trail import Trail

CONSTANT = frozenset({"Shape", "ShapeN", "Rank", "Size", "ZerosLike", "OnesLike"})
"""What follows from shapes alone."""
KINDS: Kinds = {
    Linear.ALWAYS: frozenset({
        "Add", "AddN", "AddV2", "AvgPool", "AvgPool3D", "BatchToSpaceND", "BiasAdd", "Concat",
        "ConcatV2", "Cumsum", "DepthToSpace", "EnsureShape", "Identity", "IdentityN", "Mean", "Neg",
        "Pack", "ParallelConcat", "Snapshot", "SpaceToBatchND", "SpaceToDepth", "Split", "SplitV",
        "Squeeze", "Sub", "Sum", "Unpack", "UnsortedSegmentSum",
    }),
    Linear.IN_FIRST: frozenset({
        "BroadcastTo", "Cast", "Div", "DivNoNan", "ExpandDims", "FusedBatchNormV3", "Gather",
        "GatherNd", "GatherV2", "MatrixBandPart", "MirrorPad", "Pad", "PadV2", "RealDiv", "Reshape",
        "ResizeArea", "ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor", "Reverse",
        "ReverseV2", "Roll", "ScaleAndTranslate", "Slice", "StridedSlice", "Tile", "Transpose",
    }),
    Linear.IN_ONE: frozenset({
        "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Conv2D", "Conv2DBackpropInput", "Conv3D",
        "Conv3DBackpropInputV2", "DepthwiseConv2dNative", "Einsum", "MatMul", "Mul", "MulNoNan",
    }),
    Linear.CHOICE: frozenset({"Select", "SelectV2"}),
    Linear.SCALES: frozenset({
        "Abs", "LeakyRelu", "LogSoftmax", "Max", "MaxPool", "MaxPool3D", "Maximum", "Min",
        "Minimum", "Relu", "Softmax", "TopKV2",
    }),
    Linear.DECIDES: frozenset({
        "All", "Any", "ArgMax", "Equal", "Greater", "GreaterEqual", "Less", "LessEqual",
        "LogicalAnd", "LogicalNot", "LogicalOr", "NotEqual",
    }),
}  # fmt: skip

FUNCTIONS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
"""Functions that are called as one operation: what `tf.function` makes of a part of a model."""


def made_by(tensor: Any) -> Made | None:
    """How a tensor of a graph was made; None for one that was computed at once, outside of it."""
    if not hasattr(tensor, "graph"):
        return None
    kind = tensor.op.type
    inputs = () if kind in CONSTANT else tuple(tensor.op.inputs)
    if kind in FUNCTIONS:
        return _Function(kind, tensor.op.name, inputs, Linear.NEVER, tensor.op)
    linear = linear_of(kind, KINDS)
    if linear is not Linear.DECIDES and not tensor.dtype.is_floating:
        linear = Linear.NEVER
    return Made(kind, tensor.op.name, inputs, linear)


UNDERIVED = "StopGradient"


@contextmanager
def followed() -> Iterator[Trail]:
    """Follow what is computed inside the block; a graph remembers it by itself."""
    yield Trail(key_of, _inputs_of, _carries)


def _inputs_of(tensor: Any) -> tuple[Any, ...]:
    made = made_by(tensor)
    return () if made is None or made.kind == UNDERIVED else made.inputs


def _carries(tensor: Any) -> bool:
    dtype = tensor.dtype
    return not (dtype.is_integer or dtype.is_bool or dtype.name == "string")


@dataclass(frozen=True)
class _Function(Made):
    """A function that was called as one operation, `operation`."""

    operation: Any

    def is_linear(self, varies: Sequence[bool]) -> bool:
        """Whether all is that it does with what varies."""
        name = self.operation.get_attr("f").name
        functions = attrgetter("library.function")(self.operation.graph.as_graph_def())
        known = {function.signature.name: function for function in functions}
        return name in known and _is_linear_inside(known[name], varies)


def _is_linear_inside(function: Any, varies: Sequence[bool]) -> bool:
    """Whether a function's definition is linear in those of its arguments that vary."""
    arguments = zip(function.signature.input_arg, varies, strict=True)
    varying = {argument.name for argument, varied in arguments if varied}
    nodes = {
        node.name: [one.partition(":")[0] for one in node.input if not one.startswith("^")]
        for node in function.node_def
        if node.op not in CONSTANT
    }
    before = -1
    while before < len(varying):  # the nodes are in no order
        before = len(varying)
        varying |= {name for name, inputs in nodes.items() if not varying.isdisjoint(inputs)}
    return all(
        Made(node.op, node.name, (), linear_of(node.op, KINDS)).is_linear(
            [one in varying for one in nodes[node.name]]
        )
        for node in function.node_def
        if node.name in varying
    )


def key_of(tensor: Any) -> str:
    """A name that is the tensor's own in its graph."""
    return str(tensor.name) if hasattr(tensor, "graph") else f"constant {id(tensor)}"
