"""`python -m keras_explain` is `keras-explain`."""

import sys

from keras_explain.cli import main

if __name__ == "__main__":
    sys.exit(main())
