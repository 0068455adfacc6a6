"""What the toolbox offers of browsing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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


def _browser(context: FactoryContext, **options: Any) -> BrowserTools:
    from bottega_tools.browser.toolset import make_browser

    return make_browser(**options)
