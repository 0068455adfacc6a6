"""Hosts as permissions name them: names, patterns, addresses and networks, with a port or without.

How hosts are spelt to fool a reader of URLs is the business of the tools that take URLs.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from bottega.errors import InputError

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

_NAME = re.compile(r"[^\s/:@?#\\*\[\]]+")
_PORT = re.compile(r"\d{1,5}")


def checked_host(text: str, scope: str) -> str:
    """Return the scope of the permission `text` as hosts are compared. Raises InputError."""
    host, port = host_and_port(scope)
    bare = host.removeprefix("*.")
    if not (_NAME.fullmatch(bare) or _network(host)) or not _PORT.fullmatch(port or "0"):
        hint = "write a host, `*.` and a host, an address or a network such as 10.0.0.0/8"
        raise InputError(f"{text!r} names no host", hint=hint)
    plain = ("*." if bare != host else "") + plain_host(bare)
    return with_port(plain, int(port) if port else None)


def covers_host(scope: str, wanted: str) -> bool:
    """Say whether everything that `wanted` names is within the scope."""
    (mine, my_port), (host, port) = host_and_port(scope), host_and_port(wanted)
    if my_port and my_port != port:
        return False
    if mine == host:
        return True
    if mine.startswith("*."):
        return host.removeprefix("*").endswith(mine[1:]) and host != mine[2:]
    inside, network = _network(host), _network(mine)
    if inside is None or network is None or inside.version != network.version:
        return False
    return int(network.network_address) <= int(inside.network_address) and (
        int(inside.broadcast_address) <= int(network.broadcast_address)
    )


def host_and_port(text: str) -> tuple[str, str]:
    """Divide `host`, `host:port`, `[v6]`, `[v6]:port` and a bare v6 address."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":")
    if text.count(":") != 1:
        return text, ""
    host, _, port = text.partition(":")
    return host, port or "none"


def with_port(host: str, port: int | None) -> str:
    """Return the host, and the port where there is one."""
    host = f"[{host}]" if ":" in host and port is not None else host
    return host if port is None else f"{host}:{port}"


@lru_cache(maxsize=1024)
def plain_host(host: str) -> str:
    """Return the host as it is compared: lower case, no last dot, ASCII; addresses the short way.

    A name that cannot be a host is returned as it is: it matches nothing but itself.
    """
    from ipaddress import ip_address

    text = host.strip("[]").rstrip(".").lower()
    try:
        address = ip_address(text)
    except ValueError:
        try:
            return text if text.isascii() else text.encode("idna").decode("ascii")
        except UnicodeError:
            return text
    return str(getattr(address, "ipv4_mapped", None) or address)


@lru_cache(maxsize=1024)
def _network(text: str) -> IPv4Network | IPv6Network | None:
    from ipaddress import ip_network

    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
