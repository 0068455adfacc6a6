"""One request and its answer over one connection, to addresses that were checked before.

No proxy but one that was given, no cookies, no redirects and no connection that is kept: what is
not wanted is not there. Redirects are `client`'s.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from bottega.addresses import Address
from bottega.errors import ToolError
from bottega.escape import one_line
from bottega.hostnames import IPAddress
from bottega_tools.web.limits import Limits
from bottega_tools.web.messages import Request, Response
from bottega_tools.web.unpacking import ACCEPTED, Body

_LONGEST_HEADER = 16_384
"""Bytes of one header; there may be 128 of them."""
_TOO_LARGE = ("more than", "too large", "too long", "too many")


async def exchange(
    request: Request, ips: Sequence[IPAddress], limits: Limits, proxy: Address | None = None
) -> Response:
    """Send the request and read the whole answer. Raises ToolError; the caller keeps the time.

    With a proxy the connection goes there, and nowhere else.
    """
    source = request.address.origin
    connector = aiohttp.TCPConnector(force_close=True) if proxy else _pinned_to(ips)
    try:
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_seconds),
            auto_decompress=False,
            trust_env=False,
            proxy=proxy.origin if proxy else None,
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
        ) as session:
            return await _exchanged(session, request, limits)
    except aiohttp.ServerTimeoutError:
        seconds = limits.connect_seconds
        raise ToolError(f"{source}: no connection within {seconds:g} s", retryable=True) from None
    except aiohttp.ClientHttpProxyError as error:
        raise ToolError(f"{source} cannot be reached: the proxy says {error.status}") from None
    except aiohttp.ClientResponseError as error:
        raise ToolError(f"{source} {_not_http(error)}") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise ToolError(f"{source} cannot be reached: {_reason(error)}", retryable=True) from None


async def _exchanged(session: aiohttp.ClientSession, request: Request, limits: Limits) -> Response:
    source = request.address.origin
    headers = {"Accept-Encoding": ACCEPTED, "User-Agent": "bottega", **request.headers}
    try:
        async with asyncio.timeout(limits.header_seconds):
            response = await session.request(
                request.method,
                yarl.URL(request.address.url, encoded=True),
                headers=headers,
                data=request.body or None,
                allow_redirects=False,
            )
    except TimeoutError:
        seconds = limits.header_seconds
        message = f"{source} sent no whole headers within {seconds:g} s"
        raise ToolError(message, retryable=True) from None
    async with response:
        body = Body(response.headers.get("Content-Encoding", ""), limits.body, source)
        if request.method != "HEAD" and response.status not in (204, 304):
            while piece := await response.content.readany():
                body.add(piece)
    return Response(
        address=request.address,
        status=response.status,
        reason=one_line(response.reason or "", 60),
        headers=response.headers,
        body=body.read(),
    )


def _pinned_to(ips: Sequence[IPAddress]) -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(
        resolver=_Pinned(ips), use_dns_cache=False, force_close=True, socket_factory=_gate(ips)
    )


class _Pinned(AbstractResolver):
    """Answers with the addresses that were checked, whatever the name stands for by now."""

    def __init__(self, ips: Sequence[IPAddress]) -> None:
        self._ips = ips

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(ip),
                port=port,
                family=socket.AF_INET if ip.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for ip in self._ips
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _gate(ips: Sequence[IPAddress]) -> Callable[[Any], socket.socket]:
    """Return what opens sockets, to these addresses only: the last look before a connection."""

    def open_socket(info: Any) -> socket.socket:
        family, kind, protocol, _, destination = info
        if ipaddress.ip_address(str(destination[0])) not in ips:
            raise OSError("the address was not checked")
        return socket.socket(family, kind, protocol)

    return open_socket


def _not_http(error: aiohttp.ClientResponseError) -> str:
    if any(words in error.message.lower() for words in _TOO_LARGE):
        return f"sent headers that are too large (at most {_LONGEST_HEADER:,} bytes each, 128)"
    return f"does not speak HTTP: {one_line(error.message, 100)}"


def _reason(error: BaseException) -> str:
    """Return the system's own words; those of asyncio say less."""
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return "the proxy does not answer"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(inner, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    if isinstance(inner, aiohttp.ClientPayloadError):
        return "its answer was cut"
    if isinstance(inner, OSError) and inner.errno and inner.errno > 0 and inner.errno < 1_000:
        return os.strerror(inner.errno)
    return one_line(str(inner), 160) or type(inner).__name__
