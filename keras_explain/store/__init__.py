"""The records of a run: what they mean, how they are written, how they are read.

Imports neither Keras nor TensorFlow: the tab and a notebook read records with NumPy alone.
"""

from .errors import (
    DamagedFile,
    DamagedRecord,
    RecordsNotFound,
    StoreError,
    UnknownRecord,
)
from .event_file import EventFile, announcement
from .event_objects import event_file_in
from .folder import RECORDS
from .input_facts import InputFacts
from .probes import ProbeSet
from .reader import Reader
from .schema import STATS, Failure, RecordSpec, StepInfo
from .similarity import Diff
from .writer import Writer

__all__ = [
    "RECORDS",
    "STATS",
    "DamagedFile",
    "DamagedRecord",
    "Diff",
    "EventFile",
    "Failure",
    "InputFacts",
    "ProbeSet",
    "Reader",
    "RecordSpec",
    "RecordsNotFound",
    "StepInfo",
    "StoreError",
    "UnknownRecord",
    "Writer",
    "announcement",
    "event_file_in",
]
