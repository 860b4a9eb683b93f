"""The values of weights as one process can read them on its own, wherever they are spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp


def values_of(variables: Sequence[Any]) -> list[Any]:
    """The values of Keras variables, on devices of this process; none waits for another process.

    Where all devices hold the same, one is enough.

    Raises:
        ValueError: If a part of one lies in other processes only.
    """
    values = [jnp.asarray(variable.value) for variable in variables]
    if all(value.is_fully_replicated for value in values):
        return [value.addressable_data(0) if _is_spread(value) else value for value in values]
    if all(value.is_fully_addressable for value in values):
        return values
    return [_gathered(variable, value) for variable, value in zip(variables, values, strict=True)]


def _is_spread(value: Any) -> bool:
    return len(value.sharding.device_set) > 1


def _gathered(variable: Any, value: Any) -> Any:
    """One whole copy, from the parts that this process holds."""
    whole, is_here = np.zeros(value.shape, value.dtype), np.zeros(value.shape, bool)
    for shard in value.addressable_shards:
        whole[shard.index], is_here[shard.index] = np.asarray(shard.data), True
    if not is_here.all():
        raise ValueError(
            "the model's weights must each be whole in every process, so that one process can "
            "explain it without the others: spread them over the devices of one process at most. "
            f"Received: {variable.path!r} as {value.sharding}"
        )
    return jax.device_put(whole, jax.local_devices()[0])
