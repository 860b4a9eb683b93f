"""Makes `applications.md`: each architecture of `keras.applications`, measured in its own process.

python docs/make_applications.py [NAME ...] [--default] [--again]

What was measured is kept in `applications.json`, one architecture after the other, so that the
command goes on where it was stopped; `--again` measures anew. `--default` measures the default
methods only, in half the time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
ROOT = DOCS.parent
TABLE = DOCS / "applications.json"
PAGE = DOCS / "applications.md"

Table = Mapping[str, Mapping[str, Any]]

INTRODUCTION = """\
# Which layers are explained in the networks of `keras.applications`?

{count} architectures, measured by `python docs/make_applications.py` (with names for some of them;
each has a process of its own, and the command goes on where it was stopped): on TensorFlow, with
random weights and 4 random pictures, of the smallest multiple of 32 at which the head still reads a
map and not one position. Vectors of weights got noise and batch normalization the statistics of 16
pictures, so that each part of a network counts and the score changes with the picture.
`pytest tests/applications` holds the layers true; `-m live` also on JAX and PyTorch.

In all of them saliency, Grad-CAM, activations and weight gradients are finite and not zero, the
logged predictions are those of `model.predict`, and the layers are the same whether the network is
frozen or not. Grad-CAM is, to {off:.0e} of its largest term, that of the map which goes into the
last pooling layer, computed a second time without keras_explain.
{attributed}"""
ATTRIBUTED = """
Integrated gradients, LRP and DeepLIFT are finite and not zero in {which}{refused}. The
columns are shares of the score (of its difference from a black picture), the median of the 4:
what LRP loses, mostly to biases; what it loses with `LRP(bias="none")`; what DeepLIFT misses; and
what integrated gradients with their 32 steps miss: the less the more steps, but slowly where the
score of an untrained network turns often on the way (MobileNet: 4.2 times the score with 32 steps,
2.0 times with 256).
"""
BELOW = """\
A name that ends in `/input` is what goes into that layer: ConvNeXt adds its last block to what came
before with `+`, and no layer made the sum. Such a name can be given as `layer` too.

## Layers whose activations are shown

Six at most, spread over the depth of the network, each after its normalisation and activation.
"""
COLUMNS = {
    "LRP loses": "lrp/conservation",
    "without biases": "lrp/conservation, no biases",
    "DeepLIFT misses": "deep_lift/gap",
    "integrated gradients miss": "integrated_gradients/gap",
}


def page(table: Table) -> str:
    """The page, from what was found of each architecture."""
    whole = [name for name, found in table.items() if found["whole"]]
    which = "all of them" if len(whole) == len(table) else "those that have figures"
    refused = [(name, why) for name, found in table.items() for why in found["refused"].values()]
    attributed = ATTRIBUTED.format(which=which, refused=" but those named below" * bool(refused))
    lines = [
        INTRODUCTION.format(
            count=len(table),
            off=max(found["grad_cam off"] for found in table.values()),
            attributed=attributed if whole else "",
        ),
        "| | pixels | Grad-CAM at | map | " + " | ".join(COLUMNS) + " |",
        "| --- | --- | --- | --- |" + " --- |" * len(COLUMNS),
        *(_row(name, found) for name, found in table.items()),
        "",
        *(f"{name}: {why}  " for name, why in refused),
        *[""] * bool(refused),
        BELOW,
        "| | |",
        "| --- | --- |",
        *(
            f"| {name} | {_names(found['layers']['activations'])} |"
            for name, found in table.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, found: Mapping[str, Any]) -> str:
    figures = (share(found[key][0]) if key in found else "–" for key in COLUMNS.values())
    height, width = found["map"]
    at = _names(found["layers"]["grad_cam"])
    return f"| {name} | {found['size']} | {at} | {height} x {width} | " + " | ".join(figures) + " |"


def _names(layers: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in layers)


def share(value: float) -> str:
    """A share as it is read: in percent, or as next to nothing."""
    return "< 0.1 %" if value < 1e-3 else f"{100 * value:.2g} %" if value < 1 else f"{value:.1f} x"


def main() -> None:
    """Measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="architectures; all if none")
    parser.add_argument("--default", action="store_true", help="the default methods only")
    parser.add_argument("--again", action="store_true", help="also what was measured before")
    given = parser.parse_args()
    for name in given.names or every_name():
        table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
        is_known = name in table and (given.default or table[name]["whole"])
        if is_known and not given.again:
            continue
        print(name, end=" ", flush=True)
        found = measure(name, *["--default"] * given.default)
        if found:
            table[name] = found
            TABLE.write_text(json.dumps(dict(sorted(table.items())), indent=1) + "\n")
            PAGE.write_text(page(json.loads(TABLE.read_text())))
            print(f"{found['seconds']} s, {found['peak MB']} MB", flush=True)


def measure(name: str, *options: str) -> dict[str, Any] | None:
    """What the tests' module finds of an architecture; None where that fails, with why."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "0"}
    command = [sys.executable, "-m", "tests.applications.measured", name, *options]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if ended.returncode:
        print(f"failed ({ended.returncode}):\n{ended.stderr[-2000:]}", flush=True)
        return None
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def every_name() -> list[str]:
    """Names of all architectures."""
    sys.path.insert(0, str(ROOT))
    from tests.applications.networks import architectures

    return list(architectures())


if __name__ == "__main__":
    main()
