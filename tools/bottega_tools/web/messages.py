"""One request and its answer, as the tools of the web see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bottega.addresses import Address


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is asked of a server."""

    address: Address
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """What a server answered, whole."""

    address: Address
    """Where the answer came from, after redirects."""
    status: int
    reason: str
    headers: Mapping[str, str]
    """Read without regard to case; of a header that came more than once, the first."""
    body: bytes
    """Unpacked."""

    @property
    def media_type(self) -> str:
        """The type without parameters, in lower case; empty where none was sent."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The encoding that the headers name; empty where they do not."""
        for part in self.headers.get("Content-Type", "").split(";")[1:]:
            name, _, value = part.partition("=")
            if name.strip().lower() == "charset":
                return value.strip().strip("\"'")
        return ""
