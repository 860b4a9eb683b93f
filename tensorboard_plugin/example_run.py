"""The run that ships with the tab, for who has none yet: a real demo training, in small.

It is shown when it is asked for by its name, and never listed among the user's runs.
"""

from __future__ import annotations

import tempfile
import threading
import zipfile
from pathlib import Path

from keras_explain.store import Reader

from .queries import NotFound

EXAMPLE = "example run of keras_explain"
FILE = Path(__file__).parent / "example_run.zip"


class ExampleRun:
    """The run in `file`, unpacked when it is first asked for, and gone with this process.

    Args:
        file: A zip of a run's records; see `keras_explain.demo.excerpt`.
    """

    def __init__(self, file: Path = FILE) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._reader: Reader | None = None

    def reader(self) -> Reader:
        """The reader of its records.

        Raises:
            NotFound: if it cannot be unpacked here.
        """
        with self._lock:
            if self._reader is None:
                try:
                    self._folder = tempfile.TemporaryDirectory(prefix="keras_explain-")
                    with zipfile.ZipFile(self._file) as packed:
                        packed.extractall(self._folder.name)
                except (OSError, zipfile.BadZipFile) as error:
                    raise NotFound(f"The example run cannot be unpacked: {error}") from error
                self._reader = Reader(self._folder.name)
            return self._reader
