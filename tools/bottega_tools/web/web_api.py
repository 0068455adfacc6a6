"""Calls of a web API: the request made up from what a model wrote, the answer as text.

Keys come from environment variables that a person names; they go to the one origin that the person
named with them, and what a server says back is masked before anyone reads it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bottega.addresses import Address, read_url
from bottega.errors import InputError, ToolError
from bottega.escape import mask, one_line
from bottega.messages import Json
from bottega_tools.web.messages import Request, Response
from bottega_tools.web.reading import decode, media_type
from bottega_tools.web.unpacking import size
from bottega_tools.web.visible import visible

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_OURS = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer",
     "upgrade", "expect", "accept-encoding", "via", "forwarded", "x-forwarded-for",
     "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "metadata-flavor", "metadata",
     "x-aws-ec2-metadata-token", "x-aws-ec2-metadata-token-ttl-seconds")
)  # fmt: skip
"""Headers that the client writes itself, or that make services near it believe somebody else."""
_SHOWN_HEADERS = (
    "Content-Type", "Location", "ETag", "Last-Modified", "Link", "Retry-After", "Allow",
    "X-Total-Count", "X-RateLimit-Remaining",
)  # fmt: skip
MOST_CHARACTERS = 90_000
"""Characters of a body that are shown."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """The server that a tool was made for, and the keys that it gets."""

    base: Address | None = None
    """Where relative URLs begin; with it, no other server is spoken to."""
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Headers that go to the base and nowhere else, with their values."""

    @classmethod
    def of(cls, base_url: str = "", headers_from: Mapping[str, str] | None = None) -> Service:
        """Read a person's options: `headers_from` names a variable for each header.

        Raises InputError for a key without a base, and for a variable that is not set.
        """
        base = read_url(base_url) if base_url else None
        if headers_from and base is None:
            raise InputError(
                "headers_from needs base_url", hint="keys go to one server, and not to any"
            )
        wanted = (headers_from or {}).items()
        return cls(base=base, secrets={name: _secret(name, variable) for name, variable in wanted})

    def address(self, url: str) -> Address:
        """Return where a URL that a model wrote leads. Raises ToolError for one that is elsewhere.

        With a base, a path is taken from there, and a whole URL must begin with the base.
        """
        base = self.base
        try:
            if base is None:
                return read_url(url)
            relative = not re.match(r"\s*[a-zA-Z][a-zA-Z0-9+.-]*://", url)
            folder = base.url.partition("?")[0].rstrip("/")
            found = read_url(f"{folder}/{url.strip().lstrip('/')}" if relative else url)
        except InputError as error:
            raise ToolError(error.message, hint=error.hint) from None
        inside = (found.target + "/").startswith(base.target.partition("?")[0].rstrip("/") + "/")
        if found.origin != base.origin or not inside:
            raise ToolError(f"{found.shown} is not below {folder}", hint="give a path from there")
        return found

    def request(self, method: str, address: Address, headers: Mapping[str, str]) -> Request:
        """Return a request with the headers of the model and the keys. Raises ToolError."""
        secret = {name.lower() for name in self.secrets}
        for name, value in headers.items():
            _check_header(name, value, secret)
        return Request(address=address, method=method, headers={**headers, **self.secrets})

    def masked(self, text: str) -> str:
        """Return the text without the keys."""
        for value in self.secrets.values():
            text = text.replace(value, "***")
            if " " in value:
                text = text.replace(value.partition(" ")[2], "***")
        return mask(text)


def _secret(name: str, variable: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(f"headers_from: {name!r} is no header")
    value = os.environ.get(variable, "").strip()
    if not value:
        raise InputError(f"headers_from: the variable {variable} is not set")
    if not _VALUE.fullmatch(value) or not value.isascii():
        raise InputError(f"headers_from: what {variable} holds cannot be sent in a header")
    if name.lower() == "authorization" and " " not in value:
        return f"Bearer {value}"
    return value


def _check_header(name: str, value: str, secret: Iterable[str]) -> None:
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise ToolError(f"{one_line(name, 60)!r} is no header that can be sent")
    lower = name.lower()
    if lower in _OURS or lower.startswith(("proxy-", "sec-", "x-envoy-")):
        raise ToolError(f"the header {name} is not yours to set", hint="leave it out")
    if lower in secret:
        raise ToolError(f"the header {name} is set already", hint="leave it out")


def encode_body(body: str, data: Json) -> tuple[bytes, str]:
    """Return what is sent, and its media type; one of both may be given. Raises ToolError."""
    if data is None:
        return body.encode("utf-8", "replace"), "text/plain; charset=utf-8" if body else ""
    if body:
        raise ToolError("both body and json are given", hint="give one of them")
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"), "application/json"


def write_answer(response: Response, service: Service) -> str:
    """Return status, the headers that matter, and the body, cut and masked."""
    lines = [f"{response.status} {response.reason}".strip(), f"URL: {response.address.shown}"]
    lines += [
        f"{name}: {one_line(response.headers[name], 300)}"
        for name in _SHOWN_HEADERS
        if name in response.headers
    ]
    return service.masked("\n".join(lines) + "\n\n" + body_text(response)).rstrip()


def body_text(response: Response, limit: int = MOST_CHARACTERS) -> str:
    """Return the body: JSON over several lines, text as it is, a line for anything else."""
    form = media_type(response)
    if not response.body:
        return "(no body)"
    is_json = form.endswith(("/json", "+json"))
    if not (is_json or form.startswith("text/") or form.endswith(("xml", "yaml", "javascript"))):
        return f"({size(len(response.body))} of {form})"
    text = decode(response)
    if is_json:
        text = _indented(text)
    text = visible(text)
    if len(text) > limit:
        return f"{text[:limit]}\n[cut here: {len(text) - limit:,} more characters are not shown]"
    return text


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=1)
    except (ValueError, RecursionError):
        return text
