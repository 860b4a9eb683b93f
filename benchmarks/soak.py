"""Whether memory and file descriptors stay where they are over a very long training.

    TF_ENABLE_ONEDNN_OPTS=0 python benchmarks/soak.py > benchmarks/soak.md

The same small model is trained for 10,000 epochs twice, each in a process of its own: bare, and
with `Explain` at every epoch. A slope is that of a straight line through the resident memory of
the last two thirds. The run that comes of it is then read by TensorBoard, whole, as the tab does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from keras_explain.demo.serve import free_port, tensorboard

ROOT = Path(__file__).parents[1]
EPOCHS = 10_000
SAMPLES = 200
"""Most readings a training."""

PART = 256
"""Steps that the tab asks for at once."""


def resident(process: int | str = "self") -> float:
    """MB of memory in use."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def train(epochs: int, log_dir: str | None) -> None:
    """Print readings, each as JSON: epoch, MB, file descriptors."""
    import keras

    from keras_explain.callbacks import Explain

    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    x = random.uniform(size=(16, 8, 8, 1)).astype("float32")
    y = np.arange(16) % 4
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")

    class Reading(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch % max(1, epochs // SAMPLES) == 0:
                print(json.dumps([epoch, resident(), descriptors()]), flush=True)

    explain = [Explain(log_dir, (x[:4], y[:4]), ["saliency"])] if log_dir else []
    model.fit(x, y, epochs=epochs, batch_size=16, verbose=0, callbacks=[*explain, Reading()])


def trained(epochs: int, log_dir: Path | None) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--epochs", str(epochs), "--train", str(log_dir or "")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def readings_of(training: subprocess.Popen[str]) -> np.ndarray:
    said, _ = training.communicate()
    if training.returncode:
        raise RuntimeError(f"The training ended with {training.returncode}.")
    return np.array([json.loads(line) for line in said.splitlines()])


def slope(readings: np.ndarray) -> float:
    """MB in 1,000 epochs, over the last two thirds: before, everything is still being set up."""
    late = readings[len(readings) // 3 :]
    return float(1_000 * np.polyfit(late[:, 0], late[:, 1], 1)[0])


def served(log_dir: Path) -> dict[str, float]:
    """MB of TensorBoard's process: at the start, and the most of all while the run is read."""
    found: dict[str, float] = {}
    port = free_port(6600)
    without = str(ROOT / "tests" / "fixtures" / "without_tensorflow")
    with patch.dict(os.environ, PYTHONPATH=without), tensorboard(log_dir, port) as board:
        place = f"http://localhost:{port}/data/plugin/keras_explain/"

        def ask(route: str) -> bytes:
            with urllib.request.urlopen(place + route, timeout=600) as reply:
                content: bytes = reply.read()
            return content

        runs: list[Any] = []
        while not runs:
            runs = json.loads(ask("runs"))["runs"]
        found["start"] = resident(board.pid)
        run = f"run={quote(runs[0]['run'])}"
        while (manifest := json.loads(ask(f"manifest?{run}&more=1")))["unread"]:
            pass
        steps = manifest["steps"]
        for begin in range(0, len(steps), PART):
            some = ",".join(map(str, steps[begin : begin + PART]))
            ask(f"targets?{run}&steps={some}")
            ask(f"columns?{run}&key=saliency&steps={some}")
        while json.loads(ask(f"alerts?{run}&points=200"))["pending"]:
            pass
        status = Path(f"/proc/{board.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        found |= {"most": int(peak.split()[1]) / 1e3, "steps": len(steps)}
    return found


def print_trainings(bare: np.ndarray, explained: np.ndarray) -> None:
    print("| training | MB at first | MB at last | slope, MB in 1,000 epochs | file descriptors |")
    print("| --- | --- | --- | --- | --- |")
    for name, readings in (("bare", bare), ("with `Explain`", explained)):
        late = readings[len(readings) // 10 :, 2].astype(int)
        files = f"{late.min()}" if late.min() == late.max() else f"{late.min()} to {late.max()}"
        print(f"| {name} | {readings[0, 1]:.0f} | {readings[-1, 1]:.0f} | {slope(readings):.2f} "
              f"| {files} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--train", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train is not None:
        train(arguments.epochs, arguments.train or None)
        return
    with tempfile.TemporaryDirectory() as place:
        log_dir = Path(place)
        trainings = [trained(arguments.epochs, each) for each in (None, log_dir / "run")]
        bare, explained = map(readings_of, trainings)
        board = served(log_dir)
    print("# A very long training\n")
    print(f"Made by `python benchmarks/soak.py`: {arguments.epochs:,} epochs, each logged; "
          f"{os.cpu_count()} CPU cores, not idle.\n")  # fmt: skip
    print_trainings(bare, explained)
    print(f"\nTensorBoard (without TensorFlow) on a run of {board['steps']:,} steps: "
          f"{board['start']:.0f} MB at first, {board['most']:.0f} MB at most.")  # fmt: skip


if __name__ == "__main__":
    main()
