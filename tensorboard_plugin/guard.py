"""Who may ask: a person's own browser, and not a page that it has open from elsewhere.

TensorBoard itself answers whoever reaches it. What is refused here is a request

* of another site's page, as the browser says by `Sec-Fetch-Site` or `Origin`;
* under a name that is not this machine's, where the server listens to this machine only: a page
  can have its own name lead here ("DNS rebinding"). Browsers send `Sec-Fetch-Site` to `https:` and
  to this machine alone, and no page can set it: with it there is a proxy with a certificate for
  that name in between, and all is well.

Whoever makes TensorBoard listen to the network (`--bind_all`, `--host`) has chosen its names.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from urllib.parse import urlsplit

from werkzeug.wrappers import Request

HOSTS = "KERAS_EXPLAIN_HOSTS"
"""Environment variable: more names, with commas, under which this machine is asked."""

OTHER_SITE = "Only this TensorBoard's own pages are answered."
OTHER_NAME = (
    "This TensorBoard listens to this machine only, and is not known by the name that was asked "
    f"for. If a proxy stands before it, start TensorBoard with {HOSTS}=<that name>."
)

_NAME = re.compile(r"[a-z0-9_.-]{1,253}", re.ASCII)


def objection(request: Request) -> str | None:
    """Why the request is not answered, in a sentence; None where it is."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
            return OTHER_SITE
    elif site not in ("same-origin", "none"):
        return OTHER_SITE
    is_local = _is_this_machine(request.environ.get("SERVER_NAME", ""))
    if is_local and site is None and not _is_known(_host(request.headers.get("Host", ""))):
        return OTHER_NAME
    return None


def _host(header: str) -> str:
    """The name or address in a `Host` header, without the port."""
    bracketed = re.match(r"\[([0-9a-fA-F:.]+)\]", header)
    return bracketed[1] if bracketed else header.partition(":")[0].lower().rstrip(".")


def _is_known(name: str) -> bool:
    if _is_address(name):
        return True
    if not _NAME.fullmatch(name):
        return False
    # Nobody outside can make a name without a dot lead here.
    own = {socket.gethostname().lower(), *os.environ.get(HOSTS, "").lower().split(",")}
    return "." not in name or name.endswith(".localhost") or name in own


def _is_this_machine(name: str) -> bool:
    return name == "localhost" or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
