"""Where a URL leads, and whether a tool may go there.

`read_url` reads a URL as the WHATWG standard does, or refuses it: nothing that it takes means
another host to a browser. The host itself is read by `bottega.hostnames`; whether one may go there
is `bottega.destinations`.

Sources: https://url.spec.whatwg.org and https://fetch.spec.whatwg.org/#port-blocking.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from bottega.errors import InputError
from bottega.escape import one_line
from bottega.hostnames import HostError, IPAddress, read_host

MAX_URL = 8_000
"""Characters of a URL."""
_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SECRET = re.compile(
    r"(?:key|token|secret|passw(?:or)?d|pwd|sig|signature|auth|credentials?|session|jwt)$",
    re.IGNORECASE,
)
_PATH_SAFE = "/:@!$&'()*+,;=~-._%[]|^"
_QUERY_SAFE = _PATH_SAFE + "?\\`{}"

BAD_PORTS = frozenset(
    (0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
     102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
     465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
     993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6379, 6566, 6665, 6666,
     6667, 6668, 6669, 6679, 6697, 10080, 11211)
)  # fmt: skip
"""Ports of services that are not HTTP and may take a request for a command of theirs: those that
browsers block, Redis and memcached."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """A URL of http or https, read."""

    scheme: str
    host: str
    """In ASCII and lower case, without brackets and without a dot at its end."""
    port: int
    target: str
    """Path and query, percent-encoded; begins with a slash."""
    ip: IPAddress | None = None
    """The host, where it is written as an address."""

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port, as `https://example.org:8443`; a usual port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == _PORTS[self.scheme]
        return f"{self.scheme}://{host}" if usual else f"{self.scheme}://{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL, in its one spelling."""
        return self.origin + self.target

    @property
    def shown(self) -> str:
        """The URL as people and traces may see it: values of parameters that look secret masked."""
        return self.origin + mask_query(self.target)


def read_url(text: str) -> Address:
    """Read an absolute URL. Raises InputError saying what is wrong with it.

    Stricter than the standard: no user names, backslashes or control characters, and two slashes.
    """
    written = text.strip(" \t\r\n")
    if len(written) > MAX_URL:
        raise InputError(f"the URL is {len(written):,} characters long; at most {MAX_URL:,} do")
    scheme = _SCHEME.match(written)
    if scheme is None or (scheme[1].lower() not in _PORTS and "//" not in written):
        raise _wrong(written, "begins with no scheme", hint="begin it with https://")
    name = scheme[1].lower()
    if name not in _PORTS:
        raise _wrong(written, f"is of the scheme {name}", hint="only http and https are fetched")
    rest = written[scheme.end() :]
    if _CONTROL.search(written) or not _is_text(written):
        raise _wrong(written, "holds a control character")
    authority, target = _split(rest)
    if "\\" in rest[: len(rest) - len(target)] or "\\" in target.partition("?")[0]:
        raise _wrong(written, "holds a backslash")
    if not rest.startswith("//") or not authority:
        raise _wrong(written, "names no host", hint="write https://host/path")
    if "@" in authority:
        raise _wrong(f"{name}://…", "holds a user name or password")
    host, port = _authority(written, authority, _PORTS[name])
    try:
        host, ip = read_host(host)
    except HostError as problem:
        raise _wrong(written, str(problem)) from None
    return Address(scheme=name, host=host, port=port, target=_target(target), ip=ip)


def mask_query(text: str) -> str:
    """Return a URL, or its path and query, with the values of secret-looking parameters masked."""
    path, mark, query = text.partition("?")
    if not mark:
        return text
    return path + "?" + "&".join(_masked(pair) for pair in query.split("&"))


def _masked(pair: str) -> str:
    name, mark, value = pair.partition("=")
    return f"{name}=***" if mark and value and _SECRET.search(name) else pair


def _wrong(written: str, problem: str, hint: str = "") -> InputError:
    return InputError(f"the URL {one_line(mask_query(written), 120)!r} {problem}", hint=hint)


def _is_text(written: str) -> bool:
    try:
        return bool(written.encode())
    except UnicodeEncodeError:  # half of a pair
        return False


def _split(rest: str) -> tuple[str, str]:
    """Return the authority and what comes after it, without the fragment."""
    rest = rest.partition("#")[0]
    body = rest[2:] if rest.startswith("//") else rest
    end = re.search(r"[/?]", body)
    return (body, "") if end is None else (body[: end.start()], body[end.start() :])


def _authority(written: str, authority: str, usual: int) -> tuple[str, int]:
    host, colon, digits = authority.rpartition(":")
    if not colon or digits.endswith("]"):
        return authority, usual
    if digits and not (digits.isascii() and digits.isdigit() and len(digits.lstrip("0")) <= 5):
        raise _wrong(written, "holds a port that is no number from 1 to 65535")
    port = int(digits) if digits else usual
    if not 0 < port < 65536:
        raise _wrong(written, "holds a port that is no number from 1 to 65535")
    return host, port


def _target(text: str) -> str:
    path, _, query = text.partition("?")
    path = quote(_without_dots(path), safe=_PATH_SAFE)
    return f"{path}?{quote(query, safe=_QUERY_SAFE)}" if query else path


def _without_dots(path: str) -> str:
    """Resolve `.` and `..`, also where they are percent-encoded."""
    kept: list[str] = []
    segments = path.split("/")[1:] or [""]
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        plain = segment.lower().replace("%2e", ".")
        if plain == "..":
            del kept[-1:]
        if plain not in (".", ".."):
            kept.append(segment)
        elif last:
            kept.append("")
    return "/" + "/".join(kept)
