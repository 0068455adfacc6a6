"""The one way from the browser to the net: a proxy in this process that looks at every address.

Chromium looks no name up itself. Each request and each tunnel comes here and is judged by the
`Guard` that the web tools have, and the connection goes to the very address that was judged: a
resolver that answers otherwise the second time gains nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from bottega.addresses import Address, read_url
from bottega.errors import InputError, ToolError
from bottega.guard import Guard
from bottega.hostnames import IPAddress
from bottega.permissions import Permissions

MARK = "x-bottega-gate"
"""Header of an answer that the gate itself gave."""
_HEAD = 64 << 10
_SECONDS = 15.0
_CHUNK = 64 << 10
_MAKERS = frozenset(
    f"{name}.googleapis.com"
    for name in ("content-autofill", "optimizationguide-pa", "update", "safebrowsing", "android")
)
"""Services that Chromium asks of its own accord, which no page does."""
_HOP = (b"proxy-connection:", b"proxy-authorization:", b"connection:", b"keep-alive:")


class Gate:
    """A proxy for one visit: what it may reach, how much it may load, what was refused."""

    def __init__(self, guard: Guard, most: int) -> None:
        self._guard = guard
        self._most = most
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._loaded = 0
        self.permitted = Permissions.everything()
        """What the call at work may use; nothing lets it past the guard."""
        self.refused: list[str] = []
        """What was not let through since the last page was opened, one line each."""

    async def start(self) -> str:
        """Begin to listen, on this machine only; return the address as a URL."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_HEAD)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def begin(self) -> None:
        """Count anew, for another page."""
        self._loaded = 0
        self.refused.clear()

    async def aclose(self) -> None:
        """Stop listening and end what is under way."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def check(self, address: Address) -> Sequence[IPAddress]:
        """Return the addresses to connect to. Raises ToolError where one may not go there."""
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._guard.admit(address, self.permitted)
        except TimeoutError:
            raise ToolError(f"no address of the host {address.host!r} came in time") from None

    def _check_size(self) -> None:
        if self._loaded > self._most:
            raise ToolError(f"the page loads more than {self._most >> 20} MB")

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except ToolError as error:  # it grew too large on its way
            self.refused.append(error.message)
        except (OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass  # either side has gone
        except (TimeoutError, asyncio.LimitOverrunError, ValueError):
            pass  # no request at all, or one without an end
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        line, _, fields = head.partition(b"\r\n")
        method, target, _ = line.decode("latin-1").split(" ", 2)
        try:
            tunnel = method == "CONNECT"
            address = read_url(f"https://{target}/" if tunnel else target)
            if address.host in _MAKERS:
                return
            ips = await self.check(address)
            self._check_size()
        except (ToolError, InputError) as error:
            self._refuse(writer, error.message)
            await writer.drain()
            return
        upstream = await self._connect(ips, address.port)
        if upstream is None:
            self.refused.append(f"{address.origin} does not answer")
            writer.write(
                b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            await writer.drain()
            return
        try:
            if tunnel:
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                upstream[1].write(_forwarded(method, address, fields))
            await self._pass(reader, writer, *upstream)
        finally:
            upstream[1].close()

    def _refuse(self, writer: asyncio.StreamWriter, why: str) -> None:
        if len(self.refused) < 100:
            self.refused.append(why)
        body = why.encode()
        writer.write(
            f"HTTP/1.1 403 Forbidden\r\n{MARK}: refused\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            + body
        )

    async def _connect(
        self, ips: Sequence[IPAddress], port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for ip in ips[:4]:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_SECONDS):
                    return await asyncio.open_connection(str(ip), port)
        return None

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream_reader: asyncio.StreamReader,
        upstream_writer: asyncio.StreamWriter,
    ) -> None:
        """Pass bytes both ways until the server has said all."""
        up = asyncio.ensure_future(self._copy(reader, upstream_writer, counted=False))
        try:
            await self._copy(upstream_reader, writer, counted=True)
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)

    async def _copy(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, counted: bool
    ) -> None:
        while data := await source.read(_CHUNK):
            if counted:
                self._loaded += len(data)
                self._check_size()
            target.write(data)
            await target.drain()


def _forwarded(method: str, address: Address, fields: bytes) -> bytes:
    """Return the head of a request as the server gets it: one request a connection."""
    kept = [line for line in fields.split(b"\r\n") if line and not line.lower().startswith(_HOP)]
    first = f"{method} {address.target} HTTP/1.1".encode("latin-1")
    return b"\r\n".join([first, *kept, b"Connection: close", b"", b""])
