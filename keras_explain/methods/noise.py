"""Noise on the probes that is the same at every step, whichever others are beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
        A function from a row and the numbers of some copies to their values at the places.
    """
    reach = {place: _reach(array) for place, array in values.items()}

    def copies(row: int, numbers: NDArray[np.int64]) -> Mapping[Place, NDArray[np.float32]]:
        found = {p: np.empty((len(numbers), *a.shape[1:]), "f4") for p, a in values.items()}
        for at, stream in enumerate(streams(ask.random(row, seed), numbers)):
            for array in found.values():
                stream.standard_normal(dtype=np.float32, out=array[at])
        for place, array in found.items():
            array *= np.float32(noise) * reach[place][row]
            array += values[place][row]
        return found

    return copies


def streams(
    generator: np.random.Generator, numbers: NDArray[np.int64]
) -> Iterator[np.random.Generator]:
    """A generator for each of the numbers, which is the same whichever others are beside it."""
    entropy = generator.bit_generator.seed_seq.entropy  # type: ignore[attr-defined]
    for number in numbers:
        yield np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(int(number),)))


def _reach(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest less smallest value of each row."""
    flat = array.reshape(len(array), -1)
    return flat.max(axis=1) - flat.min(axis=1)
