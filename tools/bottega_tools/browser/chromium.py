"""The Chromium of one toolset: started when the first page is opened, ended with the last.

It ends with this process, too, however that dies: it reads its orders from a pipe.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bottega.addresses import read_url
from bottega.errors import ToolError
from bottega_tools.browser.gate import Gate
from bottega_tools.browser.options import BARE, FLAGS, Options, find_chromium
from bottega_tools.browser.visit import Numbers, Visit

if TYPE_CHECKING:
    from playwright.async_api import Browser, Playwright

    from bottega.permissions import Permissions

Key = tuple[str, str]
"""A run and one of its nodes."""
MOST_VISITS = 8
"""Pages that are open at once; the one that was not looked at for longest makes room."""
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "FONTCONFIG_PATH")


@dataclass
class Chromium:
    """A browser and its visits: one page with cookies of its own for each node of each run."""

    options: Options
    _numbers: Numbers = field(default_factory=Numbers)
    _visits: dict[Key, Visit] = field(default_factory=dict[Key, Visit])
    _playwright: Playwright | None = None
    _browser: Browser | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _sweep: asyncio.TimerHandle | None = None
    _closing: asyncio.Task[None] | None = None

    async def visit(self, key: Key, *, fresh: bool = False) -> Visit:
        """Return the visit of a node. Raises ToolError where it has opened no page yet."""
        self._follow_loop()
        async with self._lock:
            found = self._visits.get(key)
            if found is not None and not found.alive:
                del self._visits[key]
                await found.aclose()
                found = None
            if found is None:
                if not fresh:
                    raise ToolError("no page is open", hint="open one with browser_navigate")
                found = await self._begin(key)
            found.touch()
            self._plan_sweep()
            return found

    async def check(self, url: str, permitted: Permissions) -> None:
        """Raise ToolError or InputError where nobody may go, before anything is started for it."""
        gate = Gate(self.options.guard, self.options.most)
        gate.permitted = permitted
        await gate.check(read_url(url))

    async def aclose(self) -> None:
        """Close every page and end the browser; the next visit begins anew."""
        if self._loop is not None and self._loop is not asyncio.get_running_loop():
            self._forget()
            return
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        async with self._lock:
            await self._end()

    async def _begin(self, key: Key) -> Visit:
        if len(self._visits) >= MOST_VISITS:
            oldest = min(self._visits, key=lambda one: self._visits[one].touched)
            await self._visits.pop(oldest).aclose()
        if self._browser is None or not self._browser.is_connected():
            await self._end()
            await self._launch()
        assert self._browser is not None
        visit = await Visit.begin(self._browser, self.options, self._numbers)
        self._visits[key] = visit
        return visit

    async def _launch(self) -> None:
        from playwright.async_api import Error, async_playwright

        executable = find_chromium(self.options.executable)
        self._playwright = await async_playwright().start()
        try:
            self._browser = await self._playwright.chromium.launch(
                executable_path=executable,
                headless=True,
                args=list(FLAGS) if self.options.sandboxed else [*FLAGS, *BARE],
                chromium_sandbox=self.options.sandboxed,
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
                timeout=30_000,
            )
        except Error as error:
            await self._end()
            raise ToolError(
                f"Chromium does not start: {_reason(error.message)}",
                hint=f"try `{executable} --headless --dump-dom about:blank`",
            ) from error

    async def _end(self) -> None:
        visits, self._visits = list(self._visits.values()), {}
        for visit in visits:
            await visit.aclose()
        browser, self._browser = self._browser, None
        playwright, self._playwright = self._playwright, None
        if browser is not None:
            with suppress(Exception):  # one that has died already is closed
                await browser.close()
        if playwright is not None:
            await playwright.stop()

    def _follow_loop(self) -> None:
        """Forget what belongs to an event loop that is over; its processes went with it."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._forget()
            self._loop = loop

    def _forget(self) -> None:
        self._visits, self._browser, self._playwright = {}, None, None
        self._lock, self._sweep, self._loop = asyncio.Lock(), None, None

    def _plan_sweep(self) -> None:
        if self._sweep is None and self._loop is not None:
            self._sweep = self._loop.call_later(self.options.idle / 2, self._begin_sweep)

    def _begin_sweep(self) -> None:
        self._sweep = None
        self._closing = asyncio.ensure_future(self._close_idle())

    async def _close_idle(self) -> None:
        async with self._lock:
            for key, visit in list(self._visits.items()):
                if visit.idle > self.options.idle:
                    del self._visits[key]
                    await visit.aclose()
            if self._visits:
                self._plan_sweep()
            else:
                await self._end()


def _reason(message: str) -> str:
    """Return the line of Chromium's own words that tells why."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    telling = [line for line in lines if "ERROR" in line or "No usable sandbox" in line]
    return (telling or lines or ["no reason is given"])[0][:300]
