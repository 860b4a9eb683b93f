"""What workers gain in a replay: `python benchmarks/replay.py` writes `replay.md` beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PAGE = Path(__file__).with_suffix(".md")
COUNT, PROBES, SIDE = 10, 8, 96
METHODS = ["integrated_gradients"]
TEXT = """# What workers gain in a replay

Made by `python benchmarks/replay.py`: `keras-explain replay` of {count} checkpoints of MobileNetV2,
{side}x{side}, {probes} probes, {methods}, on the {backend} backend, one thread a
worker; whole commands, with all imports. Wall time on a machine with {cores} CPU cores and no GPU,
not idle: the ratio is the figure.

| what | seconds | a checkpoint |
| --- | --- | --- |
| `--jobs 1` | {one:.0f} | {each:.1f} |
| `--jobs 2` | {two:.0f} | {each_of_two:.1f} |
| ratio | {ratio:.2f} | |

The records of both are the same, bit for bit: {same}.
"""

MAKE = """
import sys, keras, numpy as np
place, count, probes, side = sys.argv[1], *map(int, sys.argv[2:])
keras.utils.set_random_seed(0)
model = keras.applications.MobileNetV2((side, side, 3), weights=None, classes=10)
random = np.random.default_rng(0)
x = random.random((probes, side, side, 3), "float32")
np.savez(f"{place}/probes.npz", x=x, y=np.arange(probes))
for number in range(1, count + 1):
    for variable in model.trainable_variables:
        variable.assign(variable * 1.01)
    model.save(f"{place}/saved/w.{number:02d}.keras")
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "saved").mkdir()
        numbers = map(str, (COUNT, PROBES, SIDE))
        subprocess.run([sys.executable, "-c", MAKE, folder, *numbers], check=True)
        one, two = (replayed(place, jobs) for jobs in (1, 2))
        same = records(place / "jobs-1") == records(place / "jobs-2")
    PAGE.write_text(
        TEXT.format(
            count=COUNT,
            side=SIDE,
            probes=PROBES,
            methods=" and ".join(METHODS),
            backend=os.environ.get("KERAS_BACKEND", "tensorflow"),
            cores=os.cpu_count(),
            one=one,
            two=two,
            each=one / COUNT,
            each_of_two=two / COUNT,
            ratio=one / two,
            same="yes" if same else "NO",
        )
    )


def replayed(place: Path, jobs: int) -> float:
    """Seconds of the whole command."""
    command = [sys.executable, "-m", "keras_explain", "replay", str(place / "saved")]
    options = ["--log-dir", place / f"jobs-{jobs}", "--probes", place / "probes.npz"]
    begin = time.perf_counter()
    subprocess.run(
        [*command, *map(str, options), "--methods", *METHODS, "--jobs", str(jobs)], check=True
    )
    return time.perf_counter() - begin


def records(log_dir: Path) -> dict[int, list[bytes]]:
    """By step, the bytes of what was found."""
    from keras_explain.store import RECORDS, Reader

    reader = Reader(log_dir / "explain" / RECORDS)
    return {
        step.info.step: [
            part.tobytes()
            for record in reader.written(step) or []
            for part in (record.encoded.values, record.encoded.scale, record.stats)
        ]
        for step in reader.index().steps
    }


if __name__ == "__main__":
    main()
