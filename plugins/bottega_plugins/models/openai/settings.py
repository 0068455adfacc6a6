"""Where a server is, what opens its door, and how long to wait for it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

from bottega.errors import InputError
from bottega_plugins.models.openai.redaction import Redactor

OFFICIAL = "https://api.openai.com/v1"
BASE_URL = "OPENAI_BASE_URL"
API_KEY = "OPENAI_API_KEY"
_OWN = frozenset({"host", "connection", "content-length", "content-type", "transfer-encoding"})
"""Headers that say how the request is sent; not for a user to set."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to reach one server. Raises InputError for what cannot work."""

    base_url: str = field(default=OFFICIAL, repr=False)
    """What `path` is appended to."""
    path: str = "/chat/completions"
    """The endpoint of the server that is asked."""
    key: str = field(default="", repr=False)
    """Sent as a bearer token; empty for servers that want none."""
    timeout: float = 120.0
    """Seconds for a whole reply, from the call to its last byte."""
    connect_timeout: float = 10.0
    """Seconds until a connection stands, name look-up and TLS included."""
    idle_timeout: float = 60.0
    """Seconds between two pieces of a reply that has begun."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Sent with every request; their values are treated as secrets."""

    def __post_init__(self) -> None:
        for name in ("timeout", "connect_timeout", "idle_timeout"):
            value = getattr(self, name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not (number and math.isfinite(value) and value > 0):
                raise InputError(f"{name} must be a positive number of seconds, not {value!r}")
        server = _split(self.base_url).netloc
        if not _fits_header(self.key):
            raise InputError("the API key holds characters that no key has", hint=f"see {API_KEY}")
        _check_headers(self.headers)
        named = {name.lower() for name in self.headers}
        if "@" in server and (self.key or "authorization" in named):
            raise InputError("the base URL holds a password, and there is a key too: give only one")
        if self.official and not self.key:
            raise InputError(
                f"no API key for {OFFICIAL}",
                hint=f"set {API_KEY}, or {BASE_URL} for another server",
            )

    @property
    def official(self) -> bool:
        """Whether this is OpenAI itself, which has rules that other servers lack."""
        return _origin(self.base_url) == _origin(OFFICIAL)

    @property
    def endpoint(self) -> str:
        """The URL that requests go to."""
        parts = _split(self.base_url)
        path = parts.path.rstrip("/") + self.path
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))

    @property
    def address(self) -> str:
        """The endpoint as it may be shown: without user, password and query."""
        parts = _split(self.endpoint)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    @property
    def loopback(self) -> bool:
        """Whether the server is on this machine, where no proxy can be in between."""
        host = _split(self.base_url).hostname or ""
        return host in {"localhost", "::1"} or host.startswith("127.")

    def redactor(self) -> Redactor:
        """Return what hides this server's secrets."""
        parts = _split(self.base_url)
        queried = (value for _, value in parse_qsl(parts.query))
        values = (self.key, parts.password or "", *queried, *self.headers.values())
        words = (word for value in self.headers.values() for word in value.split())
        return Redactor((*values, *words))


def from_environment(base_url: str = "") -> tuple[str, str]:
    """Return base URL and key, as option and environment have them.

    The key of the environment belongs to the server of the environment. A graph file that names
    another server does not get it, or a stranger's graph could have it sent anywhere.
    """
    home = os.environ.get(BASE_URL, "").strip() or OFFICIAL
    key = os.environ.get(API_KEY, "").strip()
    if base_url and _origin(base_url) != _origin(home):
        return base_url, ""
    return base_url or home, key


def _split(url: str) -> SplitResult:
    url = url.strip()
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("idna").decode("idna")  # what the resolver will do with it
    except ValueError as error:
        raise _bad_url(Redactor().excerpt(str(error))) from None
    if not _fits_header(url) or " " in url or "\\" in url:
        raise _bad_url("it holds odd characters")
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise _bad_url("it is no http(s) URL with a host")
    return parts


def _bad_url(problem: str) -> InputError:
    return InputError(
        f"the base URL cannot be used: {problem}",
        hint=f"expected something like {OFFICIAL}; see {BASE_URL}",
    )


def _origin(url: str) -> tuple[str, str, int]:
    parts = _split(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return parts.scheme, parts.hostname or "", port


def _fits_header(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _check_headers(headers: Mapping[Any, Any]) -> None:
    for name, value in headers.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            raise InputError(f"headers must be texts by name; {name!r} is not")
        token = name.replace("-", "").replace("_", "")
        if not (token.isascii() and token.isalnum() and _fits_header(value)):
            raise InputError(f"the header {Redactor().excerpt(name)!r} cannot be sent")
        if name.lower() in _OWN:
            raise InputError(f"the header {name!r} is set by Bottega itself")
