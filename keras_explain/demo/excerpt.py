"""Make `example_run.zip`, the small run that the tab shows to who has none.

For maintainers: `python -m keras_explain.demo.excerpt RUN tensorboard_plugin/example_run.zip` takes
the log folder of a real demo training (`keras-explain demo --no-serve`) and keeps what fits: every
step, every example, the attribution maps of the last layer, the predictions and the figures of the
weights' gradients.
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from pathlib import Path

from keras_explain import Run
from keras_explain.store import Reader, Writer

KEPT = (
    "grad_cam/conv4",
    "predictions",
    "scores",
    "weight_gradients/statistics",
)
LARGEST = 200_000
"""Most bytes of the file: it is in every wheel."""


def excerpt(run: Path, folder: Path) -> None:
    """Write the kept records of `run` anew, all steps and examples, to `folder`."""
    whole = Run(run)
    steps = Reader(whole.folder).index().steps
    writer = Writer(folder, whole.probes, start=steps[0].info.step)
    for step in steps:
        records = [(whole.specs[key], whole.load(key, step.info.step)) for key in KEPT]
        writer.write(step.info, records)


def pack(folder: Path, file: Path) -> int:
    """Zip the files of `folder`; return the bytes of the zip."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, path.name)
    return file.stat().st_size


def main() -> None:
    """Make the file that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="log folder of a demo training")
    parser.add_argument("file", type=Path, help="the zip to write")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        excerpt(arguments.run, Path(folder))
        size = pack(Path(folder), arguments.file)
    if size > LARGEST:
        arguments.file.unlink()
        parser.error(f"it must have at most {LARGEST} bytes. Received: {size}")
    print(f"{arguments.file}: {size} bytes")


if __name__ == "__main__":
    main()
