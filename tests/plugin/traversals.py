"""Addresses that would leave a folder, if a server made a path of them."""

from collections.abc import Iterator

SECRETS = ("secret.js", "secret/explain", "etc/passwd", "windows/win.ini", "loader.py")
DOTS = (
    "..", "%2e%2e", ".%2e", "%2e.", "%252e%252e", "%25%32%65%25%32%65", "%c0%ae%c0%ae", "..;",
    "....", "%uff0e%uff0e", "..%00", "%e0%80%ae%e0%80%ae",
)  # fmt: skip
SLASHES = ("/", "%2f", "%5c", "\\", "%252f", "%c0%af", "//")
WHOLE = (
    "/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd", "file:///etc/passwd", "file:%2f%2f%2fetc",
    "C:\\windows\\win.ini", "C:%5cwindows", "\\\\host\\share", "%5c%5chost%5cshare",
    "//host/share", "\\\\?\\C:\\x", "CON", "NUL", "index.js%00", "index.js%00.png", "%00",
    "index.js/", "index.js/.", "index.js/..", "./index.js", "index.js%20", "INDEX.JS",
    "index.js::$DATA", "index.js~", ".", "%2e", "..", "...", "~", "~root", "$HOME", "%ff%fe",
    "%ed%a0%80", "%", "%zz", "%0d%0aX: y", "index.js%3Fx", "*", "x" * 5_000, "../" * 2_000,
    "%2e%2e%2f" * 2_000, "a/" * 2_000,
)  # fmt: skip


def traversals() -> Iterator[str]:
    """More than two hundred of them, as they stand in an address or in an argument."""
    for dots in DOTS:
        for slash in SLASHES:
            for depth, secret in zip((1, 2, 8), SECRETS, strict=False):
                yield (dots + slash) * depth + secret
    yield from WHOLE
