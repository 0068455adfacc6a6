"""What the toolbox offers of browsing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bottega.offer import Offer
from bottega.plugin.context import FactoryContext

if TYPE_CHECKING:
    from bottega_tools.browser.toolset import BrowserTools


def offers() -> Sequence[Offer]:
    """Return the offer of the toolset `browser`."""
    return (
        Offer(
            name="browser",
            summary="Ten tools that drive the system's Chromium: open, read, click, type, look.",
            factory=_browser,
            extra="browser",
            details=(
                "options: allow, seconds, megabytes, executable, sandbox, width, height",
                "run by root, Chromium has no sandbox of its own",
            ),
        ),
    )


def _browser(  # noqa: PLR0913  # what a graph may say of its browser
    context: FactoryContext,
    *,
    allow: Sequence[str] = (),
    seconds: float = 20.0,
    megabytes: float = 50.0,
    executable: str = "",
    sandbox: bool | None = None,
    width: int = 1280,
    height: int = 800,
) -> BrowserTools:
    from bottega_tools.browser.toolset import make_browser

    return make_browser(
        allow=allow,
        seconds=seconds,
        megabytes=megabytes,
        executable=executable,
        sandbox=sandbox,
        width=width,
        height=height,
    )
