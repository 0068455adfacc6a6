"""No network while a cassette is played: a connection that anybody tries to make fails.

Watched for with an audit hook, which Python cannot take away again: it is set at the first playing
and looks at nothing else. Libraries in C that make connections of their own are not seen.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from bottega.cassette.divergence import CassetteError

_EVENTS = ("socket.connect", "socket.getaddrinfo", "socket.sendto")
_state = {"hooked": False, "playing": 0}


@contextmanager
def offline() -> Generator[None, None, None]:
    """Let no connection be made by this process while the block lasts, but to local sockets."""
    if not _state["hooked"]:
        sys.addaudithook(_refuse)
        _state["hooked"] = True
    _state["playing"] += 1
    try:
        yield
    finally:
        _state["playing"] -= 1


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not _state or not _state["playing"] or event not in _EVENTS:  # none as Python ends
        return
    address = arguments[0] if event == "socket.getaddrinfo" else arguments[-1]
    if isinstance(address, str | bytes) and event != "socket.getaddrinfo":
        return  # a socket of this machine's own file system
    raise CassetteError(
        f"a cassette is played, and something connects to {address!r}",
        hint="what a played run does is on the cassette; this is not",
    )
