"""The toolset `browser`: its tools, all of one Chromium."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bottega.destinations import Allowed
from bottega.errors import InputError, NotInstalledError

if TYPE_CHECKING:
    from bottega.tools import Tool
    from bottega_tools.browser.options import Options


class BrowserTools:
    """The browser's tools. They are named as Playwright's own MCP server names them."""

    name = "browser"

    def __init__(self, options: Options) -> None:
        from bottega_tools.browser.chromium import Chromium

        self._options = options
        self._chromium = Chromium(options)

    @cached_property
    def tools(self) -> Sequence[Tool]:
        """The tools, for one agent or several.

        Raises InputError where there is no Chromium, NotInstalledError without Playwright.
        """
        from bottega_tools.browser import acting, looking

        self.ready()

        kinds = (
            looking.Navigate,
            looking.NavigateBack,
            looking.Snapshot,
            looking.TakeScreenshot,
            looking.WaitFor,
            acting.Click,
            acting.TypeText,
            acting.SelectOption,
            acting.PressKey,
            acting.Scroll,
        )
        return tuple(kind(self._chromium) for kind in kinds)

    def ready(self) -> str:
        """Say which Chromium it is. Raises as `tools` does."""
        from bottega_tools.browser.options import find_chromium

        if find_spec("playwright") is None:
            raise NotInstalledError("playwright", "browser")
        path = find_chromium(self._options.executable)
        boxed = self._options.sandboxed
        return f"drives {path}" + ("" if boxed else ", without its own sandbox, for root has none")

    async def aclose(self) -> None:
        """End the browser; the next page that is opened starts it again."""
        await self._chromium.aclose()


def make_browser(  # noqa: PLR0913  # what a graph may say of its browser
    *,
    allow: Sequence[str] = (),
    seconds: float = 20.0,
    megabytes: float = 50.0,
    executable: str = "",
    sandbox: bool | None = None,
    width: int = 1280,
    height: int = 800,
) -> BrowserTools:
    """Make the toolset of a graph's options. Raises InputError for one that cannot be.

    `allow` names hosts and networks that may be reached although they are not public.
    """
    from bottega_tools.browser.options import Options

    if not 0 < seconds <= 120:
        raise InputError(f"browser: seconds must be from 0 to 120, got {seconds:g}")
    if not 0 < megabytes <= 1_000:
        raise InputError(f"browser: megabytes must be from 0 to 1000, got {megabytes:g}")
    if not (200 <= width <= 4_000 and 200 <= height <= 4_000):
        raise InputError("browser: width and height must be from 200 to 4000 pixels")
    options = Options(
        allowed=Allowed.read(allow),
        seconds=seconds,
        most=int(megabytes * (1 << 20)),
        executable=executable,
        sandbox=sandbox,
        width=width,
        height=height,
    )
    return BrowserTools(options)
