"""The built front end, as it lies in the package."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .queries import NotFound

TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}
"""By suffix, the content type; other files are not served."""


def static_file(folder: Path, name: str) -> tuple[bytes, str, str]:
    """Content, content type and ETag of the file `name` that lies directly in `folder`.

    The name is looked up among those of the folder, and never made part of a path.

    Raises:
        NotFound: if there is no such file.
    """
    served = {path.name: path for path in folder.iterdir() if path.suffix in TYPES}
    path = served.get(name)
    if path is None or not path.is_file():
        raise NotFound("There is no such file.")
    content = path.read_bytes()
    return content, TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:32]
