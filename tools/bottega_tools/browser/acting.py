"""The browser's tools that act: click, type, choose, press a key, scroll."""

# ruff: noqa: D417  # the context is not the model's to give

from __future__ import annotations

from typing import Literal

from bottega.errors import ToolError
from bottega.tools import Output, ToolContext
from bottega_tools.browser.tool import BrowserTool

LONGEST_TEXT = 20_000


class Click(BrowserTool):
    """Click an element."""

    name = "browser_click"
    effects = "once"

    async def run(self, element: int, context: ToolContext) -> Output:
        """Click an element of the page that is open, and read the page as it is then.

        Args:
            element: its number on the page.
        """
        async with self._at(context) as visit:
            await visit.click(element)
            return await self._shown(visit)


class TypeText(BrowserTool):
    """Type into a field."""

    name = "browser_type"
    effects = "once"

    async def run(
        self, element: int, text: str, context: ToolContext, submit: bool = False
    ) -> Output:
        """Fill in a field of the page that is open; what it held before is replaced.

        Args:
            element: the field's number on the page.
            text: what to fill in; dates as 2026-01-31, times as 13:30.
            submit: press Enter afterwards.
        """
        if len(text) > LONGEST_TEXT:
            raise ToolError(f"the text is longer than {LONGEST_TEXT:,} characters")
        async with self._at(context) as visit:
            await visit.type(element, text, submit=submit)
            return await self._shown(visit)


class SelectOption(BrowserTool):
    """Choose in a list."""

    name = "browser_select_option"
    effects = "once"

    async def run(self, element: int, options: list[str], context: ToolContext) -> Output:
        """Choose one or more options of a select of the page that is open.

        Args:
            element: the select's number on the page.
            options: the options as they are shown.
        """
        if not options:
            raise ToolError("no option is named")
        async with self._at(context) as visit:
            await visit.choose(element, options)
            return await self._shown(visit)


class PressKey(BrowserTool):
    """Press a key."""

    name = "browser_press_key"
    effects = "once"

    async def run(self, key: str, context: ToolContext) -> Output:
        """Press a key in the page that is open.

        Args:
            key: its name, such as Enter, Escape, ArrowDown or Control+A.
        """
        async with self._at(context) as visit:
            await visit.press(key)
            return await self._shown(visit)


class Scroll(BrowserTool):
    """Scroll the page."""

    name = "browser_scroll"
    effects = "idempotent"

    async def run(
        self,
        context: ToolContext,
        direction: Literal["down", "up"] = "down",
        pages: float = 1.0,
        element: int = 0,
    ) -> Output:
        """Scroll the page that is open, for pages that load more when they are scrolled.

        Args:
            direction: where to.
            pages: how many windows full.
            element: number of the element to scroll instead of the page.
        """
        async with self._at(context) as visit:
            far = min(abs(pages), 50.0)
            await visit.scroll(far if direction == "down" else -far, element)
            return await self._shown(visit)
