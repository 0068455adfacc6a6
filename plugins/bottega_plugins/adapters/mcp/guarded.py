"""HTTP for MCP that goes nowhere it may not: addresses checked, answers bounded.

The address that is connected to is the one that was checked, so that a name cannot mean another one
a moment later. Redirects are the SDK's business: it follows none to another origin.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import anyio
import httpcore2
import httpx2

from bottega.addresses import read_url
from bottega.destinations import Allowed, refusal
from bottega.errors import InputError, ToolError
from bottega.guard import look_up

LARGEST_ANSWER = 8 << 20
"""Bytes of an answer that is not a stream of events, and of one event."""
MOST_STREAMED = 256 << 20
"""Bytes of a stream of events."""
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


def checked_url(url: str, allowed: Allowed) -> str:
    """Return the URL in its one spelling. Raises InputError for one that may not be reached."""
    address = read_url(url)
    if address.ip is not None and not allowed.names(address) and not allowed.has(address.ip):
        why = refusal(address.ip)
        if why:
            raise InputError(f"{address.host} is {why}", hint=f"allow: [{address.host}]")
    return address.url


def filled(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with `$NAME` replaced by the environment's. Raises InputError."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in os.environ:
            raise InputError(f"the variable {name} is not set", hint=f"export {name}=...")
        return os.environ[name]

    return {name: _VARIABLE.sub(value, text) for name, text in headers.items()}


def make_client(url: str, headers: Mapping[str, str], allowed: Allowed) -> httpx2.AsyncClient:
    """Return a client that reaches the host of the URL, and no other."""
    return httpx2.AsyncClient(
        headers={**filled(headers), "accept-encoding": "identity"},
        timeout=httpx2.Timeout(30.0, read=300.0),
        transport=_Bounded(_Network(allowed, url)),
        trust_env=False,
    )


class _Network(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that it has checked itself."""

    def __init__(self, allowed: Allowed, url: str) -> None:
        self._allowed = allowed
        self._free = allowed.names(read_url(url))
        self._below: Any = httpcore2.AnyIOBackend()  # typed as if it might not be there

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # as its base declares it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            addresses = list(dict.fromkeys(await look_up(host, port)))
        except OSError as error:
            raise httpcore2.ConnectError(f"{host} cannot be found") from error
        for text in addresses:
            self._check(host, text)
        stream: httpcore2.AsyncNetworkStream = await self._below.connect_tcp(
            addresses[0], port, timeout, local_address, socket_options
        )
        return stream

    def _check(self, host: str, text: str) -> None:
        ip = ipaddress.ip_address(text)
        why = refusal(ip)
        if why and not self._free and not self._allowed.has(ip):
            raise ToolError(f"{host} leads to {ip}, which is {why}", hint=f"allow: [{host}]")

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class _Bounded(httpx2.AsyncHTTPTransport):
    """Breaks off answers that grow too long, and those that are packed."""

    def __init__(self, network: _Network) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False), network_backend=network
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            raise httpx2.DecodingError("the answer is packed, which was not asked for")
        streamed = response.headers.get("content-type", "").startswith("text/event-stream")
        limit = MOST_STREAMED if streamed else LARGEST_ANSWER
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Counted(response.stream, limit)
        return response


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, limit: int) -> None:
        self._inner = inner
        self._left = limit
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._left -= len(chunk)
            if self._left < 0:
                raise httpx2.ReadError(f"the answer is longer than {self._limit >> 20} MB")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
