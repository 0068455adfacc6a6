"""Our own world in a page: what is asked there, the page's scripts can neither see nor change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega.errors import ToolError
from bottega.escape import one_line
from bottega.messages import Json

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page

_NAME = "bottega"


@dataclass(frozen=True)
class World:
    """A page's isolated world: https://developer.chrome.com/docs/extensions/develop/concepts."""

    _cdp: Any
    """A `playwright.async_api.CDPSession`, whose answers have no types."""

    @staticmethod
    async def of(context: BrowserContext, page: Page) -> World:
        """Make the world of a page; it stays while the page goes from address to address."""
        return World(await context.new_cdp_session(page))

    async def ask(self, expression: str) -> Json:
        """Evaluate an expression over `bottega` of page.js. Raises ToolError and Playwright's."""
        tree = await self._cdp.send("Page.getFrameTree")
        frame = tree["frameTree"]["frame"]["id"]
        world = await self._cdp.send(
            "Page.createIsolatedWorld", {"frameId": frame, "worldName": _NAME}
        )
        got = await self._cdp.send(
            "Runtime.evaluate",
            {
                "expression": f"{_script()}\n{expression}",
                "contextId": world["executionContextId"],
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
        if "exceptionDetails" in got:
            said = got["exceptionDetails"].get("exception", {}).get("description", "")
            raise ToolError(f"the page cannot be read: {one_line(str(said), 200)}")
        return got["result"]["value"]


@cache
def _script() -> str:
    return (Path(__file__).parent / "page.js").read_text()
