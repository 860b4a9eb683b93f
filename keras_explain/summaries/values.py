"""TensorBoard's own kinds of summary, made without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_DOUBLE, DT_FLOAT, DT_STRING
from tensorboard.plugins.histogram import metadata as histograms
from tensorboard.plugins.image import metadata as images
from tensorboard.plugins.scalar import metadata as scalars


def scalar(tag: str, value: float) -> Summary.Value:
    """One number, for the Scalars tab."""
    tensor = TensorProto(dtype=DT_FLOAT, float_val=[value])
    return _value(tag, tensor, scalars.create_summary_metadata(tag, ""))


def histogram(
    tag: str, edges: NDArray[np.float64], counts: NDArray[np.floating], title: str
) -> Summary.Value:
    """Counts between `edges`, for the Histograms tab.

    Args:
        tag: Name of the series.
        edges: `(bins + 1,)`, rising.
        counts: `(bins,)`; empty bins at both ends are left out.
        title: What the card is called.
    """
    filled = np.flatnonzero(counts)
    kept = slice(filled[0], filled[-1] + 1) if filled.size else slice(0, 0)
    buckets = np.stack([edges[:-1][kept], edges[1:][kept], counts[kept]], axis=1)
    tensor = TensorProto(
        dtype=DT_DOUBLE,
        tensor_shape=_shape(buckets.shape),
        tensor_content=buckets.astype("<f8").tobytes(),
    )
    return _value(tag, tensor, histograms.create_summary_metadata(title, ""))


def image(tag: str, encoded: bytes, height: int, width: int, text: str) -> Summary.Value:
    """A PNG or JPEG file, for the Images tab; `text` says in Markdown what it shows."""
    parts = [str(width).encode(), str(height).encode(), encoded]
    tensor = TensorProto(dtype=DT_STRING, tensor_shape=_shape((3,)), string_val=parts)
    return _value(tag, tensor, images.create_summary_metadata(tag, text, converted_to_tensor=None))


def _value(tag: str, tensor: TensorProto, metadata: SummaryMetadata) -> Summary.Value:
    return Summary.Value(tag=tag, tensor=tensor, metadata=metadata)


def _shape(sizes: Sequence[int]) -> TensorShapeProto:
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in sizes])
