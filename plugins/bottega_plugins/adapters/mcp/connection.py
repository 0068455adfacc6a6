"""One connection to a server, kept while it is used and made anew where it was lost.

It lives on the loop of `background`, in a task that opens and closes it; calls come from anywhere.
What a server does wrong (dies, hangs, floods, speaks no MCP) is one ToolError, in bounded time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bottega.errors import BottegaError, ToolError
from bottega.escape import mask, one_line
from bottega_plugins.adapters.mcp.watch import Watch

if TYPE_CHECKING:
    from mcp.client.client import Client

    from bottega_plugins.adapters.mcp.catalogue import Catalogue

T = TypeVar("T")

MOST_STARTS = 3
"""Starts within `STARTS_WITHIN` seconds; a server that dies more often is let be for as long."""
STARTS_WITHIN = 60.0
_CLOSED = -32000
"""Code with which the SDK says that the connection is closed."""

_SILENT = logging.NullHandler()
"""What the SDK logs goes where a person has told logging to write, and not to the terminal."""


class Way(Protocol):
    """How a server is reached: a program that is started, or a URL."""

    ended: bool
    """Whether it was the other side that ended the connection."""

    def transport(self, over: Callable[[], None]) -> AbstractAsyncContextManager[Any]:
        """Open the streams of messages; `over` is called when the other side says no more."""
        ...

    def ending(self) -> str:
        """Say what became of the other side."""
        ...


class Connection:
    """A server, reached when it is needed. Its methods run on the background loop."""

    def __init__(
        self,
        name: str,
        way: Callable[[], Way],
        check: Callable[[Catalogue], None],
        *,
        protocol: str = "auto",
        start_seconds: float = 20.0,
    ) -> None:
        self._name = name
        self._way_of = way
        self._check = check
        self._protocol = protocol
        self._start_seconds = start_seconds
        self._way: Way | None = None
        self._owner: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[Client] | None = None
        self._over = asyncio.Event()
        self._starts: deque[float] = deque(maxlen=MOST_STARTS)
        self._calls = 0
        self._unwanted = False
        """Whether it is to end with the last call that is under way."""
        self._refusal: BottegaError | None = None
        self.catalogue: Catalogue | None = None
        self.listeners: set[Callable[[str], None]] = set()
        """Get what the server logs while they are in the set."""

    async def use(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Do something with the connection. Raises ToolError for whatever the server does wrong."""
        self._calls += 1
        self._unwanted = False
        try:
            client = await self._connected()
            try:
                return await work(client)
            except BottegaError:
                raise
            except Exception as error:
                raise self._problem(error) from error
        finally:
            self._calls -= 1
            if self._unwanted and not self._calls:
                self._over.set()

    async def close(self, *, always: bool = False) -> None:
        """End the connection, or have the last of the calls that are under way end it."""
        if self._owner is None:
            return
        if self._calls and not always:
            self._unwanted = True
            return
        self._over.set()
        await asyncio.wait([self._owner])

    async def _connected(self) -> Client:
        if self._refusal is not None:
            raise self._refusal
        if self._owner is None or self._owner.done() or self._over.is_set():
            if self._owner is not None:
                await asyncio.wait([self._owner])
            self._begin()
        assert self._ready is not None
        return await asyncio.shield(self._ready)

    def _begin(self) -> None:
        if self._owner is not None and not self._owner.done():
            return  # another call was quicker
        now = time.monotonic()
        if len(self._starts) == MOST_STARTS and now - self._starts[0] < STARTS_WITHIN:
            last = "" if self._way is None else f": it {self._way.ending()}"
            raise ToolError(
                f"the MCP server {self._name} ended {MOST_STARTS} times within a minute{last}",
                hint="go on without it",
            )
        self._starts.append(now)
        self._over.clear()
        self._ready = asyncio.get_running_loop().create_future()
        self._owner = asyncio.create_task(self._own(self._ready))

    async def _own(self, ready: asyncio.Future[Client]) -> None:
        """Open the connection, hold it until it is over, and close it, all in one task."""
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._start_seconds):
                    watch = Watch()
                    client = await stack.enter_async_context(self._client(watch))
                    await self._look(client)
                ready.set_result(client)
                async with watch.over(client, partial(self._look, client), self._over.set):
                    await self._over.wait()
                if self._way is not None and not self._way.ended:
                    self._starts.clear()  # we end it, and may begin anew as often as we like
        except BaseException as error:  # noqa: BLE001  # handed to whoever waits
            if not ready.done():
                ready.set_exception(self._start_problem(error))
                ready.exception()  # whoever waited may have stopped
        finally:
            self._over.set()

    def _client(self, watch: Watch) -> AbstractAsyncContextManager[Client]:
        from mcp.client.client import Client
        from mcp_types import Implementation

        from bottega import __version__

        logging.getLogger("mcp").addHandler(_SILENT)
        self._way = self._way_of()
        return Client(
            self._way.transport(self._over.set),
            mode=self._protocol,
            cache=None,
            logging_callback=self._logged,
            log_level="info",
            message_handler=watch.told,
            client_info=Implementation(name="bottega", version=__version__),
        )

    async def _logged(self, params: Any) -> None:
        for listen in tuple(self.listeners):
            listen(f"{params.level}: {one_line(mask(str(params.data)), 500)}")

    async def _look(self, client: Client) -> None:
        """Read what the server offers, and hold it to what was approved."""
        from bottega_plugins.adapters.mcp.catalogue import read_catalogue

        async with asyncio.timeout(self._start_seconds):
            self.catalogue = await read_catalogue(client)
        try:
            self._check(self.catalogue)
        except BottegaError as error:
            self._refusal = error  # for good, whatever it says when asked again
            raise

    def _start_problem(self, error: BaseException) -> BottegaError:
        error = _first(error)
        if isinstance(error, BottegaError):
            if error is not self._refusal:
                error.message = f"the MCP server {self._name}: {error.message}"
            return error
        if isinstance(error, TimeoutError):
            what = f"was not ready within {self._start_seconds:g} s"
        elif self._way is not None and self._way.ended:
            what = self._way.ending()
        else:
            what = f"cannot be used: {_line(error)}"
        return ToolError(f"the MCP server {self._name} {what}")

    def _problem(self, error: Exception) -> ToolError:
        code = getattr(getattr(error, "error", None), "code", None)
        if code == _CLOSED and self._way is not None:
            self._over.set()
            return ToolError(f"the MCP server {self._name} {self._way.ending()}")
        if "session" in str(error).lower():  # forgotten by the other side: the next call gets one
            self._over.set()
        return ToolError(f"the MCP server {self._name} answered: {_line(error)}")


def _first(error: BaseException) -> BaseException:
    """Return what lies at the bottom of a task group's error."""
    inner: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    return _first(inner[0]) if inner else error


def _line(error: BaseException) -> str:
    text = one_line(mask(str(error)), 500)
    return text or type(error).__name__
