"""One bar for the whole training, and a line an epoch above it."""

from __future__ import annotations

import keras
from tqdm import tqdm


class Progress(keras.callbacks.Callback):
    """Show how far the training is, what its metrics say, and when the data changes."""

    def __init__(self, epochs: int, batches: int, change: int) -> None:
        super().__init__()
        self.epochs, self.batches, self.change = epochs, batches, change
        self.bar: tqdm[None] | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Open the bar."""
        self.bar = tqdm(
            total=self.epochs * self.batches,
            bar_format="{desc} |{bar:32}| {percentage:3.0f}%  {elapsed} gone, {remaining} to go",
            leave=False,
            disable=None,  # in a file or a pipe the lines are enough
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Say where we are, and that something happens to the data."""
        if self.bar is None:
            return
        self.bar.set_description_str(f"epoch {epoch:2d}")
        if epoch == self.change:
            self.bar.write("          every Shirt in the data now carries the sticker")

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Move the bar."""
        if self.bar is not None:
            self.bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the epoch's line."""
        logs = logs or {}
        if self.bar is not None:
            self.bar.write(
                f"epoch {epoch:2d}  accuracy {logs['accuracy']:.2f}  "
                f"on held-out pictures {logs['val_accuracy']:.2f}"
            )

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Take the bar away; the lines stay."""
        if self.bar is not None:
            self.bar.close()
