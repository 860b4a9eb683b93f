"""Explain a model outside training."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .methods import Method, method_of
from .network.sub_models import check_model
from .passes import Pass
from .probes import Probes
from .records import records_of


def explain(
    model: keras.Model,
    inputs: Any,
    method: str | Method | type[Method] = "saliency",
    *,
    target: Any = None,
    labels: Any = None,
    output: str | int | None = None,
    task: Any = None,
    **options: Any,
) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """Explain what `model` makes of `inputs`, with the numbers that the callback would keep.

    Args:
        model: A Keras model of any kind; it is not changed, and built if it is not yet.
        inputs: Up to 256 examples, in the structure that the model takes: an array
            `(examples, ...)`, or a list or dict of arrays.
        method: A method's name, such as `"grad_cam"`, its class, or an instance with its options.
        target: Index of the output explained, one for all or one for each example; `"predicted"`
            for each example's highest; `"true"` for the `labels` (the sum of all, where an example
            has several); or a `Contrast`, `NextToken`, `TopK` or `Region`. By default `"true"`
            where there are labels, else `"predicted"`.
        labels: The examples' labels, in the structure of the model's outputs. Weight gradients
            need them.
        output: Name or index of the explained one among several outputs.
        task: What the explained output is, where loss, head and labels do not say so: "classes",
            "binary", "labels" or "numbers"; see `Explain`.
        **options: Options of the method, where it is given by name.

    Returns:
        float32 `(examples, ...)`, raw and at native resolution; a dict of such arrays by record
        key where the method yields several.

    Raises:
        ValueError: If there is no such method, layer, output or target; it names what there is.

    Costs one forward and one backward pass over all examples, and the tracing of it.
    """
    chosen = method_of(method)
    if options:
        chosen = _with_options(chosen, options)
    probes = Probes.of((inputs, labels))
    spec = target if target is not None else "predicted" if labels is None else "true"
    check_model(model)
    probes.build(model)
    made = Pass(model, probes, [chosen], spec, output, task=task)
    records, faults = records_of(made, made.run())
    if faults:
        raise faults[0].error
    arrays = {spec.key: np.asarray(array) for spec, array in records if spec.method == chosen.name}
    return arrays if len(arrays) > 1 else next(iter(arrays.values()))


def _with_options(method: Method, options: dict[str, Any]) -> Method:
    known = [field.name for field in dataclasses.fields(method)]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ValueError(
            f"{type(method).__name__} has no option {unknown[0]!r}. "
            f"Known: {', '.join(known) or 'none'}. Received: {options}"
        )
    return dataclasses.replace(method, **options)
