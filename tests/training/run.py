"""Trains in every way that one backend has, bare and watched.

    KERAS_BACKEND=jax python -m tests.training.run FOLDER [PART OF A NAME]

Writes `cells.json`: what `watching.compared` finds, by name of the way.
"""

import importlib.util
import json
import sys
import warnings
from pathlib import Path

from . import devices
from . import own_steps as own_steps
from .watching import BACKEND, compared
from .ways import WAYS as WAYS

if __name__ == "__main__":
    folder, part = Path(sys.argv[1]), (sys.argv[2:] or [""])[0]
    devices.make_two()
    cells = {}
    for number, (name, way) in enumerate(WAYS.items()):
        is_here = all(map(importlib.util.find_spec, way.needs))
        if part in name and BACKEND in way.backends and is_here:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                cells[name] = compared(way.train, folder / str(number))
    (folder / "cells.json").write_text(json.dumps(cells, indent=1))
