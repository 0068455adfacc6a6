"""One node's page: opened, read, acted on. What may be reached is decided by its gate.

Everything that is asked of a page has an end: one that does not answer is closed. What a page wants
of the person (dialogs, windows, files, downloads, permissions) is refused, and said.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from bottega.addresses import read_url
from bottega.errors import ToolError
from bottega.escape import one_line
from bottega.messages import Json
from bottega_tools.browser.failure import not_opened, reason
from bottega_tools.browser.gate import MARK, Gate
from bottega_tools.browser.options import Options
from bottega_tools.browser.watch import Watch
from bottega_tools.browser.world import World

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page, Response

T = TypeVar("T")
TALLEST = 4_000
"""Pixels of a picture of a whole page."""
_SETTLE = 0.15
"""Seconds in which what was done may begin to lead elsewhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A page as it was read."""

    text: str
    title: str
    url: str
    unseen: int
    """Characters that a person would not see, which are left out."""
    full: bool
    """The page is longer than what was read."""


@dataclass
class Numbers:
    """Numbers of elements: none is given twice, also where the browser was started anew."""

    next: int = 1


@dataclass
class Visit:
    """A context of its own in the browser, with one page at most."""

    options: Options
    gate: Gate
    context: BrowserContext
    numbers: Numbers
    touched: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _page: Page | None = None
    _world: World | None = None

    def __post_init__(self) -> None:
        self._watch = Watch(self._drop)

    @staticmethod
    async def begin(browser: Browser, options: Options, numbers: Numbers) -> Visit:
        """Make the context, behind a gate of its own."""
        gate = Gate(options.guard, options.most)
        server = await gate.start()
        context = await browser.new_context(
            proxy={"server": server, "bypass": "<-loopback>"},
            viewport={"width": options.width, "height": options.height},
            accept_downloads=False,
            service_workers="block",
            permissions=[],
            ignore_https_errors=False,
        )
        context.set_default_timeout(options.seconds * 1000)
        return Visit(options=options, gate=gate, context=context, numbers=numbers)

    @property
    def alive(self) -> bool:
        """Whether the browser behind it is still there."""
        browser = self.context.browser
        return browser is not None and browser.is_connected()

    @property
    def idle(self) -> float:
        """Seconds since it was last used."""
        return time.monotonic() - self.touched

    def touch(self) -> None:
        """Note that it is used."""
        self.touched = time.monotonic()

    async def aclose(self) -> None:
        """Close the page and its context, and the gate."""
        self._watch.stop()
        with suppress(Exception):  # a browser that has died has closed them
            async with asyncio.timeout(5):
                await self.context.close()
        await self.gate.aclose()

    async def open(self, url: str) -> None:
        """Open a page. Raises ToolError where it cannot be had, InputError for what is no URL."""
        from playwright.async_api import Error

        address = read_url(url)
        self.gate.begin()
        page = await self._fresh_page()
        try:
            found = await self._bounded(page.goto(url, wait_until="domcontentloaded"))
        except Error as error:
            told = self._not_opened(address.shown, error.message)
            await self._drop()  # the page of an error may come up later, over another one
            raise told from error
        await self._check_gate(found)
        await self._loaded(page)

    async def back(self) -> None:
        """Go back in the page's history. Raises ToolError where there is nothing before."""
        from playwright.async_api import Error

        page = self._open_page()
        self.gate.begin()
        try:
            found = await self._bounded(page.go_back(wait_until="domcontentloaded"))
        except Error as error:
            raise self._not_opened("the page before", error.message) from error
        if found is None and page.url == "about:blank":
            raise ToolError("there is no page before this one")
        await self._check_gate(found)

    async def read(self) -> Seen:
        """Read the page's visible text, with a number before whatever can be acted on."""
        got = await self._asked(f"bottega.read({self.numbers.next})")
        self.numbers.next = max(self.numbers.next, int(got["next"]))
        fields = {name: got[name] for name in ("text", "title", "url", "unseen", "full")}
        return Seen(**fields)

    async def click(self, number: int) -> None:
        """Click an element."""
        page = self._open_page()
        at = await self._asked_of(number, f"bottega.point({number})")
        await self._done(page.mouse.click(at["x"], at["y"]))

    async def type(self, number: int, text: str, *, submit: bool) -> None:
        """Put a text in the place of what a field holds."""
        page = self._open_page()
        ready = await self._asked_of(number, f"bottega.field({number}, {json.dumps(text)})")
        if not ready["done"]:
            await self._done(page.keyboard.press("Delete"), settle=False)
            typed = page.keyboard.type if len(text) <= 200 else page.keyboard.insert_text
            await self._done(typed(text), settle=False)
        await self._done(page.keyboard.press("Enter") if submit else _nothing())

    async def choose(self, number: int, options: list[str]) -> None:
        """Choose options of a select."""
        await self._asked_of(number, f"bottega.choose({number}, {json.dumps(options)})")
        await self._done(_nothing())

    async def press(self, key: str) -> None:
        """Press a key, or several at once."""
        from playwright.async_api import Error

        page = self._open_page()
        try:
            await self._done(page.keyboard.press(key))
        except Error as error:
            if "Unknown key" not in error.message:
                raise
            hint = "use names such as Enter, Escape, Tab, ArrowDown, PageDown, Control+A"
            raise ToolError(f"there is no key {one_line(key, 40)!r}", hint=hint) from error

    async def scroll(self, pages: float, number: int = 0) -> Json:
        """Scroll the page, or an element; return where it is now."""
        return await self._asked_of(number, f"bottega.scroll({number}, {pages})")

    async def wait_for(self, text: str, seconds: float) -> bool:
        """Wait until a text can be seen; return whether it can."""
        asked = f"bottega.waitFor({json.dumps(text)}, {seconds})"
        return bool((await self._asked(asked, seconds))["found"])

    async def picture(self, *, whole: bool) -> bytes:
        """Return a PNG of what can be seen, or of the whole page as far as that goes."""
        page = self._open_page()
        clip: Any = None
        if whole:
            tall = (await self._asked("bottega.scroll(0, 0)"))["whole"]
            height = max(1, min(int(tall), TALLEST))
            clip = {"x": 0, "y": 0, "width": self.options.width, "height": height}
        return await self._bounded(
            page.screenshot(type="png", full_page=whole, clip=clip, animations="disabled")
        )

    def told(self) -> list[str]:
        """Return the notes, and begin a new list."""
        notes = self._watch.told()
        refused = list(dict.fromkeys(self.gate.refused))
        self.gate.refused.clear()
        more = [f"not loaded: {why}" for why in refused[:5]]
        return [*notes, *more]

    def _open_page(self) -> Page:
        if self._page is None or self._page.is_closed():
            raise ToolError("no page is open", hint="open one with browser_navigate")
        return self._page

    async def _fresh_page(self) -> Page:
        """Return the page, a new one where there is none or where it has crashed."""
        self._watch.renew()
        if self._page is None or self._page.is_closed():
            page = await self._bounded(self.context.new_page())
            self._watch.begin(page)
            self._world = await World.of(self.context, page)
            self._page = page
        return self._page

    async def _drop(self) -> None:
        """Close the page, whatever it is at."""
        page, self._page = self._page, None
        if page is not None:
            with suppress(Exception):
                async with asyncio.timeout(5):
                    await page.close()

    async def _check_gate(self, response: Response | None) -> None:
        """Raise ToolError where the page is the gate's own refusal."""
        if response is not None and MARK in response.headers:
            await self._drop()
            raise ToolError(self._refusal() or "the page is refused")

    def _refusal(self) -> str:
        return self.gate.refused[-1] if self.gate.refused else ""

    def _not_opened(self, what: str, message: str) -> ToolError:
        """Make the error of a page that did not come."""
        if self._watch.over:
            return ToolError("; ".join(self.told()))
        why = self._refusal()
        if why:
            return ToolError(why)
        return ToolError(not_opened(what, message, self.options.seconds))

    async def _done(self, work: Awaitable[Any], *, settle: bool = True) -> None:
        """Do something to the page, and wait for a page that it leads to."""
        from playwright.async_api import Error
        from playwright.async_api import TimeoutError as Late

        self._watch.leaving = False
        try:
            await self._bounded(work)
            if not settle:
                return
            await asyncio.sleep(_SETTLE)
            if self._watch.leaving and self._page is not None:
                self.gate.begin()
                await self._bounded(self._page.wait_for_load_state("domcontentloaded"))
        except Late as error:
            raise ToolError(f"the page did not come within {self.options.seconds:g} s") from error
        except Error as error:
            if "Unknown key" in error.message:
                raise
            raise ToolError("; ".join(self.told()) or reason(error.message)) from error

    async def _loaded(self, page: Page) -> None:
        """Give what a page loads later a moment; it may be read without."""
        from playwright.async_api import Error

        with suppress(Error):
            await page.wait_for_load_state("load", timeout=min(3.0, self.options.seconds) * 1000)

    async def _asked_of(self, number: int, expression: str) -> Json:
        """Ask about an element. Raises ToolError saying what is the matter with it."""
        got = await self._asked(expression)
        if got.get("problem"):
            raise ToolError(f"element {number} {got['problem']}")
        return got

    async def _asked(self, expression: str, longer: float = 0.0) -> Json:
        """Evaluate in our world of the page, where its own scripts have changed nothing."""
        from playwright.async_api import Error

        self._open_page()
        assert self._world is not None
        try:
            return await self._bounded(self._world.ask(expression), longer)
        except Error as error:
            raise ToolError(
                "; ".join(self.told()) or f"the page cannot be read: {reason(error.message)}"
            ) from error

    async def _bounded(self, work: Awaitable[T], longer: float = 0.0) -> T:
        """Wait for the page; close one that does not answer."""
        seconds = self.options.seconds + 2 + longer  # Playwright's own limits come first
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError:
            await self._drop()
            raise ToolError(
                "the page does not answer and was closed", hint="open another page"
            ) from None


async def _nothing() -> None:
    """Do nothing, where something could be done."""
