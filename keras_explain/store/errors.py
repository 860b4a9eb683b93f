"""What can be wrong with records on disk. Every error of the reader is one of these."""

from __future__ import annotations


class StoreError(ValueError):
    """Base of everything that the reader of records raises about them."""


class DamagedFile(StoreError):
    """A file that is not what its name promises: torn, foreign, too large or altered."""


class DamagedRecord(StoreError):
    """Rows whose bytes no longer match their checksum, or that cannot be read any more."""


class UnknownRecord(StoreError):
    """A step, key, row or input that this run does not hold."""


class RecordsNotFound(StoreError, FileNotFoundError):
    """A folder that holds no records."""
