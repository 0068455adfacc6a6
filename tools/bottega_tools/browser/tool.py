"""What the browser's tools have in common: whose page it is, and what they say afterwards."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from bottega.errors import InputError, ToolError
from bottega.tools import Output, Tool, ToolContext
from bottega_tools.browser.chromium import Chromium
from bottega_tools.browser.report import report
from bottega_tools.browser.visit import Visit


class BrowserTool(Tool):
    """One of the things that can be done in the browser."""

    permissions = frozenset({"network"})
    trust = "untrusted"
    timeout = 120.0

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium

    @asynccontextmanager
    async def _at(
        self, context: ToolContext, *, fresh: bool = False
    ) -> AsyncGenerator[Visit, None]:
        """Give the page of the node that calls, to one call at a time."""
        try:
            visit = await self._chromium.visit((context.run_id, context.node), fresh=fresh)
            async with visit.lock:
                visit.gate.permitted = context.allowed
                yield visit
        except InputError as error:
            raise ToolError(error.message, hint=error.hint) from error

    async def _check(self, url: str, context: ToolContext) -> None:
        """Raise ToolError where nobody may go."""
        try:
            await self._chromium.check(url, context.allowed)
        except InputError as error:
            raise ToolError(error.message, hint=error.hint) from error

    async def _shown(self, visit: Visit, start: int = 0) -> Output:
        """Return the page as it is now."""
        seen = await visit.read()
        return Output(content=report(seen, visit.told(), start))
