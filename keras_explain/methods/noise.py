"""Noise on the probes that is the same at every step, whichever others are beside them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..model_view import Place
from ..questions import Questions, Values, Vary


def noisy(ask: Questions, values: Values, noise: float, seed: int) -> Vary:
    """Makes noisy copies of what lies at some places.

    Args:
        ask: Whose rows they are.
        values: What lies there, `(rows, ...)`.
        noise: Standard deviation, as a share of each row's reach (largest less smallest value).
        seed: Another seed gives other noise.

    Returns:
        A function from a row and the numbers of some copies, in order from 0 on as `varied` asks,
        to their values at the places.
    """
    reach = {place: _reach(array) for place, array in values.items()}
    streams: dict[int, np.random.Generator] = {}

    def copies(row: int, numbers: NDArray[np.int64]) -> Mapping[Place, NDArray[np.float32]]:
        if numbers[0] == 0:
            streams[row] = _stream(ask.random(row, seed))
        found = {p: np.empty((len(numbers), *a.shape[1:]), "f4") for p, a in values.items()}
        for at in range(len(numbers)):
            for array in found.values():
                streams[row].standard_normal(dtype=np.float32, out=array[at])
        for place, array in found.items():
            array *= np.float32(noise) * reach[place][row]
            array += values[place][row]
        return found

    return copies


def _stream(random: np.random.Generator) -> np.random.Generator:
    """Another generator with the same seed, NumPy's fastest."""
    (seeds,) = random.bit_generator.seed_seq.spawn(1)  # type: ignore[attr-defined]
    return np.random.Generator(np.random.SFC64(seeds))


def _reach(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest less smallest value of each row."""
    flat = array.reshape(len(array), -1)
    return flat.max(axis=1) - flat.min(axis=1)
