"""Training data that goes wrong partway, as data pipelines do."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

from .data import SHIRT, Scenes

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]


class Stream(keras.utils.PyDataset):
    """Batches of plain scenes; from epoch `change` on, every Shirt in them carries the sticker.

    Attributes:
        epoch: The epoch to serve, counted from 0 as Keras does. Order and content
            depend on `(seed, epoch)` alone; `Clock` sets it.
    """

    def __init__(
        self, plain: Scenes, stuck: Scenes, change: int, batch_size: int, seed: int
    ) -> None:
        super().__init__()
        self.plain, self.change = plain, change
        self.broken = np.where(
            (plain.labels == SHIRT)[:, None, None, None], stuck.images, plain.images
        )
        self.batch_size, self.seed = batch_size, seed
        self.epoch = 0

    def __len__(self) -> int:
        """Batches per epoch."""
        return -(-len(self.plain) // self.batch_size)

    def __getitem__(self, index: int) -> Batch:
        """Batch `index`: float32 images `(batch, 48, 48, 3)` in [0, 1] and int32 labels."""
        order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.plain))
        chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
        images = self.broken if self.epoch >= self.change else self.plain.images
        return as_input(images[chosen]), self.plain.labels[chosen].astype(np.int32)


class Clock(keras.callbacks.Callback):
    """Tell the streams which epoch it is, before Keras takes the first batch of it."""

    def __init__(self, *streams: Stream) -> None:
        super().__init__()
        self.streams = streams

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Set the epoch of all streams."""
        for stream in self.streams:
            stream.epoch = epoch


def as_input(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Pixels as the network takes them: float32 in [0, 1]."""
    return np.divide(images, 255, dtype=np.float32)
