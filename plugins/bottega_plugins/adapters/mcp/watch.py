"""Hearing that a server's lists changed, in either era of the protocol, and looking again.

Servers of 2025 send a notification. Those of 2026 tell it on a stream that the client has to ask
for (`subscriptions/listen`). However often it is told, one look at a time is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from bottega.errors import BottegaError

if TYPE_CHECKING:
    from mcp.client.client import Client

_NOTICES = ("notifications/tools/list_changed", "notifications/prompts/list_changed")


class Watch:
    """What one connection hears of changes."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    async def told(self, message: Any) -> None:
        """Take any message of the server."""
        if getattr(message, "method", "") in _NOTICES:
            self._changed.set()

    @asynccontextmanager
    async def over(
        self, client: Client, look: Callable[[], Awaitable[None]], fail: Callable[[], None]
    ) -> AsyncGenerator[None]:
        """Look again whenever a list changed, while the block lasts; `fail` where that fails."""
        tasks = [
            asyncio.create_task(self._listen(client)),
            asyncio.create_task(self._look(look, fail)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _look(self, look: Callable[[], Awaitable[None]], fail: Callable[[], None]) -> None:
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                await look()
        except BottegaError:  # it is kept by who looked, and every call meets it
            fail()
        except Exception:  # noqa: BLE001  # a connection that is lost: the next call meets it, too
            fail()

    async def _listen(self, client: Client) -> None:
        from mcp_types.version import MODERN_PROTOCOL_VERSIONS

        can = client.server_capabilities
        tells = [each for each in (can.tools, can.prompts) if each is not None]
        if client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            return
        if not any(each.list_changed for each in tells):
            return
        try:
            async with client.listen(tools_list_changed=True, prompts_list_changed=True) as events:
                async for _ in events:
                    self._changed.set()
        except Exception:  # noqa: BLE001  # whatever ended it, what came meanwhile was not heard
            self._changed.set()
