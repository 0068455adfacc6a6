"""One aiohttp session an event loop, closed with the loop.

A model is made once and may be used in many loops, since `asyncio.run` makes a new one each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from aiohttp import ClientSession


class Sessions:
    """Open a session at first use in a loop; keep it, and its connections, for later calls."""

    def __init__(self, open_session: Callable[[], ClientSession]) -> None:
        self._open = open_session
        self._held: dict[
            asyncio.AbstractEventLoop, tuple[ClientSession, AsyncGenerator[ClientSession]]
        ] = {}

    async def get(self) -> ClientSession:
        """Return the running loop's session."""
        loop = asyncio.get_running_loop()
        held = self._held.get(loop)
        if held is not None and not held[0].closed:
            return held[0]
        for other in [other for other in self._held if other.is_closed()]:
            del self._held[other]
        session = self._open()
        holder = self._hold(loop, session)
        self._held[loop] = session, holder
        return await anext(holder)

    async def aclose(self) -> None:
        """Close the running loop's session."""
        held = self._held.get(asyncio.get_running_loop())
        if held is not None:
            await held[1].aclose()

    async def _hold(
        self, loop: asyncio.AbstractEventLoop, session: ClientSession
    ) -> AsyncGenerator[ClientSession]:
        """Keep the session open; `asyncio.run` closes what generators are left when it ends."""
        try:
            yield session
        finally:
            self._held.pop(loop, None)
            await session.close()
