"""Tools from elsewhere: smolagents, LangChain, MCP, OpenAPI; and Bottega tools for them."""

from __future__ import annotations

from collections.abc import Sequence

from bottega.offer import Offer
from bottega.plugin.spec import hookimpl


@hookimpl
def bottega_tools() -> Sequence[Offer]:
    """Offer tools of other frameworks and protocols."""
    return []
