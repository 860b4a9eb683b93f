"""Whether DeepLIFT has a rule for all that a model does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model_view import ModelView, Place
from ..network.dataflow import shape_of
from ..operations import Called
from .layers import rule_of

PRODUCTS = ("divide", "matmul", "multiply")


def unruled(model: ModelView, places: Iterable[Place]) -> list[str]:
    """What is not linear and has no rule, on the way from `places` to the output."""
    if model.flow is None:
        return []
    rows = next(iter(model.flow.inputs.values())).shape[0]

    def has_rule(call: Called, varies: Sequence[bool]) -> bool:
        """Every function that is heard has one, for rows in the first axis."""
        taken = zip(call.taken, varies, strict=True)
        shapes = [shape_of(tensor) for tensor, does in taken if does]
        same_rank = len({len(shape or ()) for shape in shapes}) == 1
        # TensorFlow does not know the number of rows where they were strings: it is the probes'.
        in_rows = all(shape and (shape[0] is None or shape[0] % rows == 0) for shape in shapes)
        return in_rows and (same_rank or call.name not in PRODUCTS)

    found = model.flow.not_linear(
        [place.name for place in places], lambda layer: rule_of(layer) is not None, has_rule
    )
    return [str(made) for made in found]
