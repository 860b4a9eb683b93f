"""Seeds of the trainings in the tests: `pytest --seed-shift N` moves them all.

`python tests/seeds.py SCRIPT` runs a script, such as an example, with its Keras seed moved.
"""

import os
import runpy
import sys
from pathlib import Path

SHIFT = "KERAS_EXPLAIN_SEED_SHIFT"


def seed(number):
    """The seed to use in place of `number`."""
    return number + int(os.environ.get(SHIFT, "0"))


def main(script):
    import keras

    seeded = keras.utils.set_random_seed
    keras.utils.set_random_seed = lambda number: seeded(seed(number))
    sys.path[0] = str(Path(script).parent)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
